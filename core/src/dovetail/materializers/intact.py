"""Whether a stored artifact is still what was recorded: by a look at its files, or by every byte of them."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.components.artifact_store import ArtifactStore
from dovetail.errors import StoreError
from dovetail.hashing import digest_bytes, digest_stream
from dovetail.materializers.files import ArtifactReader
from dovetail.records.artifact import MANIFEST, ArtifactRecord, FileEntry, Manifest


def damage(store: ArtifactStore, record: ArtifactRecord) -> str | None:
    """Return what is wrong with an artifact that is to be used again, None where nothing is.

    The manifest is read, so that one artifact in the place of another is found. Files that nobody has
    changed since the artifact was published cost a look each. All others are read and compared by digest,
    and so is every file of a store that cannot tell.
    """
    untouched = True
    for path, size in ((MANIFEST, None), *((each.path, each.size) for each in record.files)):
        state = store.state(f"{record.stored}/{path}")
        if state is None:
            return f"{path!r} is missing"
        if size not in {None, state.size}:
            return f"{path!r} has {state.size} bytes instead of {size}"
        untouched = untouched and state.changed is not None and state.changed <= record.created
    if untouched and digest_bytes(store.get(f"{record.stored}/{MANIFEST}")) == record.digest:
        return None
    return next(_wrong(store, record), None)


def verify_artifact(store: ArtifactStore, record: ArtifactRecord) -> list[str]:
    """Return what is wrong with a stored artifact, one line each; empty where all is well.

    Every byte is read and none is parsed but the manifest, after its digest was found right. What lies
    in the place of a file and is none (a link, a directory, a pipe) is not opened.
    """
    problems = list(_wrong(store, record))
    try:
        files = {MANIFEST, *ArtifactReader(store, record).files}
    except StoreError:  # told already
        return problems
    start = len(record.stored) + 1
    listed = {path[start:] for path, _ in store.entries(record.stored)}
    if not problems:
        problems += [f"{path!r} is reached through a link" for path in sorted(files - listed)]
    return problems + [f"{path!r} does not belong to the artifact" for path in sorted(listed - files)]


def _wrong(store: ArtifactStore, record: ArtifactRecord) -> Iterator[str]:
    """Yield what is wrong with the manifest and the files that it lists."""
    try:
        manifest = ArtifactReader(store, record).manifest
    except StoreError as error:
        yield error.message
        return
    yield from _disagreements(record, manifest)
    for entry in manifest.files:
        try:
            problem = _problem(store, record, entry)
        except StoreError as error:
            problem = error.message
        if problem is not None:
            yield problem


def _disagreements(record: ArtifactRecord, manifest: Manifest) -> Iterator[str]:
    if record.files and record.files != manifest.files:
        yield "record and manifest list different files"
    if record.size != sum(each.size for each in manifest.files):
        yield f"the record says {record.size} bytes, the manifest lists others"
    if record.materializer != manifest.materializer:
        yield f"record says {record.materializer.name!r}, manifest {manifest.materializer.name!r}"


def _problem(store: ArtifactStore, record: ArtifactRecord, entry: FileEntry) -> str | None:
    path = f"{record.stored}/{entry.path}"
    size = store.size(path)
    if size is None:
        return f"{entry.path!r} is missing"
    if size != entry.size:
        return f"{entry.path!r} has {size} bytes instead of {entry.size}"
    with store.open(path) as stream:
        digest, _ = digest_stream(stream)
    return None if digest == entry.digest else f"{entry.path!r} is damaged, its digest differs"
