"""Code digests: what must change them, and what must not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dovetail.planning.code import SourceReader, source_ref

STEP = "from dovetail.definition.step import step\n"

BASE = {
    "steps.py": """
        import math
        from dovetail.definition.step import BaseStep, step
        from library.tables import TABLE
        from library import shape
        import library.deep as deep
        from decorators import traced, doubled

        RATE = 0.5
        LIMITS = {"low": 1}
        LIMITS["high"] = 2
        SQUARES = [number * number for number in range(3)]

        def inner(value: float) -> float:
            # halves it
            return value * RATE + LIMITS["low"]

        @step(enable_cache=True)
        @traced(level=1)
        def train(data: float, epochs: int = RATE) -> float:
            \"\"\"Train.\"\"\"
            from library.late import finish
            return finish(inner(data) + shape.area(2) + deep.below(3) + TABLE[0] + math.floor(SQUARES[0]))

        def unrelated() -> int:
            return 1
    """,
    "decorators.py": """
        import functools

        def traced(level):
            def decorate(function):
                @functools.wraps(function)
                def wrapper(*args, **kwargs):
                    return function(*args, **kwargs)
                return wrapper
            return decorate

        def doubled(function):
            return function
    """,
    "library/__init__.py": "",
    "library/tables.py": """
        TABLE = [1]
        TABLE.append(2)
        OTHER = 3
    """,
    "library/shape.py": """
        from library.deep import below

        def area(side):
            return below(side) * side

        def volume(side):
            return side
    """,
    "library/deep.py": """
        from .deepest import *

        def below(value):
            return bottom(value) - 1
    """,
    "library/deepest.py": """
        def bottom(value):
            return -value

        def aside(value):
            return value
    """,
    "library/late.py": """
        def finish(value):
            return value
    """,
}

MISS = {
    "the step": ("steps.py", "inner(data) + ", "inner(data) - "),
    "a default": ("steps.py", "epochs: int = RATE", "epochs: int = 2"),
    "a global constant": ("steps.py", "RATE = 0.5", "RATE = 0.6"),
    "the type of a constant": ("steps.py", "RATE = 0.5", "RATE = '0.5'"),
    "a change of a global": ("steps.py", 'LIMITS["high"] = 2', 'LIMITS["high"] = 3'),
    "a constant made by a comprehension": ("steps.py", "range(3)", "range(4)"),
    "a helper": ("steps.py", "value * RATE", "value / RATE"),
    "a decorator's arguments": ("steps.py", "@traced(level=1)", "@traced(level=2)"),
    "a further decorator": ("steps.py", "@traced(level=1)", "@doubled\n        @traced(level=1)"),
    "a decorator's code": ("decorators.py", "return function(*args, **kwargs)", "return None"),
    "a name of an installed module": ("steps.py", "math.floor", "math.ceil"),
    "what a name of a library means": ("steps.py", "import math\n", "import cmath as math\n"),
    "a constant of another module": ("library/tables.py", "TABLE = [1]", "TABLE = [2]"),
    "a change of it": ("library/tables.py", "TABLE.append(2)", "TABLE.append(3)"),
    "a helper of a module": ("library/shape.py", "* side", "+ side"),
    "a helper two modules away": ("library/deep.py", "- 1", "- 2"),
    "a helper behind a star": ("library/deepest.py", "-value", "+value"),
    "a helper imported in a function": ("library/late.py", "return value", "return -value"),
    "which helper a name means": ("steps.py", "import finish", "import other as finish"),
    "the docstring": ("steps.py", "Train.", "Train well."),
    "an annotation": ("steps.py", "(data: float, ", "(data: int, "),
}

HIT = {
    "a comment": ("steps.py", "# halves it", "# multiplies it"),
    "formatting": ("steps.py", "inner(data) + shape", "inner( data )   +  shape"),
    "quotes and line breaks": ("steps.py", 'LIMITS["low"]', "LIMITS[\n            'low'\n        ]"),
    "an unrelated function": ("steps.py", "return 1", "return 2"),
    "a new function above": (
        "steps.py",
        "RATE = 0.5",
        "def new(): ...\nRATE = 0.5".replace("\n", "\n        "),
    ),
    "an unused import": ("steps.py", "import math\n", "import math\n        import json\n"),
    "an unrelated function of a used module": ("library/shape.py", "return side\n", "return 0\n"),
    "an unrelated constant of a used module": ("library/tables.py", "OTHER = 3", "OTHER = 4"),
    "an unrelated function behind a star": ("library/deepest.py", "return value\n", "return 0\n"),
    "an unused decorator": ("decorators.py", "return function\n", "return None\n"),
    "options of the step": ("steps.py", "enable_cache=True", "enable_cache=False, retry=3"),
}


def edited(file: str, old: str, new: str) -> dict[str, str]:
    assert BASE[file].count(old) == 1, f"{old!r} stands {BASE[file].count(old)} times in {file}"
    extra = {
        "library/late.py": BASE["library/late.py"] + "\n        def other(value):\n            return 0\n"
    }
    return {**BASE, **(extra if "other as" in new else {}), file: BASE[file].replace(old, new)}


@pytest.mark.parametrize("what", MISS)
def test_an_edit_that_can_matter_changes_the_digest(project: Any, what: str) -> None:
    assert project.ref(edited(*MISS[what])).digest != project.ref(BASE).digest


@pytest.mark.parametrize("what", HIT)
def test_an_edit_that_cannot_matter_keeps_the_digest(project: Any, what: str) -> None:
    assert project.ref(edited(*HIT[what])).digest == project.ref(BASE).digest


def test_parts_are_named_so_that_one_sees_what_changed(project: Any) -> None:
    before = project.ref(BASE)
    after = project.ref(edited(*MISS["a helper two modules away"]))
    changed = {part for part in before.parts if before.parts[part] != after.parts.get(part)}
    assert changed == {"library.deep:below"}
    assert (before.module, before.qualname, before.path) == ("steps", "train", "steps.py")


def test_a_swap_of_two_imported_names_is_seen(project: Any) -> None:
    use = "\nfrom dovetail.definition.step import step\n@step\ndef train() -> int:\n    return one(two(1))\n"
    files = {"tools.py": "def a(x): return x\ndef b(x): return -x\n"}
    first = project.ref({**files, "steps.py": "from tools import a as one, b as two" + use})
    second = project.ref({**files, "steps.py": "from tools import b as one, a as two" + use})
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("values", "same"), [("2, 3", False), ("1, 3", True), ("1, other()", True), ("[1, 2]", False)]
)
def test_names_that_one_statement_binds_do_not_count_for_each_other(
    project: Any, values: str, same: bool
) -> None:
    text = STEP + "def other(): return 3\nRATE, UNUSED = {}\n@step\ndef train() -> int:\n    return RATE\n"
    before, after = (project.ref({"steps.py": text.format(each)}) for each in ("1, 2", values))
    assert (before.digest == after.digest) is same


def test_two_steps_that_reach_each_other_differ(project: Any) -> None:
    steps = (f"@step\ndef {name}() -> int:\n    globals()['x'] = {name!r}\n" for name in ("train", "check"))
    files = {"steps.py": f"{STEP}{''.join(steps)}def body():\n    train()\n    check()\n"}
    train, check = (project.ref(files, f"steps:{name}") for name in ("train", "check"))
    assert train.parts == check.parts
    assert train.digest != check.digest


CLASSES = {
    "bases.py": """
        from dovetail.definition.step import BaseStep

        class Layer(BaseStep):
            def prepare(self, value):
                return value + 1
    """,
    "steps.py": """
        from __future__ import annotations
        from bases import Layer
        from settings import Config

        class train(Layer):
            def entrypoint(self, value: int, config: "Config") -> int:
                return self.prepare(value)
    """,
    "settings.py": """
        class Config:
            size = 1

        class Other:
            size = 1
    """,
}


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("bases.py", "value + 1", "value + 2", False),
        ("steps.py", "self.prepare(value)", "self.prepare(value) * 2", False),
        ("settings.py", "class Config:\n            size = 1", "class Config:\n            size = 2", False),
        ("settings.py", "class Other:\n            size = 1", "class Other:\n            size = 2", True),
    ],
)
def test_a_class_step_counts_its_bases_and_annotations(
    project: Any, file: str, old: str, new: str, same: bool
) -> None:
    assert old in CLASSES[file]
    after = project.ref({**CLASSES, file: CLASSES[file].replace(old, new)})
    assert (after.digest == project.ref(CLASSES).digest) is same


@pytest.mark.parametrize(
    "text",
    [
        "import tools\n@step\ndef train(name: str) -> int:\n    return getattr(tools, name)()\n",
        "from tools import *\n@step\ndef train() -> int:\n    return eval('used()')\n",
        "import tools\n@step\ndef train() -> int:\n    return tools.lazy()\n",
    ],
)
def test_a_module_counts_whole_where_a_name_cannot_be_resolved(project: Any, text: str) -> None:
    steps = {"steps.py": f"from dovetail.definition.step import step\n{text}"}
    tools = "def used(): return 1\ndef hidden(): return {}\n"
    if "lazy" in text:
        tools += "def __getattr__(name): return hidden\n"
    before = project.ref({**steps, "tools.py": tools.format(1)})
    after = project.ref({**steps, "tools.py": tools.format(2)})
    assert "tools" in before.parts
    assert before.digest != after.digest


def test_an_installed_package_below_the_root_is_no_code_of_the_project(project: Any) -> None:
    steps = f"{STEP}from tool import work\n@step\ndef train() -> int:\n    return work()\n"
    project.write({"steps.py": steps, ".venv/lib/site-packages/tool.py": "def work(): return 1\n"})
    sys.path.append(str(project.root / ".venv/lib/site-packages"))
    try:
        ref = source_ref(project.load("steps").train, project.root)
    finally:
        sys.path.pop()
    assert set(ref.parts) == {"steps:train", "steps:work"}


def test_a_step_of_an_installed_package_counts_that_package(
    project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "site-packages"
    text = STEP + "def aid(): return {}\n@step\ndef train() -> int:\n    return aid()\n"
    digests = []
    monkeypatch.syspath_prepend(str(place))
    for number in (1, 2):
        place.mkdir(exist_ok=True)
        (place / "shared_steps.py").write_text(text.format(number))
        sys.modules.pop("shared_steps", None)
        ref = source_ref(project.load("shared_steps").train, project.root)
        digests.append(ref.digest)
        assert ref.path is None
    assert digests[0] != digests[1]


def test_what_counts_for_one_step_does_not_depend_on_the_steps_read_before(
    project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "site-packages"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))
    (place / "pack.py").write_text(
        STEP + "def aid(): return 1\n@step\ndef other() -> int:\n    return aid()\n"
    )
    text = STEP + "from pack import aid, other\n@step\ndef train() -> int:\n    return aid()\n"
    alone = project.ref({"steps.py": text})
    module, reader = sys.modules["steps"], SourceReader(project.root)
    assert "pack:aid" in reader.ref(module.other).parts
    assert reader.ref(module.train) == alone
    del sys.modules["pack"]


def test_a_materializer_that_a_step_brings_is_part_of_its_code(project: Any) -> None:
    text = STEP + "@step\ndef train() -> int:\n    return 1\nclass Mine:\n    size = {}\n"
    digests = []
    for number in (1, 2):
        project.write({"steps.py": text.format(number)})
        module = project.load("steps")
        digests.append(source_ref(module.train, project.root, module.Mine).digest)
        assert source_ref(module.train, project.root).digest not in digests
    assert digests[0] != digests[1]


def test_code_that_calls_itself_and_long_chains_of_calls_are_no_recursion_for_us(project: Any) -> None:
    chain = (
        "".join(f"def f{n}(x): return f{n + 1}(x)\n" for n in range(3000)) + "def f3000(x): return f0(x)\n"
    )
    deep = "DEEP = " + " + ".join(["1"] * 600) + "\n"
    text = f"{STEP}{chain}{deep}@step\ndef train() -> int:\n    return f0(DEEP)\n"
    assert len(project.ref({"steps.py": text}).parts) == 3003


def test_a_file_is_read_again_when_it_changes(project: Any) -> None:
    project.ref(BASE)
    path = project.root / "library/late.py"
    module = sys.modules["steps"]
    before = source_ref(module.train, project.root)
    path.write_text("def finish(value):\n    return 0\n")
    assert source_ref(module.train, project.root).digest != before.digest


SCRIPT = """
from dovetail.definition.step import step
from dovetail.planning.code import source_ref
import pathlib

NAMES = {"c", "a", "b"}

def make(held):
    @step
    def inner(value: int) -> int:
        return value if held else 0
    return inner

@step
def train(value: int) -> int:
    return len(NAMES)

made = make({"x", "y", frozenset({"p", "q"})})

if __name__ == "__main__":
    for each in (train, made):
        print(source_ref(each, pathlib.Path(__file__).parent).to_json().decode())
"""


def test_digests_are_equal_in_other_places_processes_and_under_other_hash_seeds(tmp_path: Path) -> None:
    answers = set()
    for seed in range(4):
        place = tmp_path / f"clone-{seed}"
        place.mkdir()
        (place / "run.py").write_text(SCRIPT)
        for command in (["run.py"], ["-m", "run"]):
            answers.add(run_python(place, seed, *command))
    assert len(answers) == 1
    assert '"module":"run"' in answers.pop()


def run_python(place: Path, seed: int, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments], cwd=place, env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": ""},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
