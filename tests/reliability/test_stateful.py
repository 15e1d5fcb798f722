"""Random sequences of what people do to a store, held against a model of what has to come of them."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dovetail.testing.command_line import Answer, CommandLine
from dovetail.testing.invariants import Moment, local_violations

SCRIPT = """
from dovetail import pipeline, step

START, FACTOR, TERM = {start}, {factor}, {term}

@step
def begin() -> int:
    return START

@step
def times(value: int) -> int:
    return value * FACTOR

@step
def plus(value: int) -> int:
    return value + TERM

@step
def end(one: int, other: int) -> int:
    return one * 1000 + other

@pipeline
def diamond():
    value = begin()
    end(times(value), plus(value))

diamond.run()
"""
STEPS = ("begin", "times", "plus", "end")
POINTS = ("claim", "begin", "write", "rename", "report", "record", "finish", "log-flush", "cache-look-up")
SMALL = st.integers(min_value=1, max_value=3)


@dataclass(frozen=True)
class Code:
    """A version of the script: its three constants."""

    start: int = 1
    factor: int = 1
    term: int = 1

    def text(self) -> str:
        return SCRIPT.format(**vars(self))

    def values(self) -> dict[str, int]:
        """Return what each step returns."""
        times, plus = self.start * self.factor, self.start + self.term
        return {"begin": self.start, "times": times, "plus": plus, "end": times * 1000 + plus}

    def keys(self) -> dict[str, tuple[object, ...]]:
        """Return what each step depends on."""
        made = self.values()
        return {
            "begin": ("begin", self.start),
            "times": ("times", self.factor, made["begin"]),
            "plus": ("plus", self.term, made["begin"]),
            "end": ("end", made["times"], made["plus"]),
        }


@dataclass
class Run:
    """A run as it has to be: code, state, and the artifacts that its steps have, by step."""

    id: str
    code: Code
    status: str
    artifacts: dict[str, str] = field(default_factory=dict)
    computed: set[str] = field(default_factory=set)


class Store(RuleBasedStateMachine):
    """One store, one script that changes, and whoever uses them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="stateful-"))
        project = self.folder / "project"
        project.mkdir()
        self.cli = CommandLine(project, self.folder / "home")
        self.code = Code()
        self.runs: dict[str, Run] = {}
        self.damaged: set[str] = set()
        self.reopened: set[tuple[str, str]] = set()
        self.cli.write("run.py", self.code.text())

    def teardown(self) -> None:
        """Resume and prune what is left, then hold the store against the invariants."""
        try:
            for name in [key for key, each in self.runs.items() if each.status == "interrupted"]:
                self.go_on(name)
            assert self.ask("artifact", "prune", "--yes").code == 0
            found = local_violations(self.cli.home, Moment.PRUNED, reopened=self.reopened)
            assert not [each for each in found if not any(known in each for known in self.damaged)]
        finally:
            shutil.rmtree(self.folder)

    # --- what people do ---

    @rule(start=SMALL, factor=SMALL, term=SMALL)
    def edit(self, start: int, factor: int, term: int) -> None:
        self.write(Code(start, factor, term))

    @rule()
    def run(self) -> None:
        cached = {each for run in self.runs.values() for each in self.settled(run)}
        unsure = {key for run in self.runs.values() for key in self.spoiled(run)}
        answer = self.ask("run", "run.py", "--in-process", "--json")
        assert answer.code == 0, answer.err
        self.note(answer.json(), self.code)
        for each in answer.json()["steps"]:
            key = self.code.keys()[each["name"]]
            if key not in unsure:
                assert each["status"] == ("cached" if key in cached else "completed"), each

    @rule(point=st.sampled_from(POINTS), arrival=st.integers(min_value=1, max_value=6))
    def kill(self, point: str, arrival: int) -> None:
        answer = self.ask(
            "run", "run.py", "--in-process", env={"DOVETAIL_FAILPOINT": f"{point}:kill:{arrival}"}
        )
        assert answer.code in {0, -9}, answer.err
        for found in self.listed():
            if found["name"] not in self.runs:
                assert found["status"] == ("completed" if answer.code == 0 else "interrupted")
                self.note(self.shown(found["name"]), self.code)

    @precondition(lambda self: any(each.status == "interrupted" for each in self.runs.values()))
    @rule(choice=st.randoms(use_true_random=False))
    def resume(self, choice: random.Random) -> None:
        self.go_on(choice.choice([key for key, each in self.runs.items() if each.status == "interrupted"]))

    @precondition(lambda self: self.runs)
    @rule(choice=st.randoms(use_true_random=False))
    def delete(self, choice: random.Random) -> None:
        name = choice.choice(list(self.runs))
        assert self.ask("run", "delete", name, "--yes").code == 0
        del self.runs[name]
        assert self.ask("run", "show", name).code == 5

    @rule()
    def prune(self) -> None:
        assert self.ask("artifact", "prune", "--yes").code == 0
        wanted = {each for run in self.runs.values() for each in run.artifacts.values()}
        there = {each.name for each in (self.store() / "artifacts").glob("*/*")}
        assert wanted <= there
        assert not [each for each in there - wanted if each not in self.produced()]

    @precondition(lambda self: any(each.artifacts for each in self.runs.values()))
    @rule(choice=st.randoms(use_true_random=False))
    def damage(self, choice: random.Random) -> None:
        known = sorted({each for run in self.runs.values() for each in run.artifacts.values()})
        artifact = choice.choice(known)
        files = sorted(each for each in self.store().glob(f"artifacts/*/{artifact}/*") if each.is_file())
        file = choice.choice(files)
        content = bytearray(file.read_bytes())
        content[choice.randrange(len(content))] ^= 1 << choice.randrange(8)
        os.chmod(file, 0o644)  # noqa: PTH101 - the mode may forbid what a disk does by itself
        file.write_bytes(content)
        if self.intact(artifact):  # the same bit was flipped before
            self.damaged.discard(artifact)
            return
        self.damaged.add(artifact)
        for run in self.runs.values():
            self.reopened |= {(run.id, step) for step, each in run.artifacts.items() if each == artifact}

    @rule()
    def verify(self) -> None:
        answer = self.ask("artifact", "verify", "--all", "--json")
        known = {each["id"] for each in self.ask("artifact", "list", "--limit", "10000", "--json").json()}
        assert {each["id"] for each in answer.json()["damaged"]} == self.damaged & known
        assert answer.code == (8 if self.damaged & known else 0)

    # --- what has to be true all the time ---

    @invariant()
    def every_run_is_in_the_state_it_has_to_be_in(self) -> None:
        assert {each["name"]: each["status"] for each in self.listed()} == {
            name: each.status for name, each in self.runs.items()
        }

    # --- the model's means ---

    def ask(self, *arguments: str, env: dict[str, str] | None = None) -> Answer:
        return self.cli(*arguments, env=env)

    def go_on(self, name: str) -> None:
        """Resume a run with the code that it began with; what it had intact it keeps."""
        now, run = self.code, self.runs[name]
        self.write(run.code)
        before = run.artifacts
        answer = self.ask("run", "resume", name, "--in-process", "--json")
        assert answer.code == 0, answer.err
        self.note(answer.json(), run.code)
        kept = {step: each for step, each in before.items() if each not in self.damaged}
        assert kept.items() <= self.runs[name].artifacts.items()
        self.write(now)

    def store(self) -> Path:
        return self.cli.home / "store"

    def write(self, code: Code) -> None:
        self.code = code
        self.cli.write("run.py", code.text())

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("run", "list", "--limit", "1000", "--json").json()
        return found

    def shown(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("run", "show", name, "--json").json()
        return found

    def note(self, document: dict[str, Any], code: Code) -> None:
        """Take a run into the model, and check the values that its intact artifacts hold."""
        run = Run(document["id"], code, document["status"])
        for each in document["steps"]:
            if each["status"] in {"completed", "cached"}:
                (made,) = each["outputs"].values()
                run.artifacts[each["name"]] = made["id"]
            if each["status"] == "completed":
                run.computed.add(each["name"])
        self.runs[document["name"]] = run
        sound = {step: each for step, each in run.artifacts.items() if each not in self.damaged}
        assert {step: self.value(each) for step, each in sound.items()} == {
            step: code.values()[step] for step in sound
        }

    def settled(self, run: Run) -> Iterator[tuple[object, ...]]:
        """Yield the keys of what a run has computed."""
        return (run.code.keys()[step] for step in run.computed)

    def spoiled(self, run: Run) -> Iterator[tuple[object, ...]]:
        """Yield the keys of which it is open whether they are hits.

        What a run has damaged another may have whole. What it had from the cache is found by the run that
        computed it, which may be deleted.
        """
        known = run.code.keys()
        for step, each in run.artifacts.items():
            if each in self.damaged or step not in run.computed:
                yield known[step]

    def files(self, artifact: str) -> list[Path]:
        return list(self.store().glob(f"artifacts/*/{artifact}/*"))

    def value(self, artifact: str) -> int:
        (file,) = (each for each in self.files(artifact) if each.name != "manifest.json")
        return int(file.read_bytes())

    def intact(self, artifact: str) -> bool:
        return self.ask("artifact", "verify", artifact).code == 0

    def produced(self) -> set[str]:
        """Return what runs still need that no step of them shows: what a later attempt replaced, and what a
        report says that the next resume takes in."""
        listed = self.ask("artifact", "list", "--limit", "10000", "--json").json()
        waiting = {run.id for run in self.runs.values() if run.status == "interrupted"}
        reports = [json.loads(each.read_bytes()) for each in self.store().glob("runs/*/*/reports/*.json")]
        reported = {
            each["id"] for report in reports if report["run_id"] in waiting for each in report["outputs"]
        }
        return {each["id"] for each in listed} | reported


@pytest.mark.timeout(3600)
def test_g01_whatever_people_do_in_whatever_order_the_store_is_as_the_model_says(full: bool) -> None:
    run_state_machine_as_test(
        Store,
        settings=settings(
            max_examples=30 if full else 3,
            stateful_step_count=20 if full else 10,
            deadline=None,
            derandomize=not full,
            phases=(Phase.explicit, Phase.generate),  # a smaller example would take minutes to find
            suppress_health_check=list(HealthCheck),
        ),
    )
