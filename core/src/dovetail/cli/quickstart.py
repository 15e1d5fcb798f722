"""`dovetail quickstart`: a small repository with a real pipeline, run three times before the user's eyes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import chdir
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from dovetail.cli.render import print_lines
from dovetail.client import Client, RunView
from dovetail.discovery.index import load_index
from dovetail.discovery.integration import State
from dovetail.errors import ConflictError, IntegrationError, StoreError
from dovetail.stacks.assemble import active_stack_record, assemble
from dovetail.stacks.profile_store import open_profile
from dovetail.stacks.workspace import init_workspace

DEFAULT = "dovetail-quickstart"
NEEDED = ("numpy", "sklearn", "tensorboard")
NAME = "quickstart"
PAGE = "run.html"
CHANGED = "train_network.epochs=40"
_SUFFIX = ".txt"


@click.command("quickstart")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT)
@click.option("--open", "show", is_flag=True, help="Show the page of the run in a browser.")
def command(directory: Path, *, show: bool) -> None:
    """Make a small repository in DIRECTORY (default: dovetail-quickstart) and run a real pipeline in it.

    Handwritten digits, two models that learn at the same time, a stack with a tracker from a wheel. It runs
    three times: anew, unchanged, and with another parameter. Needs dovetail-numpy, dovetail-sklearn and
    dovetail-tensorboard.
    """
    check_wheels()
    root = make_project(directory)
    print_lines([f"made a repository in {root}"])
    with chdir(root):
        _make_stack()
        _say("Every step runs, the two models at the same time.")
        _dovetail("run", "run.py")
        first = Client().run()
        _say("The same again. Nothing has changed, so nothing has to run.")
        _dovetail("run", "run.py")
        _say(f"Another parameter, {CHANGED}. Only what depends on it has to run.")
        _dovetail("run", "run.py", "--param", CHANGED)
        print_lines(["", *_what_ran(Client().run())])
        page = _write_page(first, root / PAGE)
    _say("What to look at:")
    print_lines(_where_to_look(root, page))
    if show:
        webbrowser.open(page.as_uri())


def check_wheels() -> None:
    """Raise IntegrationError, naming all that is missing and how to get it, unless all is there."""
    known = {each.name: each for each in load_index().integrations}
    missing = [name for name in NEEDED if name not in known or known[name].state is State.AVAILABLE]
    if missing:
        wheels = " ".join(f"dovetail-{name}" for name in missing)
        raise IntegrationError(
            f"quickstart needs {'wheels that are' if len(missing) > 1 else 'a wheel that is'} not installed: "
            f"{wheels.replace(' ', ', ')}",
            hint=f"dovetail integration install {' '.join(missing)}   (or: pip install {wheels})",
        )
    for name in NEEDED:
        if not known[name].state.usable:
            raise IntegrationError(
                f"the integration {name!r} is {known[name].state}: {known[name].cause}",
                hint=known[name].cure,
                where=known[name].wheel,
            )


def make_project(directory: Path) -> Path:
    """Write the repository; return its root.

    Raises:
        ConflictError: there is something in the directory.
        StoreError: it cannot be written.
    """
    root = directory.expanduser().absolute()
    if root.is_dir() and any(root.iterdir()):
        raise ConflictError(
            f"{str(root)!r} is not empty", hint="name another directory: dovetail quickstart DIRECTORY"
        )
    init_workspace(root, bare=True)
    try:
        for path, text in _files(files("dovetail.cli").joinpath("quickstart_files")):
            file = root / path.removesuffix(_SUFFIX)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        with (root / ".gitignore").open("a", encoding="utf-8", newline="\n") as ignored:
            ignored.write(f"{PAGE}\n")
    except OSError as error:
        raise StoreError(
            f"cannot write the repository {str(root)!r}: {error.strerror}",
            hint="choose a place that can be written",
        ) from error
    _commit(root)
    return root


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and text of every file of the packaged project."""
    waiting = [(prefix, folder)]
    while waiting:
        before, here = waiting.pop()
        for each in sorted(here.iterdir(), key=lambda entry: entry.name):
            if each.is_dir():
                waiting.append((f"{before}{each.name}/", each))
            elif each.name.endswith(_SUFFIX):
                yield f"{before}{each.name}", each.read_text("utf-8")


def _commit(root: Path) -> None:
    """Make a git repository with one commit, where git is there and this is none; it is only an extra."""
    git = shutil.which("git")
    if git is None or _git(git, root, "rev-parse", "--git-dir") == 0:
        return
    who = (
        []
        if _git(git, root, "config", "user.email") == 0
        else ["user.name=dovetail", "user.email=quickstart@localhost"]
    )
    plain = ["commit.gpgsign=false", "core.hooksPath=/dev/null", *who]
    options = [part for setting in plain for part in ("-c", setting)]
    if _git(git, root, "init", "--quiet") == 0 and _git(git, root, "add", "--all") == 0:
        _git(git, root, *options, "commit", "--quiet", "--message", "Dovetail quickstart")


def _git(git: str, root: Path, *arguments: str) -> int:
    return subprocess.run([git, *arguments], cwd=root, capture_output=True, check=False).returncode


def _make_stack() -> None:
    """Register tracker and stack, unless an earlier quickstart has; make the stack active here."""
    profile = open_profile().read()
    if NAME not in profile.components.get("experiment_tracker", {}):
        _dovetail("experiment-tracker", "register", NAME, "--flavor", "tensorboard")
    if NAME not in profile.stacks:
        parts = ("-o", "local", "-a", "local", "-m", "sqlite", "-e", NAME, "--visualizer", "html")
        _dovetail("stack", "register", NAME, *parts)
    _dovetail("stack", "set", NAME)


def _say(text: str) -> None:
    print_lines([""])
    click.secho(text, bold=True)


def _dovetail(*arguments: str) -> None:
    """Run one command as the user would, and show it; leave as it leaves when it fails."""
    click.secho(f"$ dovetail {' '.join(arguments)}", fg="cyan")
    sys.stdout.flush()
    ended = subprocess.run([sys.executable, "-m", "dovetail", *arguments], check=False)
    if ended.returncode:
        raise click.exceptions.Exit(ended.returncode)


def _what_ran(run: RunView) -> list[str]:
    """Return which steps ran and which were taken from the cache."""
    cached = [name for name, step in run.steps.items() if step.cached]
    anew = [name for name in run.steps if name not in cached]
    return [f"ran again: {', '.join(anew)}", f"taken from the cache: {', '.join(cached)}"]


def _write_page(run: RunView, page: Path) -> Path:
    with assemble(active_stack_record(), only={"visualizer"}) as stack:
        if stack.visualizer is not None:
            page.write_bytes(stack.visualizer.draw(run).data)
    return page


def _where_to_look(root: Path, page: Path) -> list[str]:
    board = root / ".dovetail" / "store" / "tensorboard"
    return [
        f"  {page}   the first run as a page",
        f"  cd {root}",
        "  dovetail run show last",
        "  dovetail run explain last train_network",
        f"  tensorboard --logdir {board}   (pip install tensorboard)",
    ]
