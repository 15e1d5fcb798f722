"""Installing integrations: names become wheels through the catalog; pip or uv of this environment acts."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dovetail.discovery import catalog
from dovetail.discovery.index import Index
from dovetail.discovery.integration import CORE_WHEEL, Integration, State
from dovetail.errors import IntegrationError, NotFoundError, UsageError


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be installed or removed, and how; nothing has happened yet.

    `requirements` are what is handed to the installer: names of wheels, or paths of wheel files. `pinned`
    is the constraint that keeps the running core, empty when removing. `already` are integrations for
    which nothing is to be done.
    """

    requirements: tuple[str, ...]
    command: tuple[str, ...]
    pinned: str = ""
    already: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Return the command line as a person would type it."""
        constraint = ["--constraint", f"<{self.pinned}>"] if self.pinned else []
        return shlex.join([*self.command, *constraint, *self.requirements]).replace(
            f"'<{self.pinned}>'", f"<{self.pinned}>"
        )


def plan_installation(names: Sequence[str], index: Index, find_links: Path | None = None) -> Change:
    """Return how the named integrations are installed.

    With `find_links` their wheels are taken from that folder and from nowhere else; what they need may
    come from the index of packages as well.

    Raises:
        IntegrationError: the catalog does not know a name, or no installer is here.
        NotFoundError: the folder has no wheel of one of them.
    """
    offers = [catalog.find(name) for name in dict.fromkeys(names)]
    working = {each.wheel for each in index.integrations if each.state is not State.BROKEN}
    wanted = [offer for offer in offers if offer.wheel not in working]
    options: list[str] = []
    if find_links is not None:
        if not find_links.is_dir():
            raise NotFoundError(f"{str(find_links)!r} is no folder", hint="name a folder that holds wheels")
        options = ["--find-links", str(find_links)]
    return Change(
        requirements=tuple(_requirement(offer.wheel, find_links) for offer in wanted),
        command=(*installer("install"), *options),
        pinned=f"{CORE_WHEEL}=={core_version(index)}",
        already=tuple(offer.name for offer in offers if offer not in wanted),
    )


def plan_removal(names: Sequence[str], index: Index) -> Change:
    """Return how the named integrations are removed; what they needed stays.

    Raises:
        IntegrationError: a name is unknown or ambiguous.
        UsageError: it is the core's own.
    """
    found = [index.integration(name) for name in dict.fromkeys(names)]
    for each in found:
        if each.wheel == CORE_WHEEL:
            raise UsageError(
                f"{each.name!r} is part of Dovetail itself", hint="pip uninstall dovetail removes all"
            )
    installed = tuple(each.wheel for each in found if each.state is not State.AVAILABLE)
    command = installer("uninstall")
    already = tuple(each.name for each in found if each.state is State.AVAILABLE)
    return Change(tuple(dict.fromkeys(installed)), command, already=already)


def carry_out(change: Change, echo: Callable[[str], None]) -> None:
    """Run the installer, and pass on each line it says.

    Raises:
        IntegrationError: it failed; the message has its last line.
    """
    if not change.requirements:
        return
    with tempfile.TemporaryDirectory(prefix="dovetail-") as folder:
        command = list(change.command)
        if change.pinned:
            constraint = Path(folder) / "constraint.txt"
            constraint.write_text(f"{change.pinned}\n", encoding="utf-8")
            command += ["--constraint", str(constraint)]
        code, last = run_heard([*command, *change.requirements], echo)
    if code:
        raise IntegrationError(
            f"{change.shown} ended with exit code {code}: {last}",
            hint="mend what it says, or name a folder of wheels with --find-links",
        )


def run_heard(
    command: Sequence[str], echo: Callable[[str], None], directory: Path | None = None
) -> tuple[int, str]:
    """Run a program in `directory` and pass on each line it says; return its exit code and the last line."""
    last = "it said nothing"
    with subprocess.Popen(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as child:
        for line in child.stdout or ():
            if text := line.strip():
                echo(text)
                last = text
    return child.returncode, last


def installer(verb: str) -> tuple[str, ...]:
    """Return how pip or uv is called for this environment, with `install` or `uninstall`.

    Raises:
        IntegrationError: neither of them is here.
    """
    if importlib.util.find_spec("pip") is not None:
        sure = ("--yes",) if verb == "uninstall" else ("--disable-pip-version-check",)
        return (sys.executable, "-m", "pip", verb, *sure)
    if uv := shutil.which("uv"):
        return (uv, "pip", verb, "--python", sys.executable)
    raise IntegrationError(
        f"neither pip nor uv is here to change {sys.prefix!r}",
        hint=f"{sys.executable} -m ensurepip, or install uv",
    )


def core_version(index: Index) -> str:
    """Return the version of the running core."""
    for each in index.integrations:
        if each.wheel == CORE_WHEEL and each.version:
            return each.version
    raise IntegrationError("the core itself is not installed as a distribution", hint="pip install dovetail")


def requirement(integration: Integration) -> str:
    """Return the line of a requirements file that stands for an integration as it is installed."""
    return f"{integration.wheel}=={integration.version}" if integration.version else integration.wheel


def _requirement(wheel: str, find_links: Path | None) -> str:
    """Return the wheel's name, or the newest of its files in the folder: no index may answer for it then."""
    if find_links is None:
        return wheel
    pattern = re.compile(
        rf"{re.escape(wheel.replace('-', '_'))}-([^-]+)(-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl", re.IGNORECASE
    )
    found = [each for each in sorted(find_links.iterdir()) if pattern.fullmatch(each.name)]
    if not found:
        here = ", ".join(sorted(each.name for each in find_links.glob("*.whl"))[:5]) or "no wheel at all"
        raise NotFoundError(f"there is no wheel of {wheel!r} in {str(find_links)!r}", hint=f"it holds {here}")
    return str(max(found, key=lambda each: (_order(each.name.split("-")[1]), each.stat().st_mtime)).resolve())


def _order(version: str) -> list[tuple[int, int | str]]:
    """Return a key by which versions of our own wheels (numbers and dots, suffixes before none) sort."""
    parts = re.findall(r"\d+|[a-z]+", version.lower())
    key: list[tuple[int, int | str]] = [(1, int(part)) if part.isdigit() else (-1, part) for part in parts]
    return [*key, (0, 0)]
