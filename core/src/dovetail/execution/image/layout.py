"""A directory in the layout of the Open Container Initiative, as far as the one image in it is concerned."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dovetail.errors import ConfigurationError, NotFoundError
from dovetail.stacks.workspace import component_home

MARK = "oci-layout"
"""The file that makes a directory such a layout."""

_NAME = "org.opencontainers.image.ref.name"


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
