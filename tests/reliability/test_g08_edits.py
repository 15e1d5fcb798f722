"""G8 by real runs: for every kind of edit the steps that run again, and no other does."""

from __future__ import annotations

import json
from collections.abc import Callable
from textwrap import dedent

import pytest

from dovetail.testing.command_line import CommandLine

STEPS = """
    from dataclasses import dataclass
    from typing import NamedTuple
    from dovetail import pipeline, step
    from codec import Kelvin, KelvinMaterializer
    from decorators import doubled, unused
    from lib.tables import *
    from lib.shapes import Square
    from lib import near
    import registry
    try:
        from lib.fast import speed
    except ImportError:
        from lib.slow import speed

    RATE = 2
    LIMITS = {"low": 1}
    ROWS = [1]
    halve = lambda value: value / 2

    class Pair(NamedTuple):
        left: int = 1

    @dataclass
    class Point:
        x: int = 1

    class Holder:
        size = 4

    def fill(rows, value):
        rows.append(value)

    def note(value):
        LIMITS["noted"] = value

    def make(held):
        @step
        def inner() -> int:
            return held
        return inner

    def times(factor):
        def multiply(value):
            return value * factor
        return multiply

    def make_all(functions):
        @step
        def of_functions() -> list[int]:
            return [each(1) for each in functions]
        return of_functions

    fill(ROWS, 2)
    note(5)

    # about the steps

    @step(retry=1)
    def plain(start: int = 1) -> int:
        \"""Plain.\"""
        return int(start) + 1  # one more

    @step
    def far() -> int:
        return near.first(1)

    @step
    def constant() -> int:
        return int(RATE * 2)

    @step
    def method() -> int:
        return Square().area()

    @step
    @doubled(by=2)
    def decorated() -> int:
        return 1

    closed = make(3)
    made = make_all([times(1), times(2)])

    @step
    def attribute() -> int:
        return Holder.size

    @step
    def fields() -> int:
        return Pair().left + Point().x

    @step
    def with_lambda() -> float:
        return halve(3)

    @step
    def starred() -> int:
        return WEIGHT

    @step
    def conditional() -> int:
        return speed()

    @step
    def filled() -> list[int]:
        return [*ROWS, *LIMITS.values()]

    @step
    def registered() -> int:
        return registry.HANDLERS["one"]() + registry.shown(1)

    @step(materializers=KelvinMaterializer)
    def measure() -> Kelvin:
        return Kelvin(300.0)

    @step
    def read(warmth: Kelvin) -> float:
        return warmth.degrees

    @step(environment={"variables": {"LEVEL": "1"}})
    def declared() -> int:
        return 1

    def unrelated():
        return 1

    @pipeline
    def everything():
        for each in (
            plain, far, constant, method, decorated, closed, made, attribute, fields, with_lambda, starred,
            conditional, filled, registered, declared,
        ):
            each()
        read(measure())

    if __name__ == "__main__":
        everything.run()
"""
FILES = {
    "run.py": STEPS,
    "codec.py": """
        import json
        from dataclasses import dataclass
        from dovetail.materializers.base import BaseMaterializer

        @dataclass
        class Kelvin:
            degrees: float

        def written(value):
            return json.dumps(value.degrees).encode()

        class KelvinMaterializer(BaseMaterializer):
            name = "kelvin"
            version = 1

            def save(self, value, files):
                files.put("value.json", written(value))

            def load(self, annotation, files):
                return Kelvin(json.loads(files.get("value.json")))
    """,
    "decorators.py": """
        import functools

        def doubled(by):
            def decorate(function):
                @functools.wraps(function)
                def wrapper(*args, **kwargs):
                    return function(*args, **kwargs) * by
                return wrapper
            return decorate

        def unused(function):
            return function
    """,
    "registry.py": """
        from functools import singledispatch

        HANDLERS = {}

        def handles(name):
            def note(function):
                HANDLERS[name] = function
                return function
            return note

        @handles("one")
        def first():
            return 1

        @singledispatch
        def shown(value):
            return 0

        @shown.register
        def _(value: int):
            return value
    """,
    "lib/__init__.py": "",
    "lib/near.py": "from lib.distant import second\ndef first(value):\n    return second(value)\n",
    "lib/distant.py": """
        def second(value, scale=3):
            return value * scale

        def aside(value=0):
            return 1
    """,
    "lib/tables.py": "WEIGHT = 5\nOTHER = 6\n",
    "lib/shapes.py": """
        class Shape:
            sides = 4
            def area(self):
                return self.sides

        class Square(Shape):
            pass
    """,
    "lib/slow.py": "def speed():\n    return 1\n",
}
HIT: frozenset[str] = frozenset()
READS = frozenset({"measure", "read"})

# What is edited, where, what becomes what, and the steps that must run again.
EDITS: dict[str, tuple[str, str, str, frozenset[str]]] = {
    "the step": ("run.py", "int(start) + 1", "int(start) + 2", frozenset({"plain"})),
    "its docstring, which code can read": ("run.py", "Plain.", "Plainer.", frozenset({"plain"})),
    "a default": ("run.py", "start: int = 1", "start: int = 2", frozenset({"plain"})),
    "the type of a default": ("run.py", "start: int = 1", "start: float = 1", frozenset({"plain"})),
    "a helper two modules away": ("lib/distant.py", "value * scale", "value + scale", frozenset({"far"})),
    "a default of that helper": ("lib/distant.py", "scale=3", "scale=4", frozenset({"far"})),
    "which helper a name means": (
        "lib/near.py", "import second", "import aside as second", frozenset({"far"}),
    ),
    "a global constant": ("run.py", "RATE = 2", "RATE = 3", frozenset({"constant"})),
    "the type of a constant": ("run.py", "RATE = 2", "RATE = 2.0", frozenset({"constant"})),
    "a base method": ("lib/shapes.py", "return self.sides", "return -self.sides", frozenset({"method"})),
    "an attribute of a base": ("lib/shapes.py", "sides = 4", "sides = 5", frozenset({"method"})),
    "a decorator": ("decorators.py", "**kwargs) * by", "**kwargs) + by", frozenset({"decorated"})),
    "the argument of a decorator": ("run.py", "doubled(by=2)", "doubled(by=3)", frozenset({"decorated"})),
    "a decorator more": (
        "run.py", "@doubled(by=2)", "@doubled(by=2)\n    @unused", frozenset({"decorated"}),
    ),
    "a closure value": ("run.py", "make(3)", "make(4)", frozenset({"inner"})),
    "functions in a closure": ("run.py", "times(2)]", "times(3)]", frozenset({"of_functions"})),
    "a class attribute": ("run.py", "size = 4", "size = 5", frozenset({"attribute"})),
    "a field of a NamedTuple": ("run.py", "left: int = 1", "left: int = 2", frozenset({"fields"})),
    "a field of a dataclass": ("run.py", "x: int = 1", "x: int = 2", frozenset({"fields"})),
    "a constant of a lambda": ("run.py", "value / 2", "value / 3", frozenset({"with_lambda"})),
    "a name behind a star": ("lib/tables.py", "WEIGHT = 5", "WEIGHT = 6", frozenset({"starred"})),
    "an import that is there now": (
        "lib/fast.py", "", "def speed():\n    return 2\n", frozenset({"conditional"}),
    ),
    "the import taken for that": ("lib/slow.py", "return 1", "return 3", frozenset({"conditional"})),
    "a list filled by a call": ("run.py", "fill(ROWS, 2)", "fill(ROWS, 3)", frozenset({"filled"})),
    "a table changed by a function": ("run.py", "note(5)", "note(6)", frozenset({"filled"})),
    "a registered function": ("registry.py", "return 1", "return 2", frozenset({"registered"})),
    "an overload of another type": (
        "registry.py", "return value\n", "return -value\n", frozenset({"registered"}),
    ),
    "a materializer": ("codec.py", "written(value))", "written(value) + b' ')", READS),
    "what loads an input": ("codec.py", "return Kelvin(json", "return Kelvin(-json", READS),
    "a helper of a materializer": (
        "codec.py", "dumps(value.degrees)", "dumps(value.degrees, indent=1)", READS,
    ),
    "the version of a materializer": ("codec.py", "version = 1", "version = 2", READS),
    "the declared environment": ("run.py", '"LEVEL": "1"', '"LEVEL": "2"', frozenset({"declared"})),
    "a variable more": ("run.py", '"LEVEL": "1"', '"LEVEL": "1", "MORE": ""', frozenset({"declared"})),
    "a comment": ("run.py", "# one more", "# just one more", HIT),
    "formatting": ("run.py", "return int(start) + 1", "return (\n            int( start )+1\n        )", HIT),
    "an unrelated function": (
        "run.py", "def unrelated():\n        return 1", "def unrelated():\n        return 2", HIT,
    ),
    "an unrelated function of a used module": ("lib/distant.py", "return 1", "return 2", HIT),
    "an unrelated name behind a star": ("lib/tables.py", "OTHER = 6", "OTHER = 7", HIT),
    "a decorator that is not used": ("decorators.py", "return function\n    ", "return None\n    ", HIT),
    "an import that is not used": ("run.py", "import registry\n", "import registry\n    import json\n", HIT),
    "retries": ("run.py", "@step(retry=1)", "@step(retry=3)", HIT),
    "a timeout": ("run.py", "@step(retry=1)", "@step(retry=1, timeout=60)", HIT),
    "lines in front": ("run.py", "# about the steps", "# about\n\n\n    # the steps", HIT),
    "the order of definitions": (
        "run.py",
        'RATE = 2\n    LIMITS = {"low": 1}',
        'LIMITS = {"low": 1}\n    RATE = 2',
        HIT,
    ),
}  # fmt: skip
MOVED = dedent("""
    @step
    def attribute() -> int:
        return Holder.size
""")


def edited(what: str) -> tuple[str, str]:
    """Return a file and its text after an edit."""
    file, old, new, _ = EDITS[what]
    text = FILES.get(file, "")
    assert not old or text.count(old) == 1, f"{what}: {old!r} stands {text.count(old)} times in {file}"
    return file, dedent(text.replace(old, new) if old else new)


# One process that makes every edit, imports all anew, and runs: which steps were computed, by edit.
DRIVER = """
import json, pathlib, sys
sys.dont_write_bytecode = True
root = pathlib.Path.cwd()

def computed(name):
    for each, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if each != "__main__" and file and pathlib.Path(file).is_relative_to(root):
            del sys.modules[each]
    sys.path_importer_cache.clear()
    import run
    made = run.everything.run(in_process=True, quiet=True, name=name)
    return [name for name, step in made.steps.items() if step.status == "completed"]

told = {"first": computed("first"), "again": computed("again")}
for place, (what, (file, text)) in enumerate(json.load(open("edits.json")).items()):
    kept = (root / file).read_text() if (root / file).exists() else None
    (root / file).write_text(text)
    told[what] = computed(f"edit-{place}")
    (root / file).unlink() if kept is None else (root / file).write_text(kept)
print("\\nTOLD" + json.dumps(told))
"""


@pytest.fixture
def project(cli: CommandLine) -> CommandLine:
    """The command line where the files are."""
    for name, text in FILES.items():
        cli.write(name, dedent(text))
    return cli


@pytest.mark.timeout(300)
def test_g08_every_kind_of_edit_runs_the_steps_it_reaches_again_and_no_other(
    project: CommandLine, tell: Callable[[str], None]
) -> None:
    moved = dedent(STEPS).replace(MOVED, "").replace("closed = make(3)", f"closed = make(3)\n{MOVED}")
    edits = {what: edited(what) for what in EDITS} | {"a step that moved": ("run.py", moved)}
    assert moved != dedent(STEPS)
    project.write("edits.json", json.dumps(edits))
    project.write("driver.py", DRIVER)
    answer = project.python("driver.py", timeout=280)
    assert answer.code == 0, answer.err
    told = json.loads(answer.out.rpartition("TOLD")[2])
    assert (len(told.pop("first")), told.pop("again")) == (17, [])
    expected = {what: EDITS[what][3] if what in EDITS else HIT for what in edits}
    wrong = {what: told[what] for what in edits if set(told[what]) != expected[what]}
    misses = sum(map(bool, expected.values()))
    tell(f"{len(edits)} edits, {misses} to miss, {len(edits) - misses} to hit, {len(wrong)} wrong")
    assert wrong == {}


@pytest.mark.timeout(600)
def test_g08_edits_between_two_commands_are_seen_as_well(
    project: CommandLine, size: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    assert project("run", "run.py", "--quiet").code == 0
    chosen = list(EDITS)[:: size(16, 1)]
    wrong = {}
    for what in chosen:
        file, text = edited(what)
        project.write(file, text)
        answer = project("run", "run.py", "--json")
        assert answer.code == 0, answer.err
        computed = {each["name"] for each in answer.json()["steps"] if each["status"] == "completed"}
        if computed != EDITS[what][3]:
            wrong[what] = computed
        if file in FILES:
            project.write(file, dedent(FILES[file]))
        else:
            (project.directory / file).unlink()
    tell(f"{len(chosen)} edits between two commands, {len(wrong)} wrong")
    assert wrong == {}
