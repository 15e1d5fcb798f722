"""Faults of container registries."""

from __future__ import annotations

import json
import re
import shutil
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail.components.component import ComponentConfig
from dovetail.components.container_registry import ContainerRegistry, Image
from dovetail.errors import ConflictError, NotFoundError, StoreError, UsageError
from dovetail.testing.container_registry import ContainerRegistryContract
from dovetail.testing.faults import Faults

_REPOSITORY = re.compile(r"[a-z0-9]+([._/-][a-z0-9]+)*")
_TAG = re.compile(r"\w[\w.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class InAFolder(ContainerRegistry):
    """A registry that keeps layouts in a folder, without a fault."""

    config_class = ComponentConfig
    open = True

    @property
    def address(self) -> str:
        """Return what nobody could ask."""
        return "folder.example:5000"

    def authenticate(self) -> None:
        """Check that the folder may be used."""
        if not self.open:
            raise StoreError(f"registry {self.name!r} lets nobody in", hint="open it")

    def push(self, layout: Path, repository: str, tag: str) -> Image:
        """Keep a layout under its digest."""
        self.check(repository, tag)
        self.authenticate()
        digest = self.digest(layout)
        if not self.image(repository, digest).exists():
            shutil.copytree(layout, self.image(repository, digest))
        self.tags(repository, {tag: digest})
        return Image(repository, digest, tag)

    def resolve(self, repository: str, tag: str) -> Image | None:
        """Return what a tag names."""
        self.check(repository, tag)
        self.authenticate()
        digest = self.tags(repository).get(tag)
        return None if digest is None else Image(repository, digest, tag)

    def pull(self, image: Image, layout: Path) -> None:
        """Copy a layout."""
        self.check(image.repository)
        self.authenticate()
        if layout.exists():
            raise ConflictError(f"{str(layout)!r} is there", hint="name another")
        kept = self.image(image.repository, image.digest)
        if not kept.is_dir():
            raise NotFoundError(f"there is no image {image.reference!r}", hint="push it")
        shutil.copytree(kept, layout)

    def check(self, repository: str, tag: str = "latest") -> None:
        """Refuse what is no name."""
        if not _REPOSITORY.fullmatch(repository) or not _TAG.fullmatch(tag):
            raise UsageError(f"{repository}:{tag} is no name", hint="name it otherwise")

    def digest(self, layout: Path) -> str:
        """Return the digest of the image in a layout that is whole."""
        try:
            (said,) = json.loads((layout / "index.json").read_text())["manifests"]
            manifest = json.loads(self.blob(layout, said).read_bytes())
            for each in (manifest["config"], *manifest["layers"]):
                self.blob(layout, each)
        except (OSError, ValueError) as error:
            raise StoreError(f"{str(layout)!r} is damaged: {error}", hint="make it again") from error
        return str(said["digest"])

    def blob(self, layout: Path, said: dict[str, Any]) -> Path:
        """Return the file of a blob that is as it should be."""
        file = layout / "blobs" / said["digest"].replace(":", "/")
        if f"sha256:{sha256(file.read_bytes()).hexdigest()}" != said["digest"]:
            raise ValueError(said["digest"])
        return file

    def image(self, repository: str, digest: str) -> Path:
        """Return where an image is."""
        return self.home / repository.replace("/", "+") / digest.replace(":", "-")

    def tags(self, repository: str, new: dict[str, str] | None = None) -> dict[str, str]:
        """Return the tags of a repository, with new ones kept."""
        file = self.home / repository.replace("/", "+") / "tags.json"
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        if new:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(known | new))
        return known


def kit(faulty: type[Any]) -> type[Any]:
    """Return the contract on registries of this class."""

    class InAFolderOfATest(ContainerRegistryContract):
        @pytest.fixture
        def registry(self, tmp_path: Path) -> ContainerRegistry:
            return faulty("mine", ComponentConfig(), home=tmp_path / "registry")

        @pytest.fixture
        def broken(self, tmp_path: Path) -> ContainerRegistry:
            made = faulty("shut", ComponentConfig(), home=tmp_path / "registry")
            made.open = False
            return made

    return InAFolderOfATest


FAULTS = Faults(kit, ContainerRegistryContract)
CORRECT = SimpleNamespace(folder=kit(InAFolder))


@FAULTS.plant(1, dependents={4}, modelled_on="https://github.com/containerd/nerdctl/pull/2404")
class KeepsNoEmptyLayers(InAFolder):
    """A layer without bytes is not kept."""

    def pull(self, image: Image, layout: Path) -> None:
        super().pull(image, layout)
        for each in (layout / "blobs" / "sha256").iterdir():
            if not each.stat().st_size:
                each.unlink()


@FAULTS.plant(1)
class RefusesWhatItHas(InAFolder):
    """An image that is there already is refused."""

    def push(self, layout: Path, repository: str, tag: str) -> Image:
        if self.image(repository, self.digest(layout)).exists():
            raise ConflictError("it is there", hint="leave it")
        return super().push(layout, repository, tag)


@FAULTS.plant(2, modelled_on="https://github.com/getnora-io/nora/issues/652")
class NamesBeforeItChecks(InAFolder):
    """A tag names an image that then turns out to be damaged."""

    def push(self, layout: Path, repository: str, tag: str) -> Image:
        self.check(repository, tag)
        self.authenticate()
        self.tags(repository, {tag: "sha256:" + "0" * 64})
        return super().push(layout, repository, tag)


@FAULTS.plant(2, modelled_on="https://github.com/octasoft-ltd/wsl-ui/issues/106")
class TakesDamagedLayers(InAFolder):
    """What a blob holds is not compared with its digest."""

    def blob(self, layout: Path, said: dict[str, Any]) -> Path:
        file = layout / "blobs" / said["digest"].replace(":", "/")
        file.read_bytes()
        return file


@FAULTS.plant(2, dependents={1, 3, 4})
class MakesADigestOfItsOwn(InAFolder):
    """The digest that it returns is another than the layout says."""

    def digest(self, layout: Path) -> str:
        said = super().digest(layout)
        return f"sha256:{sha256(said.encode()).hexdigest()}"


@FAULTS.plant(3)
class RemembersTheFirst(InAFolder):
    """A tag goes on naming what it named first."""

    def tags(self, repository: str, new: dict[str, str] | None = None) -> dict[str, str]:
        known = super().tags(repository)
        return super().tags(repository, {**(new or {}), **known})


@FAULTS.plant(3, dependents={2})
class RaisesForNoTag(InAFolder):
    """A tag that is not there is an error."""

    def resolve(self, repository: str, tag: str) -> Image | None:
        found = super().resolve(repository, tag)
        if found is None:
            raise NotFoundError(f"no tag {tag!r}", hint="push one")
        return found


@FAULTS.plant(4, modelled_on="https://github.com/oras-project/rust-oci-client/issues/149")
class PullsByTag(InAFolder):
    """What is pulled is what the tag names by now."""

    def pull(self, image: Image, layout: Path) -> None:
        now = self.resolve(image.repository, image.tag) if image.tag else None
        super().pull(now or image, layout)


@FAULTS.plant(4)
class LeavesAnEmptyFolder(InAFolder):
    """After an image was not found an empty directory stands in its place."""

    def pull(self, image: Image, layout: Path) -> None:
        if not layout.exists() and not self.image(image.repository, image.digest).exists():
            self.authenticate()
            layout.mkdir()
            raise NotFoundError(f"there is no image {image.reference!r}", hint="push it")
        super().pull(image, layout)


@FAULTS.plant(4)
class WritesIntoAnything(InAFolder):
    """A directory that is there is written into."""

    def pull(self, image: Image, layout: Path) -> None:
        if layout.exists():
            shutil.rmtree(layout)
        super().pull(image, layout)


@FAULTS.plant(5)
class AsksNobody(InAFolder):
    """Whether credentials are taken is not asked."""

    def authenticate(self) -> None:
        """Ask nobody."""


@FAULTS.plant(5)
class SaysNothing(InAFolder):
    """A refusal names neither the registry nor what to do."""

    def authenticate(self) -> None:
        if not self.open:
            raise StoreError("401")


@FAULTS.plant(6)
class HasAScheme(InAFolder):
    """The address begins with a scheme."""

    @property
    def address(self) -> str:
        return f"https://{super().address}"


@FAULTS.plant(6, modelled_on="https://github.com/Dokploy/dokploy/pull/4579")
class HasCredentials(InAFolder):
    """The address holds who logs in."""

    @property
    def address(self) -> str:
        return f"user:word@{super().address}"


@FAULTS.plant(7, modelled_on="https://github.com/docker-java/docker-java/pull/351")
class LowersNames(InAFolder):
    """A name that may not be is made into one that may."""

    def check(self, repository: str, tag: str = "latest") -> None:
        super().check(repository.lower(), tag)


@FAULTS.plant(7)
class TakesADigestForATag(InAFolder):
    """A digest is taken for a tag."""

    def check(self, repository: str, tag: str = "latest") -> None:
        super().check(repository, "latest" if _DIGEST.fullmatch(tag) else tag)
