from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.builtin.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig
from dovetail.components.artifact_store import ArtifactStore
from dovetail.materializers.artifacts import load_artifact, save_artifact
from dovetail.materializers.registry import Registry, load_materializer
from dovetail.names import new_id
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import MaterializerRef


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return LocalArtifactStore("local", LocalArtifactStoreConfig(path=str(tmp_path / "store")), home=tmp_path)


@pytest.fixture
def keep(store: ArtifactStore) -> Callable[..., ArtifactRecord]:
    """Return what stores a value as the output of a step, and gives its record."""

    def _keep(value: Any, annotation: Any, ref: MaterializerRef | None = None) -> ArtifactRecord:
        registry = Registry()
        ref = ref or registry.require(annotation, "output")
        type_, artifact_id = registry.type_name(annotation), new_id()
        manifest, summary = save_artifact(
            store, artifact_id, load_materializer(ref), ref, type_, value, annotation
        )
        return ArtifactRecord(
            id=artifact_id, run_id=new_id(), step="train", output="model", type=type_, materializer=ref,
            digest=manifest.content_digest(), size=sum(each.size for each in manifest.files),
            files=manifest.files, summary=summary, created=0,
        )  # fmt: skip

    return _keep


@pytest.fixture
def read(store: ArtifactStore) -> Callable[..., Any]:
    """Return what loads the value of a record."""

    def _read(record: ArtifactRecord, annotation: Any = Any, ref: MaterializerRef | None = None) -> Any:
        materializer = load_materializer(ref or record.materializer)
        return load_artifact(store, record, annotation, materializer, ref)

    return _read
