"""A stack said in Python or in the environment, instead of being registered first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from dovetail.names import check_name
from dovetail.records.stack import StackRecord
from dovetail.stacks.assemble import stack_record
from dovetail.stacks.configuration import explain
from dovetail.stacks.profile import Profile, Registered
from dovetail.stacks.profile_store import open_profile
from dovetail.stacks.registration import Given, check_component


class ComponentSettings(BaseModel):
    """A component said in place: its flavor, perhaps a name, and the settings of the flavor."""

    model_config = ConfigDict(extra="allow", frozen=True)

    flavor: str
    name: str | None = None


Part = str | ComponentSettings


class Stack(BaseSettings):
    """Components by type: the name of a registered one, or a mapping with `flavor` and its settings.

    ::

        stack = Stack(name="dev", experiment_tracker={"flavor": "tensorboard"})
        stack.register()
        training.run(stack="dev")

    What is not given is read from the environment, `DOVETAIL_STACK_ORCHESTRATOR` and so on (a mapping as
    JSON). Components of third parties' types go into `components`.
    """

    model_config = SettingsConfigDict(env_prefix="DOVETAIL_STACK_", extra="forbid", frozen=True)

    name: str = "settings"
    orchestrator: Part = "local"
    artifact_store: Part = "local"
    metadata_store: Part = "sqlite"
    step_operator: Part | None = None
    container_registry: Part | None = None
    secrets_manager: Part | None = None
    feature_store: Part | None = None
    model_deployer: Part | None = None
    experiment_tracker: Part | None = None
    alerter: Part | None = None
    annotator: Part | None = None
    data_validator: Part | None = None
    visualizer: Part | None = "html"
    components: dict[str, Part] = {}

    def __init__(self, **values: Any) -> None:
        """Check the form of what is given.

        Raises:
            ConfigurationError: a field is unknown or of the wrong form.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise explain(error, "the stack", type(self)) from None

    def record(self) -> StackRecord:
        """Return the stack as it goes into a run; registered components come from the active profile.

        Raises:
            NotFoundError, IntegrationError, ConfigurationError: a component is not there or is wrong.
        """
        profile = open_profile().read()
        new = self._new()
        for each in new:
            profile.components.setdefault(each.type, {})[each.name] = each
        profile.stacks.pop(self.name, None)
        profile.add_stack(self.name, self._with(new))
        return stack_record(profile, self.name)

    def register(self) -> None:
        """Register the stack, and the components said in place, in the active profile.

        What is there already, and is the same, stays: a script may say its stack each time it runs.

        Raises:
            ConflictError: another stack or component of that name is there already.
        """
        new = self._new()

        def changes(profile: Profile) -> None:
            for each in new:
                if not _is_there(profile, each):
                    profile.add_component(each)
            if profile.stacks.get(self.name) != self._with(new):
                profile.add_stack(self.name, self._with(new))

        open_profile().edit(changes)

    def _with(self, new: list[Registered]) -> dict[str, str]:
        """Return names of components by type, those of `new` ones among them."""
        parts = {kind: part for kind, part in self._parts().items() if isinstance(part, str)}
        return {**parts, **{each.type: each.name for each in new}}

    def _new(self) -> list[Registered]:
        """Return the components said in place, checked against their flavors."""
        check_name("stack", self.name)
        return [
            check_component(kind, part.name or self.name, part.flavor, Given(part.model_extra or {}))
            for kind, part in self._parts().items()
            if isinstance(part, ComponentSettings)
        ]

    def _parts(self) -> Mapping[str, Part]:
        core = {
            kind: getattr(self, kind)
            for kind in type(self).model_fields
            if kind not in {"name", "components"}
        }
        return {kind: part for kind, part in {**core, **self.components}.items() if part is not None}


def _is_there(profile: Profile, wanted: Registered) -> bool:
    found = profile.components.get(wanted.type, {}).get(wanted.name)
    return found is not None and (found.flavor, dict(found.config)) == (wanted.flavor, dict(wanted.config))
