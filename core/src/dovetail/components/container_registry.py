"""Container registries: images in, images out, by digest."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from dovetail.components.component import Component


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a registry. `digest` is that of its manifest, `sha256:...`, and tells it from others."""

    repository: str
    digest: str
    tag: str | None = None

    @property
    def reference(self) -> str:
        """Return the text by which exactly this image is pulled, without the registry's address."""
        return f"{self.repository}@{self.digest}"


class ContainerRegistry(Component):
    """Keeps images in the layout of the Open Container Initiative.

    An implementation owes:

    1. `push` sends an OCI image layout whole: when it returns, the image can be pulled by its digest, and
       `tag` names it. What the registry has already is not sent again.
    2. The digest that `push` returns is the one the layout says. A damaged layout, and a registry that
       answers with another digest, are refused with StoreError.
    3. `resolve` returns the digest a tag names now, None where there is no such tag or repository.
    4. `pull` writes an OCI image layout and checks the digest of everything it writes; it asks by digest,
       never by tag. What is not there raises NotFoundError, a directory that is there ConflictError; after
       an error nothing is left.
    5. No connection, wrong or missing credentials raise StoreError before anything is sent; credentials are
       in no message.
    6. `address` is what a container engine puts before a repository; it holds no credentials.
    7. What may not be the name of a repository or a tag is refused with UsageError.

    The numbers are those of docs/contracts/container-registry.md and of
    `dovetail.testing.container_registry`.
    """

    type: ClassVar[str] = "container_registry"

    @property
    @abstractmethod
    def address(self) -> str:
        """Return host and port, with a path where the registry has one: `127.0.0.1:5000`."""

    @abstractmethod
    def authenticate(self) -> None:
        """Check that the registry answers and takes the credentials."""

    @abstractmethod
    def push(self, layout: Path, repository: str, tag: str) -> Image:
        """Send the one image of an OCI layout directory, and name it."""

    @abstractmethod
    def resolve(self, repository: str, tag: str) -> Image | None:
        """Return the image that a tag names now."""

    @abstractmethod
    def pull(self, image: Image, layout: Path) -> None:
        """Write an image into a new OCI layout directory. Raises NotFoundError if it is not there."""
