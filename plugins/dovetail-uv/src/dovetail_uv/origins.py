"""Where installed distributions came from, so that another environment can have the very same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dovetail.plugin import ConfigurationError, digest_bytes


def origin_lines(wheels: Iterable[str]) -> dict[str, str]:
    """Return how to install each wheel as it is here, mapped to what changes when it does.

    Keys are lines of a requirements file: a path where the wheel came from one, else the version. What a
    wheel requires is listed too where it came from a path, for no index need know it.

    Raises:
        ConfigurationError: one is not installed here.
    """
    found: dict[str, str] = {}
    for each in _closure(list(wheels)):
        line, stamp = _origin(each)
        found[line] = stamp
    return found


def _closure(names: list[str]) -> Iterator[Distribution]:
    seen: set[str] = set()
    wanted = {_plain(name) for name in names}
    pending = list(names)
    while pending:
        name = pending.pop(0)
        if _plain(name) in seen:
            continue
        seen.add(_plain(name))
        try:
            found = distribution(name)
        except PackageNotFoundError:
            if _plain(name) not in wanted:  # an extra, or of another platform
                continue
            raise ConfigurationError(
                f"wheel {name!r} is needed by the step, and is not installed here", hint=f"pip install {name}"
            ) from None
        if _plain(name) in wanted or _url(found):
            yield found
            pending += [re.split(r"[^A-Za-z0-9._-]", each, maxsplit=1)[0] for each in found.requires or ()]


def _origin(found: Distribution) -> tuple[str, str]:
    origin = _url(found)
    if not origin:
        return f"{found.name}=={found.version}", ""
    address = str(origin["url"])
    if not address.startswith("file:"):
        return f"{found.name} @ {address}", ""
    path = Path(unquote(urlsplit(address).path))
    if path.is_dir():
        editable = origin.get("dir_info", {}).get("editable", False)
        project = path / "pyproject.toml"
        stamp = digest_bytes(project.read_bytes()) if project.is_file() else ""
        return (f"-e {path}" if editable else str(path)), stamp
    if not path.is_file():
        raise ConfigurationError(
            f"wheel {found.name!r} was installed from {str(path)!r}, which is not there any more",
            hint="install it again from where it is",
        )
    return f"{found.name} @ {path.as_uri()}", digest_bytes(path.read_bytes())


def _url(found: Distribution) -> dict[str, dict[str, bool]]:
    document: dict[str, dict[str, bool]] = json.loads(found.read_text("direct_url.json") or "{}")
    return document


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
