"""Every example in the README and in the pages of docs/ runs, in the order of its page.

A fence marked `python` is a program of its own; with `title="run.py"` it is a file for the fences below
it. In a fence marked `console` every line after `$ ` is run by bash, and the lines under it are its output,
where `...` stands for anything; a line that installs is not run, since what it installs is here. What
cannot be run says why in a comment above it: `<!-- not run: needs a cluster -->`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = ("README.md", "core/README.md", "docs/**/*.md", "plugins/*/README.md", "contrib/*/README.md")
PAGES = sorted(page for place in PLACES for page in ROOT.glob(place))
INSTALLS = re.compile(r"(uv )?pip install ")
FENCE = re.compile(
    r"(?P<excuse><!-- not run: (?P<reason>.+?) -->\s*\n)?"
    r"^```(?P<language>python|console)(?P<options>[^\n]*)\n(?P<text>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Example:
    """One fence of a page."""

    language: str
    text: str
    line: int
    title: str | None


def examples(page: str) -> list[Example]:
    """Return what a page wants run, top to bottom."""
    found = []
    for match in FENCE.finditer(page):
        if match["excuse"]:
            continue
        title = re.search(r'title="([^"]+)"', match["options"])
        line = page.count("\n", 0, match.start("text")) + 1
        found.append(Example(match["language"], match["text"], line, title[1] if title else None))
    return found


def commands(text: str) -> list[tuple[str, str]]:
    """Split a console fence into commands and what each is said to print."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    split = [part.partition("\n") for part in parts if part.strip()]
    shown = [(re.sub(r"\s{2,}# .*$", "", command), output.strip()) for command, _, output in split]
    return [(command, output) for command, output in shown if not INSTALLS.match(command)]


def printed(expected: str, actual: str) -> bool:
    """Say whether `actual` is what a page shows, `...` standing for anything."""
    pattern = ".*?".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, actual.strip(), flags=re.DOTALL) is not None


def run(command: list[str], folder: Path) -> str:
    """Run one example as a user would, with a home of its own, and return what it printed."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    bin_first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DOVETAIL_", "XDG_"))}
    env |= {"HOME": str(home), "PATH": bin_first, "NO_COLOR": "1", "COLUMNS": "110"}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    for example in examples(page.read_text()):
        where = f"{page.relative_to(ROOT)}:{example.line}"
        if example.language == "console":
            for command, expected in commands(example.text):
                actual = run(["bash", "-euo", "pipefail", "-c", command], folder)
                assert not expected or printed(expected, actual), f"{where}: {command} printed\n{actual}"
            continue
        file = folder / (example.title or f"example_{example.line}.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(example.text)
        if example.title is None:
            run([sys.executable, str(file)], folder)


def test_an_example_is_found_with_its_line_and_its_excuse() -> None:
    page = 'One\n```python title="a.py"\nx = 1\n```\n<!-- not run: why -->\n```console\n$ no\n```\n'
    assert examples(page) == [Example("python", "x = 1\n", 3, "a.py")]


def test_commands_are_split_from_what_they_print() -> None:
    assert commands("$ pip install x\n$ echo a   # a remark\na\n$ ls\n") == [("echo a", "a"), ("ls", "")]


def test_what_is_printed_is_compared() -> None:
    assert printed("run ... done", "run 1234 done\n")
    assert not printed("run ... done", "run 1234 failed")
