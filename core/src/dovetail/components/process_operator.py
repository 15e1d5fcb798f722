"""A step operator of processes on this machine: what `subprocess` is, and what others build on."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, ValidationError

from dovetail.components.component import ComponentConfig, ConfigClass, Reach
from dovetail.components.orchestrator import StepEnd
from dovetail.components.step_keeper import CANCEL, END, LOG, Instructions
from dovetail.components.step_operator import StepOperator, StepSubmission
from dovetail.errors import ConfigurationError, NotFoundError, StoreError, did_you_mean
from dovetail.host.process_tree import ATTEMPT, SERVICE, carriers, send_signal
from dovetail.names import is_id, new_id
from dovetail.records.report import Reason
from dovetail.redaction import known_in

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows, where `submit` refuses
    fcntl = None

_HELD = "held"
_PAUSE = 0.02
_KEPT = 7 * 86400.0
_KILL = 9
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}


def size_in_bytes(value: Any) -> Any:  # noqa: ANN401 - as the user said it
    """Return 2000000000 for "2 GB" and 2147483648 for "2 GiB"; what is no text stays as it is."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmg]i?)?b?\s*", value, flags=re.IGNORECASE)
    if found is None:
        raise ValueError(f'{value!r} is no size; write bytes, or such as "500 MB" or "2 GiB"')
    return int(float(found[1]) * _UNITS[(found[2] or "").lower()])


Size = Annotated[int, BeforeValidator(size_in_bytes), Field(gt=0)]


class ProcessLimits(ComponentConfig):
    """What a process of a step is given; a step may say its own in its settings for this flavor."""

    environment: dict[str, str] = Field(default_factory=dict, description="Variables to set for every step.")
    memory: Size | None = Field(
        default=None, description='Memory that a step may use, with all it starts: bytes, or "2 GB".'
    )
    cpu_seconds: float | None = Field(
        default=None, gt=0, description="Processor time that a step may use, with all it starts."
    )


class ProcessOperatorConfig(ProcessLimits):
    """Settings of operators of processes."""

    detached: bool = Field(
        default=False, description="Whether steps go on when the process that runs the pipeline dies."
    )
    grace: float = Field(
        default=5.0, ge=0, description="Seconds that a step gets to end by itself when it is over its time."
    )


class ProcessStepOperator(StepOperator):
    """Makes each attempt in processes of its own on this machine, under a keeper that outlives us if need be.

    Subclasses change the command (`prepared`). The keeper holds a lock while it lives, so that nobody takes
    another process for it; what it knows lies in a directory of the attempt below `home`.
    """

    config_class: ClassVar[ConfigClass] = ProcessOperatorConfig
    reach = Reach.HOST

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self.detached = self.config.detached
        self._root = (home / "step_operators" / name).absolute()
        self._keepers: dict[str, subprocess.Popen[bytes]] = {}

    def prepared(self, submission: StepSubmission) -> Sequence[str]:
        """Return the command to start. Raises ConfigurationError where what it needs cannot be had."""
        return submission.command

    def submit(self, submission: StepSubmission) -> str:
        """Start a keeper with the attempt, unless it has one."""
        limits = self._limits(submission)
        place = self._root / submission.attempt
        handle = json.dumps({"attempt": submission.attempt, "directory": str(place)}, sort_keys=True)
        if place.is_dir():
            return handle
        command = [*self.prepared(submission)]
        environment = _environment(limits.environment, submission)
        told = Instructions(
            directory=str(place),
            command=command,
            environment=environment,
            memory=limits.memory,
            cpu_seconds=limits.cpu_seconds,
            timeout=submission.timeout,
            grace=self.config.grace,
            parent=None if self.detached else os.getpid(),
            confidential=sorted({known for each in environment.values() for known in known_in(each)}),
        )
        try:
            holder = self._hold(place)
            if holder is not None:
                self._start(told, submission.attempt, holder)
        except OSError as error:
            raise StoreError(
                f"step operator {self.name!r} cannot start {submission.step!r} in {str(place)!r}: "
                f"{error.strerror or error}",
                hint="free space there, or make the place writable",
            ) from error
        return handle

    def attach(self, handle: str) -> None:
        """See that the handle is of this operator; all that is known lies in its directory."""
        self._place(handle)

    def wait(self, handle: str, timeout: float) -> StepEnd | None:
        """Look for the end of the attempt until the time is up."""
        place = self._place(handle)
        deadline = time.monotonic() + timeout
        while (end := self._end(place)) is None and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(_PAUSE, left))
        return end

    def cancel(self, handle: str, grace: float) -> None:
        """Leave word for the keeper, which looks often; where it is dead, kill what it left."""
        place = self._place(handle)
        if self._end(place) is not None:
            return
        draft = place / f".{new_id()}"
        with suppress(FileNotFoundError):
            draft.write_text(json.dumps({"grace": grace}))
            draft.replace(place / CANCEL)

    def logs(self, handle: str, offset: int = 0) -> bytes:
        """Return what the keeper has written down."""
        with suppress(FileNotFoundError), (self._place(handle) / LOG).open("rb") as file:
            file.seek(offset)
            return file.read()
        return b""

    def forget(self, handle: str) -> None:
        """Remove the directory of an attempt that has ended."""
        place = self._place(handle)
        if self._end(place) is not None:
            shutil.rmtree(place, ignore_errors=True)

    def close(self) -> None:
        """Let go of the keepers that still live; the others have been waited for."""
        for keeper in self._keepers.values():
            keeper.returncode = 0  # or the interpreter would complain of a child that it does not wait for
        self._keepers.clear()

    def _limits(self, submission: StepSubmission) -> ProcessLimits:
        """Return what this attempt is given. Raises ConfigurationError for what is not to be had here."""
        self._check_resources(submission)
        known = list(ProcessLimits.model_fields)
        if unknown := sorted({*submission.settings} - {*known}):
            raise ConfigurationError(
                f"step {submission.step!r} sets {unknown[0]!r}, unknown to step operator {self.name!r}",
                hint=did_you_mean(unknown[0], known) or f"a step may set {', '.join(known)}",
            )
        said = dict(submission.settings)
        if "memory" in submission.resources:
            said.setdefault("memory", submission.resources["memory"])
        mine = self.config.model_dump(include={*known})
        said["environment"] = {**mine["environment"], **said.get("environment", {})}
        try:
            limits = ProcessLimits.model_validate({**mine, **said})
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigurationError(
                f"step {submission.step!r} sets {'.'.join(map(str, first['loc']))} to {first['input']!r}: "
                f"{first['msg']}",
                hint=f"correct its settings for step operator {self.name!r}",
            ) from error
        if limits.memory is not None and limits.memory > (there := _memory()):
            raise self._too_much(submission, f"{limits.memory} bytes of memory", f"{there} bytes")
        return limits

    def _check_resources(self, submission: StepSubmission) -> None:
        if fcntl is None or not hasattr(os, "pidfd_open"):
            raise ConfigurationError(
                f"step operator {self.name!r} needs Linux", hint="run the step by the orchestrator"
            )
        asked = submission.resources
        if unknown := sorted({*asked} - {"cpus", "memory", "gpus"}):
            raise self._too_much(submission, f"{unknown[0]!r}", "cpus and memory")
        if asked.get("gpus"):
            raise self._too_much(submission, f"{asked['gpus']} GPUs", "none of them to reserve")
        cores = len(os.sched_getaffinity(0))
        if float(asked.get("cpus") or 0) > cores:
            raise self._too_much(submission, f"{asked['cpus']} processors", f"{cores}")

    def _too_much(self, submission: StepSubmission, asked: str, there: str) -> ConfigurationError:
        return ConfigurationError(
            f"step {submission.step!r} asks for {asked}, and step operator {self.name!r} has {there}",
            hint="ask for less, or name a step operator that has it",
        )

    def _hold(self, place: Path) -> int | None:
        """Make the directory of an attempt and hold it; None where another process did so before."""
        self._sweep()
        draft = self._root / f".{new_id()}"
        draft.mkdir(parents=True, mode=0o700)
        holder = os.open(draft / _HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(holder, fcntl.LOCK_EX)
        try:
            draft.rename(place)
        except OSError:
            os.close(holder)
            shutil.rmtree(draft, ignore_errors=True)
            if place.is_dir():
                return None
            raise
        return holder

    def _start(self, told: Instructions, attempt: str, holder: int) -> None:
        try:
            keeper = subprocess.Popen(
                [sys.executable, "-P", "-m", "dovetail.components.step_keeper"],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=(holder,), start_new_session=True, cwd="/",
                env={key: value for key, value in os.environ.items() if key not in {SERVICE, ATTEMPT}},
            )  # fmt: skip
        except OSError:
            shutil.rmtree(told.directory, ignore_errors=True)
            raise
        finally:
            os.close(holder)
        self._keepers[attempt] = keeper
        if keeper.stdin is not None:
            with suppress(BrokenPipeError), keeper.stdin as stream:  # it died: `wait` sees that it is lost
                stream.write(told.to_json())

    def _end(self, place: Path) -> StepEnd | None:
        """Return the end of the attempt in this directory, None while its keeper lives."""
        if _held(place):
            return None
        if (keeper := self._keepers.pop(place.name, None)) is not None:
            keeper.wait()
        if (end := _read_end(place)) is not None:
            return end
        for pid in carriers(f"{ATTEMPT}={place.name}"):
            send_signal(pid, _KILL)
        return StepEnd(Reason.LOST, detail=f"step operator {self.name!r} knows nothing of it any more")

    def _place(self, handle: str) -> Path:
        """Return the directory of an attempt. Raises NotFoundError for a handle of somebody else."""
        with suppress(ValueError, TypeError, KeyError):
            found = json.loads(handle)
            if is_id(found["attempt"]) and Path(found["directory"]) == self._root / found["attempt"]:
                return self._root / str(found["attempt"])
        raise NotFoundError(
            f"step operator {self.name!r} has no attempt {handle!r}",
            hint="attach to it by the operator, and on the machine, that it was submitted to",
        )

    def _sweep(self) -> None:
        """Remove what was kept of attempts that ended long ago and that nobody asked for."""
        with suppress(FileNotFoundError):
            for each in list(self._root.iterdir()):
                with suppress(OSError):
                    if each.stat().st_mtime < time.time() - _KEPT and not _held(each):
                        shutil.rmtree(each, ignore_errors=True)


def _environment(variables: Mapping[str, str], submission: StepSubmission) -> dict[str, str]:
    # What starts inside of a service is no service, and nothing here is part of the attempt around it.
    own = {key: value for key, value in os.environ.items() if key not in {SERVICE, ATTEMPT}}
    return {**own, **variables, **submission.environment, ATTEMPT: submission.attempt}


def _read_end(place: Path) -> StepEnd | None:
    try:
        found = json.loads((place / END).read_bytes())
    except FileNotFoundError:
        return None
    return StepEnd(**{**found, "reason": Reason(found["reason"])})


def _held(place: Path) -> bool:
    """Say whether a live process holds the directory."""
    try:
        descriptor = os.open(place / _HELD, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
