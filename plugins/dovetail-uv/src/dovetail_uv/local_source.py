"""Requirements that point to files of this machine, and a stamp that differs when those do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dovetail.plugin import ConfigurationError, digest_stream, digest_value

_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*@\s*(.+)")
_AFTER = re.compile(r"\s+#.*|\s*;\s.*|\s+;.*|\s+--hash.*")  # comment, marker, hash
_EXTRAS = re.compile(r"\[[^\]]*\]$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")  # as uv writes them
_ARCHIVES = (".whl", ".zip", ".tgz", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
_BUILT = {"build", "dist"}
_MARKS = ("pyvenv.cfg", "CACHEDIR.TAG")


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A file or folder that a requirement points to; `name` is its distribution's, None where unsaid."""

    path: Path
    name: str | None

    @property
    def anew(self) -> tuple[str, ...]:
        """Return the options with which uv takes nothing older of it from its own cache.

        That cache looks at the time of `pyproject.toml`, not at the sources. The options of refreshing would
        say more plainly what is meant, and are refused next to `--offline`.
        """
        return ("--reinstall",) if self.name is None else ("--reinstall-package", self.name)

    def stamp(self) -> str:
        """Return a digest of the path and of what is there.

        Raises:
            ConfigurationError: something of it cannot be read.
        """
        try:
            if self.path.is_file():
                return digest_value((os.fsencode(self.path), _digest(self.path)))
            found = {os.fsencode(each.relative_to(self.path)): _digest(each) for each in _files(self.path)}
        except OSError as error:
            raise ConfigurationError(
                f"a requirement points to {str(self.path)!r}, which cannot be read: {error}",
                hint="make it readable, or require it from elsewhere",
            ) from error
        return digest_value((os.fsencode(self.path), found))


def local_sources(requirements: Iterable[str], variables: Mapping[str, str]) -> list[LocalSource]:
    """Return what requirements point to on this machine; `variables` are those that they may mention."""
    found = (_local_source(each, variables) for each in sorted(requirements))
    return [each for each in found if each is not None]


def _local_source(requirement: str, variables: Mapping[str, str]) -> LocalSource | None:
    text = _AFTER.sub("", requirement, count=1).strip()
    named = _NAMED.fullmatch(text)
    written = named[2] if named else _EXTRAS.sub("", text)
    address = _VARIABLE.sub(lambda each: variables.get(each[1], each[0]), written)
    if address.startswith("file:"):
        address = unquote(urlsplit(address).path)
    elif "://" in address or not (named or "/" in address or address.endswith(_ARCHIVES)):
        return None
    path = Path("/", address.partition("#")[0])  # uv runs there
    return LocalSource(path, named[1] if named else None) if path.exists() else None


def _files(top: Path) -> Iterator[Path]:
    """Yield the files of a folder, without those that building, testing or keeping versions leaves there."""
    seen: set[str] = set()
    for place, folders, files in os.walk(top, followlinks=True, onerror=_fail):
        real = os.path.realpath(place)
        again = real in seen  # a link that leads back
        seen.add(real)
        left_out = _BUILT if place == str(top) else set()
        folders[:] = sorted(
            each
            for each in folders
            if not again and each not in left_out and not _leavings(Path(place, each))
        )
        for each in () if again else files:
            if not each.endswith(".pyc") and (file := Path(place, each)).is_file():
                yield file


def _leavings(folder: Path) -> bool:
    named_so = folder.name.startswith(".") or folder.name == "__pycache__" or folder.suffix == ".egg-info"
    return named_so or any((folder / each).is_file() for each in _MARKS)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return digest_stream(stream)[0]


def _fail(error: OSError) -> None:
    raise error
