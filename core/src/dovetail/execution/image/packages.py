"""Installed distributions as a directory that goes into an image, without a trace of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from dovetail.discovery.install import installer, run_heard
from dovetail.errors import IntegrationError
from dovetail.execution.image.distributions import Locked

_NOT_TAKEN = {"direct_url.json", "uv_build.json", "uv_cache.json"}
"""Files of an installer beside the metadata, which say from where on this machine it installed."""
_EXECUTABLE = 0o100


def install(
    wanted: Sequence[Locked], into: Path, echo: Callable[[str], None], find_links: Path | None = None
) -> None:
    """Install distributions into the new directory `into`, with pip or uv of this environment.

    They ask the indexes that they are set up to ask, so that no credentials of an index go into an image.

    Raises:
        IntegrationError: there is no installer, or it fails.
    """
    command = [*installer("install"), "--target", str(into), "--no-deps", "--no-compile"]
    if command[1] == "pip":  # uv: a link would let `tidy` write into its cache
        command += ["--link-mode", "copy"]
    if find_links is not None:
        command += ["--find-links", str(find_links)]
    code, last = run_heard(
        [*command, *(each.origin for each in wanted)],
        lambda line: None if line.startswith("+ ") else echo(line),  # uv lists again what it has installed
    )
    if code:
        raise IntegrationError(
            f"the {len(wanted)} distributions of the image cannot be installed: {last}",
            hint="mend what it says, or name a folder of wheels with --find-links",
        )
    tidy(into)


def tidy(place: Path) -> None:
    """Remove what differs between two installations of the same, and what names this machine."""
    shutil.rmtree(place / "bin", ignore_errors=True)  # scripts begin with the path of this Python
    (place / ".lock").unlink(missing_ok=True)
    for each in place.glob("*.dist-info/*"):
        if each.name in _NOT_TAKEN:
            each.unlink()
    for each in list(place.rglob("__pycache__")):
        shutil.rmtree(each)
    for record in place.glob("*.dist-info/RECORD"):
        _mend(record, place)
    for each in (place, *place.rglob("*")):
        each.chmod(0o755 if each.is_dir() or each.stat().st_mode & _EXECUTABLE else 0o644)


def _mend(record: Path, place: Path) -> None:
    """Take out of the list of a distribution's files what is not there, and sort it."""
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [each for each in sorted(lines) if (place / each.split(",")[0].strip('"')).exists()]
    record.write_text("".join(kept), encoding="utf-8", newline="")
