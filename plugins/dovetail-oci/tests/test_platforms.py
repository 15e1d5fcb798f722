"""An image of several platforms: an index that refers to a manifest for each."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dovetail.plugin import StoreError
from dovetail.testing.container_registry import blobs, write_layout
from dovetail_oci.container_registry import OciRegistry
from real_servers.presence import program

pytestmark = pytest.mark.real
Make = Callable[..., OciRegistry]


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A layout with an image of two platforms, put together by buildah."""
    program("buildah", "apt-get install buildah")
    for each in ("amd64", "arm64"):
        write_layout(tmp_path / each, os.urandom(50_000))
    place = ["--root", str(tmp_path / "root"), "--runroot", str(tmp_path / "run"), "--storage-driver", "vfs"]

    def buildah(*arguments: str) -> None:
        command = ["buildah", *place, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    buildah("manifest", "create", "several")
    for each in ("amd64", "arm64"):
        buildah("manifest", "add", "--os", "linux", "--arch", each, "several", f"oci:{tmp_path / each}")
    buildah("manifest", "push", "--all", "several", f"oci:{tmp_path / 'several'}")
    return tmp_path / "several"


def index_of(layout: Path) -> dict[str, Any]:
    (named,) = json.loads((layout / "index.json").read_text())["manifests"]
    found: dict[str, Any] = json.loads(blobs(layout)[named["digest"]])
    return found


def referred(manifest: bytes) -> list[str]:
    said = json.loads(manifest)
    return [each["digest"] for each in (said["config"], *said["layers"])]


def test_all_platforms_go_there_and_back(several: Path, basic: int, make: Make, tmp_path: Path) -> None:
    architectures = [each["platform"]["architecture"] for each in index_of(several)["manifests"]]
    assert sorted(architectures) == ["amd64", "arm64"]
    registry = make(basic)
    image = registry.push(several, "platforms/whole", "one")
    assert registry.resolve("platforms/whole", "one") == image
    registry.pull(image, tmp_path / "pulled")
    assert blobs(tmp_path / "pulled") == blobs(several)


def test_one_platform_can_be_pulled_by_its_own_digest(
    several: Path, basic: int, make: Make, tmp_path: Path
) -> None:
    registry = make(basic)
    image = registry.push(several, "platforms/single", "one")
    (arm,) = [e for e in index_of(several)["manifests"] if e["platform"]["architecture"] == "arm64"]
    registry.pull(replace(image, digest=arm["digest"]), tmp_path / "pulled")
    pulled = blobs(tmp_path / "pulled")
    assert pulled.items() < blobs(several).items()
    assert pulled.keys() == {arm["digest"], *referred(pulled[arm["digest"]])}


def test_an_index_whose_platform_is_missing_is_refused_and_not_named_in_the_registry(
    several: Path, basic: int, make: Make
) -> None:
    registry = make(basic)
    lost = index_of(several)["manifests"][1]["digest"]
    (several / "blobs" / lost.replace(":", "/")).unlink()
    with pytest.raises(StoreError, match="is damaged"):
        registry.push(several, "platforms/damaged", "one")
    assert registry.resolve("platforms/damaged", "one") is None
