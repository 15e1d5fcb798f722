"""The job: everything a process needs to make attempts at the steps of one run, as one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast

from dovetail.components.component import Component
from dovetail.components.secrets_manager import SecretsManager
from dovetail.errors import NotFoundError
from dovetail.records.plan import Plan
from dovetail.records.record import Record
from dovetail.records.stack import ComponentRecord
from dovetail.references import load
from dovetail.secrets import SecretReference
from dovetail.stacks.configuration import configured
from dovetail.stacks.secret_lookup import SecretLookup, scopes


class WorkerComponent(Record):
    """A component that a step's process builds by itself: no index is needed where the step runs."""

    record: ComponentRecord
    config: str
    implementation: str
    home: str

    def build(self, value_of: Callable[[SecretReference], str] | None = None) -> Component:
        """Import the implementation and construct it; nothing is opened.

        No secret is in the job: what its settings refer to is looked up here by `value_of`, and what the
        environment gives is read from it here.
        """
        config = configured(
            load(self.config), self.record.config, self.record.type, self.record.name, value_of
        )
        built: Component = load(self.implementation)(self.record.name, config, home=Path(self.home))
        return built


class Job(Record):
    """What the steps of one run have in common.

    `script` is the file, relative to `source_root`, that ran as `__main__` in the launcher, if any;
    `sys_path` are further places of modules. `components` are those a step itself uses, by type. `idle`
    names the steps that will not be attempted, whose code need not be there. `scratch` is a directory
    that goes with the run, on the machine of the launcher. `profile` is the one it was launched with.
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
    code: str | None = None
    profile: str = "default"

    def build(self, kind: str) -> Component:
        """Return a component that the steps use; what its settings refer to is looked up here.

        Raises:
            NotFoundError: a secret is not there.
            ConfigurationError: a setting is wrong.
        """
        own = kind == "secrets_manager"
        return self.components[kind].build(None if own else SecretLookup(self._manager, self._scopes(None)))

    def secrets(self) -> SecretLookup:
        """Return what gives out secrets to the steps; nothing is imported before the first is asked for."""
        return SecretLookup(self._manager, self._scopes(self.plan.pipeline))

    def _scopes(self, pipeline: str | None) -> tuple[str | None, ...]:
        return scopes(self.profile, pipeline)

    def _manager(self) -> SecretsManager:
        if "secrets_manager" not in self.components:
            raise NotFoundError(
                "a secret is asked for, and the secrets manager of this stack cannot be used",
                hint="`dovetail integration list` shows what is wrong with it",
            )
        return cast("SecretsManager", self.build("secrets_manager"))
