"""Steps made inside functions: what their closures hold counts, and where they are found again."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail.planning.code import is_reloadable, source_ref, why_unhashable

FACTORY = """
    import threading
    from dovetail.definition.step import step

    def make(held, start=0):
        @step
        def train(value: int = start) -> int:
            return value if held else 0
        return train

    def one(): return 1
    def two(): return 2
    class Options:
        def __init__(self, size): self.size = size
    {lines}
"""


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("make(1)", "make(2)", False),
        ("make({1: 2})", "make({'1': 2})", False),
        ("make(1)", "make(True)", False),
        ("make(1, 2)", "make(1, 3)", False),
        ("make(one)", "make(two)", False),
        ("make(Options(1))", "make(Options(2))", False),
        ("make([1])", "make((1,))", False),
        ("make({3, 1, 2})", "make({2, 3, 1})", True),
        ("make(Options(1))", "make(Options(1))", True),
        ("make(one)", "make(one)", True),
    ],
)
def test_what_a_closure_holds_counts(project: Any, first: str, second: str, same: bool) -> None:
    refs = [project.ref({"steps.py": FACTORY.format(lines=f"train = {each}")}) for each in (first, second)]
    # The statements `train = make(...)` differ as text; what the closure holds is looked at by itself.
    parts = [{name: each for name, each in ref.parts.items() if name != "steps:train"} for ref in refs]
    assert (parts[0] == parts[1]) is same
    assert why_unhashable(refs[0]) is None


def test_a_closure_value_without_a_structure_makes_the_step_uncacheable(project: Any) -> None:
    ref = project.ref({"steps.py": FACTORY.format(lines="train = make(threading.Lock())")})
    assert (
        why_unhashable(ref)
        == "steps:make.<locals>.train(held): it is a _thread.lock, which has no attributes"
    )


def test_a_closure_over_an_open_file_makes_the_step_uncacheable(project: Any) -> None:
    lines = "import io; train = make(io.TextIOWrapper(io.BytesIO()))"
    ref = project.ref({"steps.py": FACTORY.format(lines=lines)})
    assert "train(held): it is a _io.TextIOWrapper, an open file" in str(why_unhashable(ref))


GLOBAL = """
    import io, sys
    from dovetail.definition.step import step
    {held}

    @step
    def train() -> str:
        return str(handle)
"""


def test_an_open_file_that_is_a_global_of_a_module_makes_the_step_uncacheable(project: Any) -> None:
    own = project.ref({"steps.py": GLOBAL.format(held="handle = io.StringIO('1')")})
    steps = GLOBAL.format(held="from rows import handle")
    other = {"steps.py": steps, "rows.py": "import io; handle = io.StringIO()"}
    assert "steps:handle: it is an open file" in str(why_unhashable(own))
    assert "rows:handle: it is an open file" in str(why_unhashable(project.ref(other)))


def test_a_global_that_is_standard_output_is_no_open_file(project: Any) -> None:
    assert why_unhashable(project.ref({"steps.py": GLOBAL.format(held="handle = sys.stdout")})) is None


def test_a_step_made_in_a_function_is_found_again_by_its_name_in_the_module(project: Any) -> None:
    ref = project.ref({"steps.py": FACTORY.format(lines="train = make(1)")})
    assert (ref.qualname, ref.path, is_reloadable(ref)) == ("train", "steps.py", True)


def test_a_step_that_no_module_names_cannot_be_loaded_elsewhere(project: Any) -> None:
    project.write({"steps.py": FACTORY.format(lines="box = [make(1)]")})
    ref = source_ref(project.load("steps").box[0], project.root)
    assert (ref.path, is_reloadable(ref)) == (None, False)
