"""Pushing: the image of a stack to the stack's container registry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dovetail.components.container_registry import ContainerRegistry, Image
from dovetail.errors import DovetailError, NotFoundError, StoreError
from dovetail.execution.image.layout import KeptImage, read_layout
from dovetail.records.stack import StackRecord
from dovetail.stacks.assemble import assemble

_TYPE = "container_registry"


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image in a registry, and what a container engine calls it."""

    image: Image
    address: str

    @property
    def reference(self) -> str:
        """Return the text by which exactly this image is pulled."""
        return f"{self.address}/{self.image.reference}"


def push(stack: StackRecord, layout: Path, repository: str, tag: str | None) -> Pushed:
    """Send the image of a layout to the registry of a stack; `tag` is by default that of the layout.

    Raises:
        NotFoundError: the stack has no registry, or there is no image.
        StoreError: the registry refuses or cannot be reached.
    """
    if _TYPE not in stack.components:
        raise NotFoundError(
            f"stack {stack.name!r} has no container registry",
            hint="`dovetail container-registry register NAME` makes one, "
            f"`dovetail stack update {stack.name} --container-registry NAME` adds it",
        )
    kept = read_layout(layout)
    with assemble(stack, only={_TYPE}) as live:
        registry = cast("ContainerRegistry", live.get(_TYPE))
        pushed = _sent(registry, layout, repository, tag or kept.tag or "latest")
        address = registry.address
    _check_digest(pushed, kept, registry.name)
    return Pushed(pushed, address)


def _sent(registry: ContainerRegistry, layout: Path, repository: str, tag: str) -> Image:
    try:
        return registry.push(layout, repository, tag)
    except DovetailError:
        raise
    except Exception as error:
        raise StoreError(
            f"container registry {registry.name!r} cannot take the image: {type(error).__name__}: {error}",
            hint="this is an error in the wheel of its flavor; update it, or report it there",
        ) from error


def _check_digest(image: Image, kept: KeptImage, registry: str) -> None:
    if image.digest != kept.digest:
        raise StoreError(
            f"container registry {registry!r} calls the image {image.digest}, and it is {kept.digest}",
            hint="the image was changed on its way; push it again, and distrust that registry",
        )
