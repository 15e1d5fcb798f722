"""The command line, called in this process, and the stack it works on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dovetail.cli.main import run
from dovetail.stacks.assemble import active_stack_record, assemble
from dovetail.stacks.stack import LiveStack


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def dovetail(indexed: object, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command line given as one text (split at spaces) or as words."""

    def call(line: str, *words: str) -> Outcome:
        capsys.readouterr()
        code = run([*line.split(), *words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def stack(indexed: object) -> Iterator[LiveStack]:
    """The active stack, which commands open for themselves."""
    with assemble(active_stack_record()) as stack:
        yield stack
