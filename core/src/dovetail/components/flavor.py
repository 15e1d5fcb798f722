"""What a plugin announces: flavors of component types, and types. Strings only; nothing is imported here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flavor:
    """One way to be a component of a type, announced by the hook of that type.

    `name` is unique within its wheel and type; the qualified name is `wheel/name`. `contract` is the
    number of the type's contract it was written for. `config` and `implementation` are references
    (`module:Class`) to a ComponentConfig and to a Component of the type; neither module is imported
    until a component is registered or used. `requires` names distributions it needs beyond the wheel's
    own dependencies, for the message when they are missing.
    """

    name: str
    contract: int
    config: str
    implementation: str
    summary: str = ""
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComponentType:
    """A kind of stack component.

    `name` is its Python form (`artifact_store`), `hook` the hook that announces its flavors (None: the
    generic `dovetail_flavors`), `base` the reference of its abstract class, `contracts` the numbers this
    program serves. `flag` is the short option in `dovetail stack register`, None where it has only the
    long one.
    """

    name: str
    title: str
    plural: str
    base: str
    hook: str | None = None
    contracts: tuple[int, ...] = (1,)
    flag: str | None = None

    @property
    def command(self) -> str:
        """Return the name of its command group and long option: `artifact-store`."""
        return self.name.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Materializes:
    """An announced materializer: which public type names it stores, by which class.

    `types` are names such as `numpy.ndarray`, matched against the names of a type and its bases; list
    every name a type has had (`pandas.DataFrame`, `pandas.core.frame.DataFrame`). `implementation` is
    the reference of a BaseMaterializer, `version` that of the format it writes, as its class has it.
    """

    name: str
    contract: int
    types: tuple[str, ...]
    implementation: str
    summary: str = ""
    version: int = 1


def _core(name: str, title: str, plural: str, flag: str | None) -> ComponentType:
    base = f"dovetail.components.{name}:{''.join(word.capitalize() for word in name.split('_'))}"
    return ComponentType(
        name, title, plural, base, f"dovetail_{name}s".replace("registrys", "registries"), (1,), flag
    )


CORE_TYPES: tuple[ComponentType, ...] = (
    _core("orchestrator", "orchestrator", "orchestrators", "-o"),
    _core("artifact_store", "artifact store", "artifact stores", "-a"),
    _core("metadata_store", "metadata store", "metadata stores", "-m"),
    _core("step_operator", "step operator", "step operators", "-s"),
    _core("container_registry", "container registry", "container registries", "-c"),
    _core("secrets_manager", "secrets manager", "secrets managers", "-x"),
    _core("feature_store", "feature store", "feature stores", "-f"),
    _core("model_deployer", "model deployer", "model deployers", "-d"),
    _core("experiment_tracker", "experiment tracker", "experiment trackers", "-e"),
    _core("alerter", "alerter", "alerters", "-al"),
    _core("annotator", "annotator", "annotators", "-an"),
    _core("data_validator", "data validator", "data validators", "-dv"),
    _core("visualizer", "visualizer", "visualizers", None),
)
