"""A directory in the layout of the Open Container Initiative, as far as the one image in it is concerned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dovetail.errors import ConfigurationError, NotFoundError
from dovetail.stacks.workspace import component_home

MARK = "oci-layout"
"""The file that makes a directory such a layout."""

_LOCAL_ID = "FROM "
"""How a note in an image's history begins that names an image by its id on the machine it was built on."""

_NAME = "org.opencontainers.image.ref.name"
_BASE = "org.opencontainers.image.base.digest"


@dataclass(frozen=True, slots=True)
class KeptImage:
    """The image of a layout: the digest of its manifest, the tag it was given."""

    digest: str
    tag: str | None


def default_layout(stack: str) -> Path:
    """Return where the image of a stack is kept: in the workspace, else in the home."""
    return component_home().parent / "images" / stack


def read_layout(place: Path) -> KeptImage:
    """Return the image that is there.

    Raises:
        NotFoundError: there is no layout.
        ConfigurationError: it has not exactly one image.
    """
    if not (place / MARK).is_file():
        raise NotFoundError(
            f"there is no image in {str(place)!r}",
            hint="`dovetail stack image build` makes one, --layout names another place",
        )
    try:
        document: dict[str, Any] = json.loads((place / "index.json").read_bytes())
        (image,) = document["manifests"]
        return KeptImage(str(image["digest"]), image.get("annotations", {}).get(_NAME))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{str(place)!r} is no OCI layout of one image: {error}", hint="build the image again"
        ) from error


def drop_local_ids(place: Path) -> None:
    """Take out of a layout's one image what differs from machine to machine.

    buildah notes which image of its storage each layer was put upon, and calls the last of them the base.
    Such an id depends on what else was built there, and with it the digest of an image would.
    """
    index: dict[str, Any] = json.loads((place / "index.json").read_bytes())
    (image,) = index["manifests"]
    manifest: dict[str, Any] = json.loads(_blob(place, image).read_bytes())
    config: dict[str, Any] = json.loads(_blob(place, manifest["config"]).read_bytes())
    for each in config.get("history", []):
        if str(each.get("comment", "")).startswith(_LOCAL_ID):
            del each["comment"]
    manifest.get("annotations", {}).pop(_BASE, None)
    _replace(place, manifest["config"], config)
    _replace(place, image, manifest)
    (place / "index.json").write_bytes(_encoded(index))


def _blob(place: Path, descriptor: Mapping[str, Any]) -> Path:
    algorithm, _, digest = str(descriptor["digest"]).partition(":")
    return place / "blobs" / algorithm / digest


def _replace(place: Path, descriptor: dict[str, Any], document: Mapping[str, Any]) -> None:
    """Put a document in the place of the one that a descriptor stands for."""
    _blob(place, descriptor).unlink()
    content = _encoded(document)
    descriptor.update(digest=f"sha256:{hashlib.sha256(content).hexdigest()}", size=len(content))
    _blob(place, descriptor).write_bytes(content)


def _encoded(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
