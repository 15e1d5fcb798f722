"""The job: everything a process needs to make attempts at the steps of one run, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from dovetail.components.component import Component
from dovetail.records.plan import Plan
from dovetail.records.record import Record
from dovetail.records.stack import ComponentRecord
from dovetail.references import load
from dovetail.stacks.configuration import configured


class WorkerComponent(Record):
    """A component that a step's process builds by itself: no index is needed where the step runs."""

    record: ComponentRecord
    config: str
    implementation: str
    home: str

    def build(self) -> Component:
        """Import the implementation and construct it; nothing is opened.

        Settings that the environment gives, secrets among them, are read from it here: none is in the job.
        """
        config = configured(load(self.config), self.record.config, self.record.type, self.record.name)
        built: Component = load(self.implementation)(self.record.name, config, home=Path(self.home))
        return built


class Job(Record):
    """What the steps of one run have in common.

    `script` is the file, relative to `source_root`, that ran as `__main__` in the launcher, if any;
    `sys_path` are further places of modules. `components` are those a step itself uses, by type. `idle`
    names the steps that will not be attempted, whose code need not be there. `scratch` is a directory
    that goes with the run, on the machine of the launcher.
    """

    format: Literal[1]
    run_id: str
    run_name: str
    plan: Plan
    components: dict[str, WorkerComponent]
    source_root: str
    script: str | None = None
    sys_path: tuple[str, ...] = ()
    idle: frozenset[str] = frozenset()
    scratch: str | None = None
