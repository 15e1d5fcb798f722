"""Where Dovetail keeps things: the home of a user, and the workspace of a project (`.dovetail/`).

A workspace is a directory with `.dovetail/` in it; everything below belongs to it. Outside of any, the
home takes its place. Which profile and which stack are active is kept in `config.yaml` of the workspace,
and of the home where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from dovetail.errors import ConfigurationError, ConflictError, StoreError
from dovetail.home import home_directory
from dovetail.names import check_name
from dovetail.stacks.document import change, read_document, write_document
from dovetail.stacks.profile import DEFAULT, FORMAT, check_format, check_keys
from dovetail.stacks.template import EXAMPLE, IGNORED

DIRECTORY = ".dovetail"
CONFIG = "config.yaml"
_HEADING = "Chosen by `dovetail profile set` and `dovetail stack set`."


class Workspace(NamedTuple):
    """A project: `root` is its top directory, the source root of the steps in it."""

    root: Path

    @property
    def directory(self) -> Path:
        """Return `.dovetail/`."""
        return self.root / DIRECTORY

    @property
    def config(self) -> Path:
        """Return the file that names the active profile and stacks."""
        return self.directory / CONFIG


class Choice(NamedTuple):
    """What is active: `profile`, the stack of each profile, and the file that says so."""

    profile: str
    stacks: dict[str, str]
    file: Path


def home() -> Path:
    """Return the user's directory: DOVETAIL_HOME, or where this platform keeps data of programs."""
    return Path(home_directory())


def find_workspace(start: Path | None = None) -> Workspace | None:
    """Return the workspace that `start` (default: the current directory) lies in, None outside of any."""
    here = start.absolute() if start else _current()
    for directory in (here, *here.parents):
        if (directory / DIRECTORY).is_dir():
            return Workspace(directory)
    return None


def _current() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigurationError(
            "the current directory is gone", hint="somebody removed it; change to another one"
        ) from None


def component_home(workspace: Workspace | None = None) -> Path:
    """Return where components keep their files: in the workspace, else in the home."""
    workspace = workspace or find_workspace()
    return (workspace.directory if workspace else home()) / "store"


def source_root(script: Path | None = None) -> Path:
    """Return the directory that paths of steps are relative to.

    That is the workspace of the script (of the current directory, without a script), else the directory
    of the script.
    """
    start = script.absolute().parent if script else _current()
    workspace = find_workspace(start)
    return workspace.root if workspace else start


def choice() -> Choice:
    """Return what is active here, as the file says; the environment is asked by the caller.

    Raises:
        ConfigurationError: the file is broken.
    """
    workspace = find_workspace()
    file = workspace.config if workspace else home() / CONFIG
    document = read_document(file) or {}
    check_format(document, str(file))
    check_keys(document, ("format", "profile", "stacks"), str(file), "this file")
    profile, stacks = document.get("profile", DEFAULT), document.get("stacks", {})
    if not isinstance(stacks, dict):
        raise ConfigurationError("'stacks' maps a profile to a stack", hint="mend it", where=str(file))
    return Choice(
        check_name("profile", profile),
        {check_name("profile", each): check_name("stack", stack) for each, stack in stacks.items()},
        file,
    )


def choose_profile(name: str) -> Path:
    """Make the profile active here; return the file that now says so."""
    return _choose(lambda document: document.update(profile=name))


def choose_stack(profile: str, stack: str) -> Path:
    """Make the stack the active one of the profile here; return the file that now says so."""
    return _choose(lambda document: document.setdefault("stacks", {}).update({profile: stack}))


def _choose(changes: Callable[[dict[str, Any]], None]) -> Path:
    file = choice().file

    def changed(document: dict[str, Any] | None) -> dict[str, Any]:
        document = document or {"format": FORMAT}
        changes(document)
        return document

    change(file, changed, _HEADING)
    return file


def init_workspace(path: Path, *, bare: bool = False) -> tuple[Workspace, list[Path]]:
    """Make `path` a workspace with a small working example; return it and the files that were made.

    With `bare` only `.dovetail/` and lines in `.gitignore` are made. Nothing is overwritten.

    Raises:
        ConflictError: it is a workspace, or a file of the example is there; nothing has been changed.
        StoreError: the place cannot be written; what was made before is removed again.
    """
    root = path.expanduser().absolute()
    workspace = Workspace(root)
    files = {} if bare else {root / name: text for name, text in EXAMPLE.items()}
    _check_free(workspace, list(files))
    made: list[Path] = []
    try:
        for file, text in files.items():
            _make_parents(file, made)
            made.append(file)
            file.write_text(text, encoding="utf-8", newline="\n")
        _make_parents(workspace.config, made)
        made.append(workspace.config)
        write_document(workspace.config, {"format": FORMAT}, _HEADING)
        _ignore(root / ".gitignore", made)
    except (OSError, StoreError) as error:
        _remove(made)
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError(
            f"{str(root)!r} cannot become a workspace: {reason}", hint="choose a place that can be written"
        ) from error
    return workspace, [each for each in made if each.is_file()]


def _check_free(workspace: Workspace, files: list[Path]) -> None:
    if workspace.root.exists() and not workspace.root.is_dir():
        raise ConflictError(f"{str(workspace.root)!r} is no directory", hint="name a directory")
    if workspace.directory.exists():
        raise ConflictError(f"{str(workspace.root)!r} is a workspace already", hint="nothing is left to do")
    there = [file.relative_to(workspace.root).as_posix() for file in files if file.exists()]
    if there:
        raise ConflictError(
            f"{', '.join(there)} would be overwritten in {str(workspace.root)!r}",
            hint="`dovetail init --bare` makes the workspace without the example",
        )


def _make_parents(file: Path, made: list[Path]) -> None:
    missing = [each for each in file.parents if not each.exists()]
    for directory in reversed(missing):
        directory.mkdir()
        made.append(directory)


def _ignore(file: Path, made: list[Path]) -> None:
    """Add the lines that are missing to `.gitignore`."""
    there = file.read_text(encoding="utf-8") if file.exists() else ""
    lines = [line for line in IGNORED if line not in there.splitlines()]
    if not lines:
        return
    if not there:
        made.append(file)
    gap = "" if not there or there.endswith("\n") else "\n"
    file.write_text(there + gap + "".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _remove(made: list[Path]) -> None:
    for each in reversed(made):
        if each.is_dir():
            each.rmdir()
        else:
            each.unlink(missing_ok=True)
