"""Artifacts: a value becomes files and a manifest, and a value again; what is stored is checked."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import DovetailError, MaterializerError, StoreError
from dovetail.hashing import canonical_json
from dovetail.materializers.base import BaseMaterializer
from dovetail.materializers.files import ArtifactReader, ArtifactWriter, damaged
from dovetail.records.artifact import MANIFEST, ArtifactRecord, Manifest, artifact_directory
from dovetail.records.plan import MaterializerRef


def save_artifact(
    store: ArtifactStore,
    artifact_id: str,
    materializer: BaseMaterializer,
    ref: MaterializerRef,
    type_name: str,
    value: Any,
    annotation: Any = Any,
) -> tuple[Manifest, dict[str, Any]]:
    """Store a value; return the artifact's manifest, which is written last, and the value's summary.

    `ref` and `type_name` are the plan's. Nothing is left in the store where this fails.

    Raises:
        MaterializerError: the value is not what `annotation` declares, or cannot be stored whole.
        StoreError: the store refuses.
    """
    if materializer.version != ref.version:
        raise MaterializerError(
            f"materializer {ref.name!r} writes version {materializer.version}, the plan says {ref.version}",
            hint="install the same wheels where plans are made and where steps run",
        )
    writer = ArtifactWriter(store, artifact_id, annotation)
    try:
        materializer.check(value, annotation)
        materializer.save(value, writer)
        summary = _checked_summary(materializer.summary(value), ref)
        manifest = Manifest(format=1, type=type_name, materializer=ref, files=writer.entries)
        store.put(f"{artifact_directory(artifact_id)}/{MANIFEST}", manifest.to_json())
    except BaseException as error:
        withdraw(store, artifact_directory(artifact_id))
        if isinstance(error, DovetailError) or not isinstance(error, Exception):
            raise
        raise MaterializerError(
            f"materializer {ref.name!r} could not store a {type_name!r}: {type(error).__name__}: {error}",
            hint="the cause is above; another materializer can be named in @step(materializers=...)",
        ) from error
    return manifest, summary


def load_artifact(
    store: ArtifactStore,
    record: ArtifactRecord,
    annotation: Any,
    materializer: BaseMaterializer,
    ref: MaterializerRef | None = None,
    scratch: Path | None = None,
) -> Any:
    """Return the value of an artifact, read by the materializer that the plan names.

    `annotation` is what the reader declared, None or Any where nothing. `ref` is the plan's word on how
    the output is stored; record and manifest must agree with it. `scratch` is a directory for values
    that are files themselves; without it they go with the process.

    Raises:
        ArtifactError: a file is missing or damaged, or the materializer is not the recorded one; nothing
            was parsed then.
        MaterializerError: the files hold nothing of the kind, or something that is not as declared.
    """
    reader = ArtifactReader(store, record, scratch)
    expected = ref or record.materializer
    for found in (record.materializer, reader.manifest.materializer):
        if found != expected:
            raise damaged(record, f"it was stored by {found.name!r}, expected was {expected.name!r}")
    if reader.version > materializer.version:
        raise MaterializerError(
            f"artifact {record.id!r} is in version {reader.version} of {expected.name!r}, "
            f"this program reads up to {materializer.version}",
            hint="upgrade the wheel that the materializer comes from",
        )
    annotation = Any if annotation is None else annotation
    try:
        value = materializer.load(annotation, reader)
        materializer.check(value, annotation)
    except DovetailError:
        raise
    except Exception as error:
        raise MaterializerError(
            f"materializer {expected.name!r} could not read artifact {record.id!r}: "
            f"{type(error).__name__}: {error}",
            hint="the files are as they were stored; was the class of the value changed since?",
        ) from error
    return value


def withdraw(store: ArtifactStore, directory: str) -> None:
    """Remove what was written of an artifact that will not be, unless one is complete there."""
    with suppress(StoreError):
        if store.size(f"{directory}/{MANIFEST}") is None:
            store.delete(directory)


def _checked_summary(summary: dict[str, Any], ref: MaterializerRef) -> dict[str, Any]:
    try:
        if summary:
            canonical_json(summary)
    except (TypeError, ValueError) as error:
        raise MaterializerError(
            f"the summary that materializer {ref.name!r} gives is no JSON: {error}",
            hint="`summary` returns text, numbers that are finite, lists and dicts with text as keys",
        ) from error
    return summary
