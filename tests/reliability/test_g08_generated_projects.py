"""G8 by random projects: a step has another digest exactly where a definition that it reaches is edited."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail.planning.code import source_ref

# The first imports the second and the third, and so on; a function may import any of them.
MODULES = ("g08_steps", "g08_pack.inner", "g08_pack.deep", "g08_tools", "g08_last")
KINDS = ("function", "class", "constant", "lambda", "tuple", "decorated")
STYLES = ("name", "alias", "module", "star", "inside")


@dataclass
class Definition:
    """One name of one module; `uses` are the numbers of those it reads."""

    number: int
    module: int
    kind: str
    uses: tuple[int, ...] = ()
    value: int = 0

    @property
    def name(self) -> str:
        return f"name{self.number}"

    @property
    def label(self) -> str:
        return f"{MODULES[self.module]}:{self.name}"


@dataclass
class Project:
    """Definitions, the last of which is the step, and how each module imports each other."""

    definitions: list[Definition]
    styles: dict[tuple[int, int], str] = field(default_factory=dict)

    def reached(self) -> set[int]:
        """Return what the step reaches, by the graph that was drawn."""
        found, pending = set[int](), [len(self.definitions) - 1]
        while pending:
            number = pending.pop()
            if number not in found:
                found.add(number)
                pending.extend(self.definitions[number].uses)
        return found

    def texts(self, *, commented: int | None = None) -> dict[str, str]:
        """Return the files."""
        files = {
            f"{module.replace('.', '/')}.py": self._module(place, commented)
            for place, module in enumerate(MODULES)
        }
        return {"g08_pack/__init__.py": "", **files}

    def _module(self, module: int, commented: int | None) -> str:
        lines = ["from dovetail.definition.step import step", "def around(function): return function"]
        if module:
            lines = ["def around(function): return function"]
        for (importer, imported), style in sorted(self.styles.items()):
            if importer == module and style != "inside":
                lines += self._imports(module, imported, style)
        for each in self.definitions:
            if each.module == module:
                if each.number == commented:
                    lines.append("# a remark")
                lines += self._definition(each)
        return "\n".join(lines) + "\n"

    def _imports(self, module: int, imported: int, style: str) -> list[str]:
        name = MODULES[imported]
        used = sorted(
            {
                self.definitions[other].name
                for each in self.definitions
                if each.module == module
                for other in each.uses
                if self.definitions[other].module == imported
            }
        )
        if style == "module":
            return [f"import {name}"]
        if style == "star":
            return [f"from {name} import *"]
        return [
            f"from {name} import {each}" + (f" as other_{each}" if style == "alias" else "") for each in used
        ]

    def _used(self, each: Definition) -> tuple[list[str], str]:
        """Return imports to put inside, and an expression that reads all that a definition uses."""
        inside, read = [], [str(each.value)]
        for number in each.uses:
            other = self.definitions[number]
            style = "own" if other.module == each.module else self.styles[each.module, other.module]
            if style == "inside":
                inside.append(f"    from {MODULES[other.module]} import {other.name}")
            prefix = {"module": f"{MODULES[other.module]}.", "alias": "other_"}.get(style, "")
            read.append(f"id({prefix}{other.name})")
        return inside, " + ".join(read)

    def _definition(self, each: Definition) -> list[str]:
        inside, read = self._used(each)
        if each.kind == "step":
            return ["@step", f"def {each.name}() -> int:", *inside, f"    return {read}"]
        if each.kind == "class":
            return [
                f"class {each.name}:",
                "    def call(self):",
                *(f"    {line}" for line in inside),
                f"        return {read}",
            ]
        if each.kind == "lambda":
            return [f"{each.name} = lambda: {read}"]
        if each.kind == "constant":
            return [f"{each.name} = {each.value}"]
        if each.kind == "tuple":
            return [f"{each.name}: tuple[int, ...] = ({each.value},)"]
        head = ["@around"] if each.kind == "decorated" else []
        return [*head, f"def {each.name}(given={each.value}):", *inside, f"    return {read}"]


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """Draw a graph of definitions over the modules."""
    count = draw(st.integers(3, 14))
    made = [
        Definition(number, draw(st.integers(0, len(MODULES) - 1)), draw(st.sampled_from(KINDS)))
        for number in range(count)
    ]
    made.append(Definition(count, 0, "step"))
    styles: dict[tuple[int, int], str] = {}
    for each in made:
        if each.kind in {"constant", "tuple"}:
            continue
        uses = draw(st.lists(st.integers(0, count - 1), max_size=3, unique=True))
        for number in uses:
            pair = (each.module, made[number].module)
            if pair[0] != pair[1] and pair not in styles:
                styles[pair] = "inside" if pair[0] > pair[1] else draw(st.sampled_from(STYLES))
        # A lambda has no room for an import.
        each.uses = tuple(
            number
            for number in uses
            if each.kind != "lambda" or styles.get((each.module, made[number].module)) != "inside"
        )
    return Project(made, styles)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A source root on the path; byte code would hide edits of one second."""
    made = tmp_path_factory.mktemp("generated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.syspath_prepend(str(made))
        yield made
    forget()


def forget() -> None:
    for name in [each for each in sys.modules if each.startswith("g08_")]:
        del sys.modules[name]


def parts(root: Path, files: dict[str, str], step: str) -> dict[str, str]:
    """Write the files, import them anew, and return the parts of the step."""
    forget()
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    importlib.invalidate_caches()
    return source_ref(getattr(importlib.import_module(MODULES[0]), step), root).parts


@pytest.mark.timeout(600)
def test_g08_a_key_changes_exactly_where_an_edited_definition_is_reached(
    root: Path, size: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    counts: Counter[str] = Counter()

    @settings(
        max_examples=size(150, 3000), deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(projects(), st.data())
    def check(project: Project, data: st.DataObject) -> None:
        step = project.definitions[-1].name
        before = parts(root, project.texts(), step)
        reached = project.reached()
        assert {each.label for each in project.definitions if each.number in reached} <= before.keys()
        others = {each.number for each in project.definitions} - reached
        pool = sorted(reached if not others or data.draw(st.booleans()) else others)
        edited = project.definitions[data.draw(st.sampled_from(pool))]
        assert parts(root, project.texts(commented=edited.number), step) == before
        edited.value += 1
        after = parts(root, project.texts(), step)
        changed = {label for label in {*before, *after} if before.get(label) != after.get(label)}
        assert changed == ({edited.label} if edited.number in reached else set())
        counts["reached" if edited.number in reached else "not reached"] += 1

    check()
    tell(f"{counts['reached']} edits of what is reached, {counts['not reached']} of other code, 0 wrong")
    assert min(counts["reached"], counts["not reached"]) > 5
