"""Open files that hide in globals: a step that reaches one has no key."""

from __future__ import annotations

import io
import logging
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail.planning.code import why_unhashable
from dovetail.planning.held_files import held_file

HOLDERS = {
    "a list": "held = [io.StringIO('1')]",
    "a value of a mapping": "held = {'a': {'b': (1, io.StringIO('1'))}}",
    "an attribute": "class Box: pass\nheld = Box()\nheld.inner = [io.StringIO('1')]",
    "an object of the library": "import types\nheld = types.SimpleNamespace(fp=io.StringIO('1'))",
    "a subclass of a mapping": "class Box(dict): pass\nheld = Box(a=io.StringIO('1'))",
    "a list that contains itself": "held = []\nheld.append(held)\nheld.append(io.StringIO('1'))",
}
TEXT = """
import io
from dovetail.definition.step import step
{}
@step
def train() -> str:
    return str(held)
"""


@pytest.mark.parametrize("what", HOLDERS)
def test_a_global_that_holds_an_open_file_makes_the_step_uncacheable(project: Any, what: str) -> None:
    ref = project.ref({"steps.py": TEXT.format(HOLDERS[what])})
    assert why_unhashable(ref) == "steps:held: it holds an open file, whose contents are no part of it"


def test_a_step_that_only_stands_in_the_same_module_has_a_key(project: Any) -> None:
    text = TEXT.format("held = [io.StringIO('1')]") + "\n@step\ndef other() -> int:\n    return 1\n"
    assert why_unhashable(project.ref({"steps.py": text}, "steps:other")) is None


def test_a_module_that_counts_whole_is_looked_through(project: Any) -> None:
    steps = TEXT.format("import tools as held")
    ref = project.ref({"steps.py": steps, "tools.py": "import io\nhidden = [io.StringIO('1')]\n"})
    assert "tools: it holds an open file" in str(why_unhashable(ref))


class Refusing:
    """A proxy without what it stands for."""

    __slots__ = ()

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("used outside of a request")

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"used outside of a request: {name}")


@pytest.mark.parametrize(
    "value",
    [
        1, "text", [1, {2: (3,)}], io, open, logging.getLogger("a"), logging.StreamHandler(io.StringIO()),
        sys.stdout, [sys.stderr, sys.__stdout__], SimpleNamespace(stream=sys.stderr), threading.Lock(),
        {"classes": [io.StringIO]}, list(range(50_000)),
    ],
    ids=lambda each: type(each).__name__,
)  # fmt: skip
def test_what_holds_no_file_to_read_is_left_alone(value: Any) -> None:
    assert held_file(value) is None


def test_a_proxy_without_what_it_stands_for_is_not_asked() -> None:
    assert held_file(Refusing()) is None
    assert held_file([Refusing()]) is None


def test_an_open_file_itself_is_told_from_what_holds_one() -> None:
    with open(__file__, "rb") as file:  # noqa: PTH123 - any way to open
        assert (held_file(file), held_file([file])) == ("is", "holds")
