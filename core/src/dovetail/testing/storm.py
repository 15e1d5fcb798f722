"""A storm: runs of one project are killed, looked at, resumed, and looked at again."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
from dovetail.components.metadata_store import RunQuery
from dovetail.host.process_tree import carriers
from dovetail.records.plan import Plan
from dovetail.records.report import StepReport, run_directory
from dovetail.records.run import RunRecord, Status
from dovetail.testing.command_line import CommandLine
from dovetail.testing.invariants import Moment, local_violations, survivors
from dovetail.testing.witness import WITNESS, executions

BETWEEN = "between the first start and the last report"
"""The phase in which a run has most to lose."""

_COOKIE = "DOVETAIL_TEST_COOKIE"
_PATIENCE = 100.0


@dataclass(frozen=True, slots=True)
class Shot:
    """A run, or a resume of one, in a process that may be killed. `before` counts earlier executions."""

    name: str
    process: subprocess.Popen[str]
    cookie: str
    before: int

    def until(self, come: Callable[[], bool]) -> bool:
        """Wait until something has come to be; False: the runner ended before that."""
        deadline = time.monotonic() + _PATIENCE
        while not come():
            if self.process.poll() is not None:
                return come()
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: nothing came of it in {_PATIENCE:.0f} s")
            time.sleep(0.002)
        return True

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Signal the runner, if it still lives, and wait for its end."""
        self.process.send_signal(number)
        self.process.wait(_PATIENCE)

    def processes(self) -> dict[str, list[int]]:
        """Return all processes of the run by kind: runner, supervisor, warm, others."""
        found: dict[str, list[int]] = {
            "runner": [self.process.pid],
            "supervisor": [],
            "warm": [],
            "others": [],
        }
        for pid in carriers(self.cookie):
            if pid == self.process.pid:
                continue
            parent, command = _parent_and_command(pid)
            if "processes.supervisor" in command:
                found["supervisor"].append(pid)
            elif "processes.warm" in command and parent in found["supervisor"]:
                found["warm"].append(pid)
            else:
                found["others"].append(pid)
        return found


class Storm:
    """Kills runs of one project, one at a time, and keeps what it finds wrong in `problems`.

    ::

        storm = Storm(cli)
        shot = storm.start("shapes.py:diamond")
        shot.until(lambda: storm.executed(shot) == 3)
        shot.kill()
        storm.look(shot)
        storm.resume(shot)
        assert storm.problems == []

    The steps call `dovetail.testing.witness.attest()`. `phases` counts at what moments runs were killed.
    """

    def __init__(self, cli: CommandLine) -> None:
        self.cli = cli
        self.witness = cli.directory / "witness"
        self.temporary = cli.directory / "temporary"
        self.problems: list[str] = []
        self.phases: Counter[str] = Counter()
        self.resumed = 0
        self._shots = 0

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Shot:
        """Start `dovetail run ...` under a name of its own."""
        self._shots += 1
        name = f"shot-{self._shots}"
        return self._spawn(name, [*arguments, "--name", name], env)

    def _spawn(self, name: str, arguments: Sequence[str], env: Mapping[str, str] | None) -> Shot:
        cookie = secrets.token_hex(8)
        before = len(executions(self.witness))
        self.temporary.mkdir(exist_ok=True)
        marks = {WITNESS: str(self.witness), _COOKIE: cookie, "TMPDIR": str(self.temporary)}
        process = subprocess.Popen(
            [sys.executable, "-m", "dovetail", "run", *arguments, "--quiet"],
            cwd=self.cli.directory,
            env=self.cli.environment({**(env or {}), **marks}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return Shot(name, process, f"{_COOKIE}={cookie}", before)

    def executed(self, shot: Shot) -> int:
        """Return how many attempts were entered since the start of this process."""
        return len(executions(self.witness)) - shot.before

    def look(self, shot: Shot, *, command: bool = False) -> RunRecord | None:
        """Check what a killed runner leaves, before anybody writes; return the run if it was recorded.

        With `command` the state is also asked for by `dovetail run list`.
        """
        problems = survivors(shot.cookie)
        shot.process.communicate(timeout=_PATIENCE)
        with self._metadata() as store:
            store.open()
            run = self._find(store, shot)
            self.phases[self._phase(store, run)] += 1
        if run is not None and command:
            listed = {each["name"]: each["status"] for each in self.cli("run", "list", "--json").json()}
            if listed.get(shot.name) != run.status or not run.status.ended:
                problems.append(f"`run list` says {listed.get(shot.name)!r}, the store {run.status}")
        self._note(shot, [*problems, *local_violations(self.cli.home, Moment.KILLED, self.witness)])
        return run

    def again(self, shot: Shot, *arguments: str, env: Mapping[str, str] | None = None) -> Shot:
        """Start to resume the run of a shot, to be killed as well."""
        return self._spawn(shot.name, ["resume", shot.name, *arguments], env)

    def resume(self, shot: Shot, *arguments: str) -> None:
        """Resume the run of a shot, unless it has completed, and check what there is then."""
        with self._metadata() as store:
            store.open()
            run = self._find(store, shot)
        if run is not None and run.status is not Status.COMPLETED:
            again = self.again(shot, *arguments)
            out, err = again.process.communicate(timeout=_PATIENCE)
            self.resumed += 1
            if again.process.returncode:
                self._note(shot, [f"resume left with {again.process.returncode}: {out}{err}"])
            self._note(shot, survivors(again.cookie))
            self._note(shot, [f"{each} was left" for each in self.temporary.iterdir()])
        self._note(shot, local_violations(self.cli.home, Moment.RESUMED, self.witness))

    def verify(self) -> None:
        """Let `dovetail artifact verify --all` look at everything that the storm has left."""
        answer = self.cli("artifact", "verify", "--all")
        if answer.code:
            self.problems.append(f"artifact verify left with {answer.code}: {answer.out}{answer.err}")

    def histogram(self) -> str:
        """Return the phases for people."""
        return ", ".join(f"{count} {phase}" for phase, count in sorted(self.phases.items()))

    def _find(self, store: SqliteMetadataStore, shot: Shot) -> RunRecord | None:
        return next(iter(store.runs(RunQuery(name=shot.name, limit=1))), None)

    def _phase(self, store: SqliteMetadataStore, run: RunRecord | None) -> str:
        if run is None:
            return "before the run was recorded"
        if run.status is not Status.INTERRUPTED:
            return f"after it was {run.status}"
        if all(each.run_id != run.id for each in executions(self.witness)):
            return "before the first start"
        planned = len(Plan.from_json(store.plan(run.plan_digest) or b"").steps)
        cached = sum(each.status is Status.CACHED for each in store.steps(run.id))
        reports = Path(self.cli.home, "store", run_directory(run.id), "reports").glob("*.json")
        done = sum(StepReport.from_json(each.read_bytes()).status.good for each in reports)
        return BETWEEN if done < planned - cached else "after the last report"

    def _note(self, shot: Shot, problems: list[str]) -> None:
        self.problems += [f"{shot.name}: {each}" for each in problems]

    def _metadata(self) -> SqliteMetadataStore:
        home = Path(self.cli.home, "store")
        return SqliteMetadataStore("storm", SqliteMetadataStoreConfig(), home=home)


def _parent_and_command(pid: int) -> tuple[int, str]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return 0, ""
    return int(stat.rpartition(")")[2].split()[1]), command
