"""An OCI image layout on disk: blobs by digest, and an index that names the one image."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dovetail.plugin import StoreError

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    INDEX_TYPE,
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
LARGEST_MANIFEST = 4 << 20
_DIGEST = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")
_CHUNK = 1 << 20


class Descriptor(NamedTuple):
    """A reference to a blob: its kind, digest and size."""

    media_type: str
    digest: str
    size: int

    @property
    def is_manifest(self) -> bool:
        """Whether it refers to further blobs."""
        return self.media_type in MANIFEST_TYPES

    @property
    def path(self) -> str:
        """Where it lies in a layout."""
        return "blobs/" + self.digest.replace(":", "/")


def descriptor(said: Any, where: str) -> Descriptor:  # noqa: ANN401 - whatever stands in the JSON
    """Read a descriptor that comes from anybody.

    Raises:
        StoreError: it is none; a digest that is not plain would lead out of the layout.
    """
    try:
        found = Descriptor(str(said["mediaType"]), str(said["digest"]), int(said["size"]))
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{where} has a descriptor that is none", hint="make the image again") from error
    if not _DIGEST.fullmatch(found.digest) or found.size < 0:
        raise StoreError(
            f"{where} refers to digest {found.digest!r:.100}, which is none", hint="make the image again"
        )
    return found


def references(manifest: bytes, where: str) -> Iterator[Descriptor]:
    """Yield what a manifest or an index refers to.

    Raises:
        StoreError: it is neither.
    """
    said = parsed(manifest, where)
    children = [*said.get("manifests", []), *([said["config"]] if "config" in said else [])]
    for each in [*children, *said.get("layers", [])]:
        yield descriptor(each, where)


def parsed(data: bytes, where: str) -> dict[str, Any]:
    """Return a JSON object."""
    try:
        said = json.loads(data)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise StoreError(f"{where} is no JSON object", hint="make the image again")
    return said


def hasher(digest: str) -> Any:  # noqa: ANN401 - hashlib names no type for it
    """Return what computes digests of this kind."""
    return hashlib.new(digest.partition(":")[0])


def matches(data: bytes, digest: str) -> bool:
    """Whether bytes have a digest."""
    made = hasher(digest)
    made.update(data)
    return f"{made.name}:{made.hexdigest()}" == digest


class Layout:
    """A layout directory that is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def image(self) -> Descriptor:
        """Return the one image.

        Raises:
            StoreError: this is no layout, or it holds none or several.
        """
        try:
            parsed((self.path / "oci-layout").read_bytes(), f"{self.path}/oci-layout")
            index = parsed((self.path / "index.json").read_bytes(), f"{self.path}/index.json")
        except OSError as error:
            raise StoreError(
                f"{str(self.path)!r} is no OCI image layout: {error.strerror}",
                hint="it needs the files 'oci-layout' and 'index.json', and the folder 'blobs'",
            ) from error
        found = index.get("manifests") or []
        if len(found) != 1:
            raise StoreError(
                f"layout {str(self.path)!r} holds {len(found)} images instead of one",
                hint="push each from a layout of its own",
            )
        image = descriptor(found[0], f"layout {str(self.path)!r}")
        if not image.is_manifest:
            raise StoreError(
                f"layout {str(self.path)!r} holds a {image.media_type!r}, which is no image",
                hint="make an image in the layout of the Open Container Initiative",
            )
        return image

    def file(self, blob: Descriptor) -> Path:
        """Return the file of a blob, after a look at every byte of it.

        Raises:
            StoreError: it is missing, or not what its name says.
        """
        file, made = self.path / blob.path, hasher(blob.digest)
        try:
            with file.open("rb") as stream:
                while piece := stream.read(_CHUNK):
                    made.update(piece)
            size = file.stat().st_size
        except OSError as error:
            raise self._damaged(blob, error.strerror or str(error)) from error
        if (f"{made.name}:{made.hexdigest()}", size) != (blob.digest, blob.size):
            raise self._damaged(blob, f"its file has {size} bytes of digest {made.name}:{made.hexdigest()}")
        return file

    def _damaged(self, blob: Descriptor, what: str) -> StoreError:
        return StoreError(
            f"layout {str(self.path)!r}: blob {blob.digest} of {blob.size} bytes is damaged: {what}",
            hint="make the image again; nothing of it was named in the registry",
        )


def write_index(path: Path, image: Descriptor, tag: str | None) -> None:
    """Write what makes a directory with blobs a layout."""
    said: dict[str, Any] = {"mediaType": image.media_type, "digest": image.digest, "size": image.size}
    if tag is not None:
        said["annotations"] = {"org.opencontainers.image.ref.name": tag}
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [said]}
    (path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (path / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}), encoding="utf-8")
