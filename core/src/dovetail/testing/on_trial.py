"""The contracts on a registered component, in a throw-away place derived from its settings."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.component import Component
from dovetail.components.container_registry import ContainerRegistry
from dovetail.components.orchestrator import Orchestrator
from dovetail.components.secrets_manager import SecretsManager
from dovetail.components.step_operator import StepOperator
from dovetail.components.visualizer import Visualizer
from dovetail.discovery.index import load_index
from dovetail.discovery.manager import load_flavor
from dovetail.names import new_id
from dovetail.records.stack import ComponentRecord, StackRecord
from dovetail.references import load
from dovetail.secrets import SecretReference
from dovetail.stacks.assemble import build_component, secret_lookup
from dovetail.stacks.configuration import configured
from dovetail.testing.artifact_store import ArtifactStoreContract
from dovetail.testing.container_registry import ContainerRegistryContract
from dovetail.testing.metadata_store import MetadataStoreContract
from dovetail.testing.orchestrator import OrchestratorContract
from dovetail.testing.secrets_manager import SCOPES, SecretsManagerContract
from dovetail.testing.step_operator import StepOperatorContract
from dovetail.testing.store_process import Place
from dovetail.testing.verdict import ON_TRIAL
from dovetail.testing.visualizer import VisualizerContract

_PLACES = ("prefix", "path", "url")
_NO_PLACE = "no throw-away place can be derived from its settings"


def _told() -> tuple[ComponentRecord, Path, str]:
    document = json.loads(Path(os.environ[ON_TRIAL]).read_text(encoding="utf-8"))
    return ComponentRecord(**document["record"]), Path(document["home"]), document["mark"]


def _made(record: ComponentRecord, home: Path, **changes: Any) -> Any:  # noqa: ANN401 - any component
    changed = record.model_copy(update={"config": {**record.config, **changes}})
    made: Component = build_component(changed, home, value_of=_value_of)
    return made


def _value_of(reference: SecretReference) -> str:
    """Look up what a setting refers to, as the stack does that was active where this was asked for."""
    document = json.loads(Path(os.environ[ON_TRIAL]).read_text(encoding="utf-8"))
    return secret_lookup(StackRecord(**document["stack"]), home=Path(document["home"]))(reference)


def _settings(record: ComponentRecord) -> dict[str, Any]:
    """Return the settings as the component gets them: secrets looked up, what the environment says on top."""
    model, _ = load_flavor(record.type, record.flavor)
    made = configured(model, record.config, record.type, record.name, _value_of)
    return made.model_dump(exclude_unset=True)


def _place_of(record: ComponentRecord) -> str | None:
    return next((key for key in _PLACES if record.config.get(key)), None)


def _in_a_schema(record: ComponentRecord, implementation: str, home: Path) -> Iterator[Place]:
    """Give a fresh schema of the store's database; it goes afterwards."""
    name = f"verify_{new_id().lower()}"
    place = Place(implementation, home, {**_settings(record), "schema_name": name})
    yield place
    session: Any = place.store().session()  # type: ignore[attr-defined]
    try:
        session.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
    finally:
        session.close()


class ArtifactStoreOnTrial(ArtifactStoreContract):
    """Below a fresh prefix of the store; what was made there is deleted."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ArtifactStore]:
        record, home, mark = _told()
        below = f"{mark}/{tmp_path.name}"
        key = _place_of(record)
        changes = {key: f"{record.config[key].rstrip('/')}/{below}"} if key else {}
        store: ArtifactStore = _made(record, home / below, **changes)
        yield store
        store.close()
        with _made(record, home) as above:  # with folders that are empty now
            above.delete(mark)

    @pytest.fixture
    def broken(self) -> ArtifactStore:
        pytest.skip("a place that refuses cannot be made of a registered store")


class MetadataStoreOnTrial(MetadataStoreContract):
    """In a fresh database beside the store's own, which goes afterwards."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        record, home, mark = _told()
        _, flavor = load_index().resolve(record.type, record.flavor)
        if "schema_name" in load(flavor.config).model_fields:
            yield from _in_a_schema(record, flavor.implementation, tmp_path)
            return
        if _place_of(record) not in {"path", None} or set(record.config) - {"path", "durability"}:
            pytest.skip(_NO_PLACE)
        beside = Path(record.config["path"]).parent if record.config.get("path") else home
        fresh = beside / mark / tmp_path.name
        config = {
            **record.config,
            **({"path": str(fresh / "metadata.db")} if record.config.get("path") else {}),
        }
        yield Place(flavor.implementation, fresh, config)
        shutil.rmtree(beside / mark, ignore_errors=True)


class ContainerRegistryOnTrial(ContainerRegistryContract):
    """In fresh repositories of the registry, which stay: the protocol has no way to remove them."""

    @pytest.fixture
    def registry(self, tmp_path: Path) -> Iterator[ContainerRegistry]:
        record, _, _ = _told()
        made: ContainerRegistry = _made(record, tmp_path)
        yield made
        made.close()

    @pytest.fixture
    def broken(self) -> ContainerRegistry:
        pytest.skip("a registry that refuses cannot be made of a registered one")


class SecretsManagerOnTrial(SecretsManagerContract):
    """Beside what it keeps: in a fresh folder, or below a fresh prefix; what was put there is deleted."""

    @pytest.fixture
    def manager(self, tmp_path: Path) -> Iterator[SecretsManager]:
        record, _, mark = _told()
        _, flavor = load_index().resolve(record.type, record.flavor)
        settings = load(flavor.config).model_fields
        changes: dict[str, Any] = {}
        if "prefix" in settings:
            prefix = record.config.get("prefix", settings["prefix"].default or "")
            changes["prefix"] = f"{prefix.rstrip('/')}/{mark}/{new_id()}".lstrip("/")
        elif record.config.get("path"):
            changes["path"] = str(tmp_path / "secrets")
        made: SecretsManager = _made(record, tmp_path, **changes)
        yield made
        for scope in (None, *SCOPES) if made.writes else ():
            for name in made.names(scope=scope):
                made.delete(name, scope=scope)
        made.close()

    @pytest.fixture
    def kept(self, manager: SecretsManager) -> tuple[str, str | None, Mapping[str, str]]:
        if manager.writes:
            manager.put("kept", {"user": "canary-anna", "password": "canary-value-6283"})
            return "kept", None, manager.get("kept")
        names = manager.names()
        if not names:
            pytest.skip("it only reads, and there is no secret to read")
        return names[0], None, manager.get(names[0])


class OrchestratorOnTrial(OrchestratorContract):
    """With a home of its own."""

    @pytest.fixture
    def orchestrator(self, tmp_path: Path) -> Orchestrator:
        made: Orchestrator = _made(_told()[0], tmp_path)
        return made


class StepOperatorOnTrial(StepOperatorContract):
    """With a home of its own."""

    @pytest.fixture
    def operator(self, tmp_path: Path) -> StepOperator:
        made: StepOperator = _made(_told()[0], tmp_path)
        return made


class VisualizerOnTrial(VisualizerContract):
    """With a home of its own."""

    @pytest.fixture
    def visualizer(self, tmp_path: Path) -> Visualizer:
        made: Visualizer = _made(_told()[0], tmp_path)
        return made
