"""Which files belong to the code of a project: what git knows, or what no ignore rule names."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from dovetail.errors import ConfigurationError
from dovetail.stacks.workspace import DIRECTORY, home

IGNORE = ".dovetailignore"
"""The file at the source root that names, like `.gitignore`, what steps elsewhere do not need."""

_NEVER = ("/.git", f"/{DIRECTORY}/", "__pycache__/", "*.pyc", ".venv/", ".nox/", ".tox/", ".mypy_cache/")
_GIT_IGNORE = ".gitignore"
_ENVIRONMENT = "pyvenv.cfg"


def code_files(root: Path) -> list[str]:
    """Return the files below `root` that travel with a step, sorted: relative, POSIX, regular files only.

    In a git work tree they are those that git tracks, in submodules too, or would add; elsewhere all that no
    `.gitignore` names. A link to a file is that file, and stays at home where it leads out of the root.
    What `.dovetailignore` at the root names stays at home in both, and so does Dovetail's own directory of
    this user, with its keys, where that is below the root.

    Raises:
        ConfigurationError: a name is no UTF-8.
    """
    ignored = GitIgnoreSpec.from_lines([*_lines(root / IGNORE), *_NEVER])
    ours = _below(home(), root)
    known = _known_to_git(root)
    found = _walk(root) if known is None else known
    files = sorted(
        {
            each
            for each in found
            if not (ignored.match_file(each) or (ours and each.startswith(ours))) and _is_ours(root, each)
        }
    )
    for each in files:
        if not each.isprintable():
            raise ConfigurationError(
                f"the name of file {each!r} is no plain text", hint=f"rename it, or name it in {IGNORE}"
            )
    return files


def _below(place: Path, root: Path) -> str | None:
    """Return how names of files in `place` begin, seen from the root; None where it is not below that."""
    place, root = place.resolve(), root.resolve()
    return f"{place.relative_to(root).as_posix()}/" if root in place.parents else None


def _known_to_git(root: Path) -> Iterable[str] | None:
    """Return what git tracks or would add, None where no work tree has this directory, or one ignores it."""
    if _git(root, "check-ignore", "--quiet", ".") == b"":
        return None
    tracked = _git(root, "ls-files", "-z", "--cached", "--recurse-submodules")
    added = _git(root, "ls-files", "-z", "--others", "--exclude-standard")
    if tracked is None or added is None:
        return None
    return [os.fsdecode(each) for each in (tracked + added).split(b"\0") if each]


def _is_ours(root: Path, path: str) -> bool:
    """Say whether it is a file, and one of the root."""
    file = root / path
    return file.is_file() and (not file.is_symlink() or file.resolve().is_relative_to(root.resolve()))


def _git(root: Path, *arguments: str) -> bytes | None:
    """Return what git answers, None where it says no or is not there."""
    command = ["git", "-C", str(root), *arguments]
    try:
        answer = subprocess.run(
            command, capture_output=True, check=False, env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
        )
    except OSError:
        return None
    return None if answer.returncode else answer.stdout


def _walk(root: Path) -> Iterator[str]:
    """Yield every file below `root` that no `.gitignore` on the way names."""
    rules: dict[str, GitIgnoreSpec] = {}
    for directory, folders, names in os.walk(root):
        here = Path(directory).relative_to(root).as_posix()
        here = "" if here == "." else here
        if _GIT_IGNORE in names:
            rules[here] = GitIgnoreSpec.from_lines(_lines(Path(directory) / _GIT_IGNORE))
        if _ENVIRONMENT in names:
            folders.clear()
            continue
        folders[:] = [each for each in folders if not _ignored(rules, f"{_join(here, each)}/")]
        yield from (path for each in names if not _ignored(rules, path := _join(here, each)))


def _ignored(rules: dict[str, GitIgnoreSpec], path: str) -> bool:
    """Say whether the rules of the directories above name a path; a deeper one goes before."""
    places = [place for place in rules if not place or path.startswith(f"{place}/")]
    for place in sorted(places, key=len, reverse=True):
        found = rules[place].check_file(path[len(place) + 1 if place else 0 :])
        if found.include is not None:
            return bool(found.include)
    return False


def _join(place: str, name: str) -> str:
    return f"{place}/{name}" if place else name


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"cannot read {str(file)!r}: {error}", hint="make it a readable text"
        ) from error
