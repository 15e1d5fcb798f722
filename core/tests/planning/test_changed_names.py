"""Values that a module changes after it made them, and names that come by several ways."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from dovetail.planning.code import source_ref, why_unhashable

STEPS = "from dovetail.definition.step import step\n{}\n@step\ndef train() -> str:\n    return str({})\n"

# What is in the module, what the step reads, and two lines between which the digest must differ or not.
SEEN = {
    "a call that fills": ("def fill(x, n): x.append(n)\nX = []\n{}", "X", "fill(X, 1)", "fill(X, 2)"),
    "a call by keyword": ("def fill(x): x.append(1)\nX = []\n{}", "X", "fill(x=X)", "pass"),
    "a call of the library": ("import random\nX = [1, 2]\n{}", "X", "random.shuffle(X)", "pass"),
    "setattr": ("class X: size = 1\n{}", "X.size", "setattr(X, 'size', 2)", "setattr(X, 'size', 3)"),
    "a function that changes a global": ("X = {{}}\ndef note(n): X[n] = 1\n{}", "X", "note(1)", "note(2)"),
    "what that function does": ("X = {{}}\ndef note(n): {}\nnote(1)", "X", "X[n] = 1", "X[n] = 2"),
    "a decorator that registers": (
        "X = {{}}\ndef put(f):\n    X[f.__name__] = f\n    return f\n@put\ndef f(): {}",
        "X['f']()",
        "return 1",
        "return 2",
    ),
    "a decorator with arguments that registers": (
        (
            "X = {{}}\ndef put(n):\n    def inner(f):\n        X[n] = f\n        return f\n    return inner\n"
            "@put(1)\ndef f(): {}"
        ),
        "X[1]()",
        "return 1",
        "return 2",
    ),
    "a method that decorates": (
        (
            "class Table(dict):\n    def put(self, f):\n        self[f.__name__] = f\n        return f\n"
            "X = Table()\n@X.put\ndef f(): {}"
        ),
        "X['f']()",
        "return 1",
        "return 2",
    ),
    "an overload": (
        ("import functools\n@functools.singledispatch\ndef X(v): return 0\n@X.register(int)\ndef _(v): {}"),
        "X(1)",
        "return 1",
        "return 2",
    ),
    "the rest of a mapping": (
        "match {{'a': 1, 'b': 2}}:\n    case {{{}, **X}}: pass",
        "X",
        "'a': 1",
        "'b': 2",
    ),
    "a name looked up among the modules": (
        "import sys\ndef f(): {}",
        "getattr(sys.modules[__name__], 'f')()",
        "return 1",
        "return 2",
    ),
    "a change under another name": ("X = {{}}\nE = X\n{}", "X", "E['a'] = 1", "E['a'] = 2"),
    "a change under the name of another name": (
        "X = {{}}\nE = X\nF: dict = E\ndef fill(n): F[n] = n\n{}",
        "X",
        "fill(1)",
        "fill(2)",
    ),
    "a change of a part under another name": (
        "class X: t = {{}}\nE = X.t\n{}",
        "X.t",
        "E[1] = 1",
        "E[1] = 2",
    ),
    "a number of thousands of digits": ("X = {}", "X", f"0x{'f' * 6000}", f"0x{'f' * 5999}e"),
}
UNSEEN = {
    "a call with a number": ("def show(x): pass\nX = 1\n{}", "X", "show(X)", "pass"),
    "a call with a function": ("def show(x): pass\ndef X(): pass\n{}", "X()", "show(X)", "pass"),
    "another name of a value": ("X = {{}}\n{}", "X", "E = X", "F = X"),
    "another value that has the name then": ("X = {{}}\nE = X\nE = {}", "X", "{}", "[]"),
    "another value that a call fills": ("X = []\nY = []\n{}", "X", "Y.append(1)", "Y.append(2)"),
    "a decorator that notes nothing": (
        "X = []\ndef put(f): return f\n@put\ndef f(): {}",
        "X",
        "return 1",
        "return 2",
    ),
    "a decorator of a module": (
        "import functools\n@functools.cache\ndef f(): {}",
        "functools.reduce",
        "return 1",
        "return 2",
    ),
    "a function that changes a name of its own": (
        "X = []\ndef note(n):\n    X = []\n    X.append(n)\n{}",
        "X",
        "note(1)",
        "note(2)",
    ),
}


def refs(project: Any, case: tuple[str, str, str, str]) -> list[str]:
    text, read, *lines = case
    return [project.ref({"steps.py": STEPS.format(text.format(each), read)}).digest for each in lines]


@pytest.mark.parametrize("what", SEEN)
def test_what_a_module_does_to_a_value_counts(project: Any, what: str) -> None:
    assert len(set(refs(project, SEEN[what]))) == 2


@pytest.mark.parametrize("what", UNSEEN)
def test_what_cannot_change_a_value_does_not_count(project: Any, what: str) -> None:
    assert len(set(refs(project, UNSEEN[what]))) == 1


def test_only_our_decorators_are_left_out_not_what_has_their_name(project: Any) -> None:
    own = "def step(n=1):\n    return lambda f: f\n"
    other = "from dovetail import step\n" + own + "@step(n={})\ndef name(): return 1\n"
    files = {"steps.py": STEPS.format("from other import name", "name()")}
    assert len({project.ref({**files, "other.py": other.format(n)}).digest for n in (1, 2)}) == 2


@pytest.mark.parametrize(
    ("head", "read"),
    [
        ("import importlib", "importlib.import_module('other').answer()"),
        ("from importlib import import_module as get", "get(name='other').answer()"),
        ("import importlib", "importlib.import_module('.other', __package__).answer()"),
        ("", "__import__('other').answer()"),
        ("import sys", "sys.modules['other'].answer()"),
        ("import sys", "sys.modules.get('other').answer()"),
        (
            "def get():\n    from importlib import import_module as load\n    return load('other')",
            "get().answer()",
        ),
    ],
)
def test_a_module_that_is_named_by_a_text_counts_whole(project: Any, head: str, read: str) -> None:
    found = [
        project.ref({"steps.py": STEPS.format(head, read), "other.py": f"def answer(): return {n}\n"}).digest
        for n in (1, 2)
    ]
    assert len(set(found)) == 2


STARS = {
    "steps.py": STEPS.format("from one import *\nfrom two import *", "name"),
    "one.py": "__all__ = ['name']\ndef name(): return 1\n",
    "two.py": "__all__ = []\ndef name(): return 2\n",
}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("one.py", "return 1", "return 3"),
        ("two.py", "__all__ = []", "__all__ = ['name']"),
        ("steps.py", "from two import *", "from two import *\nfrom math import *"),
    ],
)
def test_what_decides_between_stars_counts(project: Any, file: str, old: str, new: str) -> None:
    after = {**STARS, file: STARS[file].replace(old, new)}
    assert project.ref(after).digest != project.ref(STARS).digest


CONDITIONAL = {
    "steps.py": STEPS.format(
        "from flags import FLAG\nif FLAG: from one import name, other\nelse: from two import name, other",
        "name()",
    ),
    "flags.py": "FLAG = True\n",
    "one.py": "def name(): return 1\ndef other(): return 1\n",
    "two.py": "def name(): return 2\ndef other(): return 2\n",
}


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("flags.py", "True", "False", False),
        ("steps.py", "if FLAG", "if not FLAG", False),
        ("two.py", "name(): return 2", "name(): return 3", False),
        ("two.py", "other(): return 2", "other(): return 3", True),
        ("steps.py", "from one import name, other", "from one import name", True),
    ],
)
def test_what_decides_which_import_is_made_counts(
    project: Any, file: str, old: str, new: str, same: bool
) -> None:
    assert CONDITIONAL[file].count(old) == 1
    after = project.ref({**CONDITIONAL, file: CONDITIONAL[file].replace(old, new)})
    assert (after.digest == project.ref(CONDITIONAL).digest) is same


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig"])
def test_a_module_in_another_encoding_is_read_like_python_does(project: Any, encoding: str) -> None:
    digests = set()
    for number in (1, 2):
        project.write({"steps.py": STEPS.format("from other import name", "name()")})
        text = f"# -*- coding: {encoding} -*-\n# \u00e9\ndef name(): return {number}\n"
        (project.root / "other.py").write_bytes(text.encode(encoding))
        ref = source_ref(project.load("steps").train, project.root)
        assert set(ref.parts) == {"steps:train", "steps:name", "other:name"}
        digests.add(ref.digest)
    assert len(digests) == 2


def test_a_module_that_is_no_python_counts_byte_by_byte(project: Any) -> None:
    text = "try:\n    from broken import name\nexcept SyntaxError:\n    name = 1"
    files = {"steps.py": STEPS.format(text, "name")}
    first, second = (project.ref({**files, "broken.py": f"def name(:\n{line}"}) for line in "ab")
    assert "broken" in first.parts
    assert first.digest != second.digest


def test_code_behind_a_link_in_the_project_counts(project: Any, tmp_path: Path) -> None:
    shared = tmp_path / "shared.py"
    digests = set()
    for number in (1, 2):
        project.write({"steps.py": STEPS.format("from shared import name", "name()")})
        shared.write_text(f"def name(): return {number}\n")
        (project.root / "shared.py").symlink_to(shared)
        digests.add(source_ref(project.load("steps").train, project.root).digest)
    assert len(digests) == 2


CLOSURES = """
    from dovetail.definition.step import step
    def times(factor):
        def multiply(value, again=1):
            return value * factor
        return multiply
    def counting():
        def down(value):
            return down(value - 1) if value else 0
        return down
    def make(first, second=None):
        @step
        def train() -> int:
            return first(1) if second is None else second(1)
        return train
    made = [times(1), times(2)]
    train = {}
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("make(times(1), times(2))", "make(times(1), times(3))"),
        ("make(made[0], made[1])", "make(made[1], made[0])"),
        ("make([times(1), times(2)])", "make([times(2), times(1)])"),
        ("make(type('Box', (), {'f': times(1)}).f)", "make(type('Box', (), {'f': times(2)}).f)"),
    ],
)
def test_functions_that_one_line_made_are_told_apart_by_what_they_hold(
    project: Any, one: str, other: str
) -> None:
    found = [
        project.ref({"steps.py": CLOSURES.replace("train = {}", f"train = {each}")}) for each in (one, other)
    ]
    parts = [{name: each for name, each in ref.parts.items() if name != "steps:train"} for ref in found]
    assert parts[0] != parts[1]
    assert why_unhashable(found[0]) is None


def test_a_local_function_that_calls_itself_has_a_digest(project: Any) -> None:
    ref = project.ref({"steps.py": CLOSURES.replace("train = {}", "train = make(counting())")})
    assert why_unhashable(ref) is None


def test_the_number_of_modules_that_python_has_loaded_does_not_matter(project: Any) -> None:
    files = {"steps.py": STEPS.format("from one import name", "name()"), "one.py": "def name(): return 1\n",
             "two.py": "from one import *\n"}  # fmt: skip
    before = project.ref(files)
    __import__("two")
    assert source_ref(sys.modules["steps"].train, project.root) == before
