"""The contract of container registries as tests, with the numbers of docs/contracts/container-registry.md.

::

    class TestMyRegistry(ContainerRegistryContract):
        @pytest.fixture
        def registry(self, tmp_path):
            return MyRegistry("mine", MyConfig(...), home=tmp_path)

        @pytest.fixture
        def broken(self, tmp_path):
            return MyRegistry("mine", MyConfig(address="127.0.0.1:1"), home=tmp_path)
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.components.container_registry import ContainerRegistry, Image
from dovetail.errors import ConflictError, NotFoundError, StoreError, UsageError
from dovetail.names import new_id
from dovetail.testing.not_given import not_given

_OCI = "application/vnd.oci.image"
_UNKNOWN = "sha256:" + "0" * 64


def write_layout(path: Path, *layers: bytes) -> str:
    """Write an OCI image layout with one image of these layers; return the digest of its manifest."""
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
    kinds = [("config.v1+json", json.dumps(config).encode())]
    kinds += [("layer.v1.tar", each) for each in layers]
    first, *rest = [_blob(path, f"{_OCI}.{kind}", data) for kind, data in kinds]
    kind = f"{_OCI}.manifest.v1+json"
    said = {"schemaVersion": 2, "mediaType": kind, "config": first, "layers": rest}
    manifest = _blob(path, kind, json.dumps(said).encode())
    index = {"schemaVersion": 2, "manifests": [manifest]}
    (path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")
    return str(manifest["digest"])


def blobs(layout: Path) -> dict[str, bytes]:
    """Return all blobs of a layout by digest."""
    return {f"sha256:{each.name}": each.read_bytes() for each in (layout / "blobs" / "sha256").iterdir()}


def _blob(path: Path, media_type: str, data: bytes) -> dict[str, Any]:
    name = hashlib.sha256(data).hexdigest()
    file = path / "blobs" / "sha256" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data)}


class ContainerRegistryContract:
    """What every container registry does. Give the fixtures `registry` and `broken`."""

    @pytest.fixture
    def registry(self) -> ContainerRegistry:
        """Return a registry to which may be pushed."""
        raise not_given("registry")

    @pytest.fixture
    def broken(self) -> ContainerRegistry:
        """Return a registry that cannot be used: nobody answers, or the credentials are wrong."""
        raise not_given("broken")

    @pytest.fixture
    def repository(self) -> str:
        """Return the name of a repository that is not there yet."""
        return f"dovetail/contract-{new_id().lower()}"

    @pytest.fixture
    def layout(self, tmp_path: Path) -> Path:
        """Return the layout of a small image that nobody has pushed."""
        write_layout(tmp_path / "layout", os.urandom(3_000_000), os.urandom(100), b"")
        return tmp_path / "layout"

    def test_1_what_was_pushed_is_pulled_whole_by_digest_and_by_the_tag_s_digest(
        self, registry: ContainerRegistry, repository: str, layout: Path, tmp_path: Path
    ) -> None:
        pushed = registry.push(layout, repository, "one")
        registry.pull(Image(repository, pushed.digest), tmp_path / "pulled")
        assert blobs(tmp_path / "pulled") == blobs(layout)
        assert registry.resolve(repository, "one") == pushed

    def test_1_an_image_is_pushed_again_and_named_twice(
        self, registry: ContainerRegistry, repository: str, layout: Path
    ) -> None:
        first = registry.push(layout, repository, "one")
        assert registry.push(layout, repository, "one") == first
        assert registry.push(layout, repository, "two") == Image(repository, first.digest, "two")

    def test_2_the_digest_is_that_of_the_layout(
        self, registry: ContainerRegistry, repository: str, tmp_path: Path
    ) -> None:
        digest = write_layout(tmp_path / "made", b"layer")
        assert registry.push(tmp_path / "made", repository, "one").digest == digest

    @pytest.mark.parametrize("damage", ["changed", "missing", "no index", "two images"])
    def test_2_a_damaged_layout_is_refused_and_names_nothing(
        self, registry: ContainerRegistry, repository: str, layout: Path, damage: str
    ) -> None:
        largest = max((layout / "blobs" / "sha256").iterdir(), key=lambda each: each.stat().st_size)
        index = layout / "index.json"
        said = json.loads(index.read_text(encoding="utf-8"))
        ways: dict[str, Callable[[], object]] = {
            "changed": lambda: largest.write_bytes(b"!" + largest.read_bytes()[1:]),
            "missing": largest.unlink,
            "no index": index.unlink,
            "two images": lambda: index.write_text(json.dumps(said | {"manifests": said["manifests"] * 2})),
        }
        ways[damage]()
        with pytest.raises(StoreError) as caught:
            registry.push(layout, repository, "one")
        assert caught.value.hint
        assert registry.resolve(repository, "one") is None

    def test_3_a_tag_names_what_was_pushed_last(
        self, registry: ContainerRegistry, repository: str, tmp_path: Path
    ) -> None:
        for layer in (b"first", b"second"):
            digest = write_layout(tmp_path / layer.decode(), layer)
            registry.push(tmp_path / layer.decode(), repository, "latest")
            assert registry.resolve(repository, "latest") == Image(repository, digest, "latest")

    def test_3_what_no_tag_names_is_none(
        self, registry: ContainerRegistry, repository: str, layout: Path
    ) -> None:
        assert registry.resolve(repository, "one") is None
        registry.push(layout, repository, "one")
        assert registry.resolve(repository, "other") is None

    def test_4_an_image_that_was_replaced_under_its_tag_is_still_pulled_by_digest(
        self, registry: ContainerRegistry, repository: str, layout: Path, tmp_path: Path
    ) -> None:
        first = registry.push(layout, repository, "latest")
        write_layout(tmp_path / "second", b"second")
        registry.push(tmp_path / "second", repository, "latest")
        registry.pull(first, tmp_path / "pulled")
        assert blobs(tmp_path / "pulled") == blobs(layout)

    def test_4_a_pulled_layout_can_be_pushed(
        self, registry: ContainerRegistry, repository: str, layout: Path, tmp_path: Path
    ) -> None:
        pushed = registry.push(layout, repository, "one")
        registry.pull(pushed, tmp_path / "pulled")
        assert registry.push(tmp_path / "pulled", f"{repository}-again", "one").digest == pushed.digest

    def test_4_an_image_that_is_not_there_is_named_and_nothing_is_written(
        self, registry: ContainerRegistry, repository: str, layout: Path, tmp_path: Path
    ) -> None:
        registry.push(layout, repository, "one")
        before = sorted(tmp_path.iterdir())
        for name in (repository, f"{repository}-none"):
            with pytest.raises(NotFoundError, match=_UNKNOWN):
                registry.pull(Image(name, _UNKNOWN), tmp_path / "pulled")
        assert sorted(tmp_path.iterdir()) == before

    def test_4_a_directory_that_is_there_stays_as_it_is(
        self, registry: ContainerRegistry, repository: str, layout: Path, tmp_path: Path
    ) -> None:
        pushed = registry.push(layout, repository, "one")
        (tmp_path / "mine").mkdir()
        with pytest.raises(ConflictError, match="mine"):
            registry.pull(pushed, tmp_path / "mine")
        assert list((tmp_path / "mine").iterdir()) == []

    def test_5_credentials_that_are_right_are_taken(self, registry: ContainerRegistry) -> None:
        registry.authenticate()

    def test_5_a_refusal_is_an_error_with_a_remedy(
        self, broken: ContainerRegistry, repository: str, layout: Path, tmp_path: Path
    ) -> None:
        uses: list[Callable[[], object]] = [
            broken.authenticate,
            lambda: broken.push(layout, repository, "one"),
            lambda: broken.resolve(repository, "one"),
            lambda: broken.pull(Image(repository, _UNKNOWN), tmp_path / "pulled"),
        ]
        for use in uses:
            with pytest.raises(StoreError, match=broken.name) as caught:
                use()
            assert caught.value.hint
        assert not (tmp_path / "pulled").exists()

    def test_6_the_address_is_what_an_engine_puts_before_a_repository(
        self, registry: ContainerRegistry
    ) -> None:
        assert registry.address
        assert "://" not in registry.address
        assert "@" not in registry.address
        assert not registry.address.endswith("/")

    @pytest.mark.parametrize("name", ["", "../x", "a//b", "UPPER", "a b", "a:b", "/a", "a/", "-a"])
    def test_7_what_is_no_name_of_a_repository_is_refused(
        self, registry: ContainerRegistry, layout: Path, name: str
    ) -> None:
        with pytest.raises(UsageError):
            registry.push(layout, name, "one")
        with pytest.raises(UsageError):
            registry.resolve(name, "one")

    @pytest.mark.parametrize("tag", ["", ".x", "a/b", "a b", "x" * 129, "sha256:" + "0" * 64])
    def test_7_what_is_no_tag_is_refused(
        self, registry: ContainerRegistry, repository: str, layout: Path, tag: str
    ) -> None:
        with pytest.raises(UsageError):
            registry.push(layout, repository, tag)
        with pytest.raises(UsageError):
            registry.resolve(repository, tag)
