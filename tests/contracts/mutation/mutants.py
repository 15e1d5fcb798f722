"""Mutants of one source file: made by the operators of mutmut, told apart by what they change."""

from __future__ import annotations

import difflib
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper
from mutmut.mutation.file_mutation import MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

_NOTHING_IGNORED = IgnoredCode(set(), set(), set())
_WIDEST = 150
_SAY = {"refused", "_refused", "_missing", "did_you_mean", "cast", "hit"}
"""Functions that word an error, the one that only type checkers hear, and that of points for crash tests."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A source file with one change: `place` is the function, `change` its lines before and after."""

    file: str
    place: str
    change: str
    code: str

    @property
    def name(self) -> str:
        """One line that tells it from all others of the file."""
        return f"{self.file} {self.place}: {self.change}"


class _InFunctions(MutationVisitor):
    """Goes into decorated functions too, which mutmut leaves out: half of what is here are such.

    What a message says is nobody's behaviour: the texts that make up an error are left as they are.
    """

    def __init__(self) -> None:
        super().__init__(mutation_operators, _NOTHING_IGNORED)
        self._functions: list[str] = []
        self._depth = 0
        self.places: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._functions.append(node.name.value)
            self._depth += isinstance(node, cst.FunctionDef)
        return super().on_visit(node)

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._functions.pop()
            self._depth -= isinstance(original_node, cst.FunctionDef)
        super().on_leave(original_node)

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef):
            return _words_an_error(node)
        return _says(node) or isinstance(node, cst.Decorator) or super()._skip_node_and_children(node)

    def _create_mutations(self, node: cst.CSTNode) -> None:
        if not self._depth:  # what a class says of itself: settings and their descriptions, capabilities
            return
        before = len(self.mutations)
        super()._create_mutations(node)
        self.places += [".".join(self._functions)] * (len(self.mutations) - before)


def _words_an_error(node: cst.FunctionDef) -> bool:
    """Say whether a function does nothing but say what went wrong: it returns an error."""
    kind = node.returns.annotation if node.returns else None
    return isinstance(kind, cst.Name) and kind.value.endswith("Error")


def _says(node: cst.CSTNode) -> bool:
    """Say whether a node is the making of an error."""
    if not isinstance(node, cst.Call):
        return False
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    return isinstance(name, cst.Name) and (name.value.endswith("Error") or name.value in _SAY)


def mutants(source: Path, file: str, most: int) -> list[Mutant]:
    """Return at most so many mutants inside the functions of a file, the same while the file is the same."""
    code = source.read_text(encoding="utf-8")
    visitor = _InFunctions()
    module = MetadataWrapper(cst.parse_module(code)).visit(visitor)
    found = [
        (place, mutation)
        for place, mutation in zip(visitor.places, visitor.mutations, strict=True)
        if mutation.contained_by_top_level_function is not None
    ]
    chosen = sorted(random.Random(0).sample(range(len(found)), min(most, len(found))))
    made: dict[str, Mutant] = {}
    for place, mutation in (found[each] for each in chosen):
        changed: Any = deep_replace(module, mutation.original_node, mutation.mutated_node)
        mutant = Mutant(file, place, _change(code, changed.code), changed.code)
        made.setdefault(mutant.name, mutant)
    return list(made.values())


def _change(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0))[2:]
    gone = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    new = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return f"{_short(gone, new)} => {_short(new, gone)}"


def _short(text: str, other: str) -> str:
    """Return the part of a text around where it differs."""
    same = next((at for at, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), 0)
    start = max(0, same - _WIDEST // 2)
    return text if len(text) <= _WIDEST else f"...{text[start : start + _WIDEST]}..."
