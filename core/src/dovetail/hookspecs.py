"""Every hook a plugin may implement. Each docstring says when the hook is called.

Announcing hooks are called once after an installation, in a child process that only collects what is
announced; what they yield is kept as text. Nothing of the announced implementation is imported by that.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from dovetail.components.flavor import ComponentType, Flavor, Materializes
from dovetail.components.secret_schema import SecretSchema

PROJECT = "dovetail"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def dovetail_orchestrators() -> Iterable[Flavor]:
    """Announce flavors of orchestrators. Called when the wheel is indexed."""


@hookspec
def dovetail_artifact_stores() -> Iterable[Flavor]:
    """Announce flavors of artifact stores. Called when the wheel is indexed."""


@hookspec
def dovetail_metadata_stores() -> Iterable[Flavor]:
    """Announce flavors of metadata stores. Called when the wheel is indexed."""


@hookspec
def dovetail_step_operators() -> Iterable[Flavor]:
    """Announce flavors of step operators. Called when the wheel is indexed."""


@hookspec
def dovetail_container_registries() -> Iterable[Flavor]:
    """Announce flavors of container registries. Called when the wheel is indexed."""


@hookspec
def dovetail_secrets_managers() -> Iterable[Flavor]:
    """Announce flavors of secrets managers. Called when the wheel is indexed."""


@hookspec
def dovetail_alerters() -> Iterable[Flavor]:
    """Announce flavors of alerters. Called when the wheel is indexed."""


@hookspec
def dovetail_model_deployers() -> Iterable[Flavor]:
    """Announce flavors of model deployers. Called when the wheel is indexed."""


@hookspec
def dovetail_feature_stores() -> Iterable[Flavor]:
    """Announce flavors of feature stores. Called when the wheel is indexed."""


@hookspec
def dovetail_annotators() -> Iterable[Flavor]:
    """Announce flavors of annotators. Called when the wheel is indexed."""


@hookspec
def dovetail_data_validators() -> Iterable[Flavor]:
    """Announce flavors of data validators. Called when the wheel is indexed."""


@hookspec
def dovetail_experiment_trackers() -> Iterable[Flavor]:
    """Announce flavors of experiment trackers. Called when the wheel is indexed."""


@hookspec
def dovetail_visualizers() -> Iterable[Flavor]:
    """Announce flavors of visualizers. Called when the wheel is indexed."""


@hookspec
def dovetail_component_types() -> Iterable[ComponentType]:
    """Announce component types of the wheel's own. Called when the wheel is indexed, before its flavors."""


@hookspec
def dovetail_flavors(component_type: str) -> Iterable[Flavor]:
    """Announce flavors of a type that has no hook of its own.

    Called when any wheel is indexed, once for each such type.
    """


@hookspec
def dovetail_materializers() -> Iterable[Materializes]:
    """Announce which types the wheel's materializers store. Called when the wheel is indexed."""


@hookspec
def dovetail_secret_schemas() -> Iterable[SecretSchema]:
    """Announce schemas of secrets: which keys a kind of secret has. Called when the wheel is indexed."""
