"""The commands around images, with a buildah that only notes what it is told."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.errors import IntegrationError
from dovetail.execution.image import building
from dovetail.execution.image.buildah import Buildah
from dovetail.execution.remote import code_archive
from dovetail.testing.site import Site

Cli = Callable[..., Any]

IMAGE = "sha256:36cd50625252ab9c59735b0f3da9a549005ae3957803dcadd16cb1a99a963850"
"""The digest of the fake's image."""
FAKE = """#!{python}
import hashlib, json, os, pathlib, sys
words = sys.argv[1:]
with open({noted!r}, "a") as file:
    file.write(json.dumps(words) + chr(10))
if words[0] == os.environ.get("FAKE_FAILS"):
    print("time=now level=warning")
    print(os.environ.get("FAKE_SAYS", "Error: it cannot"))
    print("Error: exit status 1")
    sys.exit(125)
if words[0] == "pull":
    print("a" * 64)
if words[0] == "build":
    pathlib.Path(words[words.index("--iidfile") + 1]).write_text("sha256:" + "b" * 64)
    assert sorted(os.listdir()) == ["Containerfile", "installed", "project"]
if words[0] == "push":
    place, tag = words[-1].removeprefix("oci:").split(":")
    blobs = pathlib.Path(place, "blobs", "sha256")
    blobs.mkdir(parents=True)
    def blob(document):
        content = json.dumps(document).encode()
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {{"digest": "sha256:" + digest, "size": len(content)}}
    image = blob({{"config": blob({{}})}})
    image["annotations"] = {{"org.opencontainers.image.ref.name": tag}}
    pathlib.Path(place, "index.json").write_text(json.dumps({{"manifests": [image]}}))
    pathlib.Path(place, "oci-layout").write_text("{{}}")
"""
REGISTRY = """
from dovetail.plugin import ComponentConfig, ContainerRegistry, Flavor, Image, hookimpl

class Config(ComponentConfig):
    digest: str = "{image}"

class Registry(ContainerRegistry):
    config_class = Config
    address = "reg.example:5000"
    def authenticate(self): ...
    def resolve(self, repository, tag): ...
    def pull(self, image, layout): ...
    def push(self, layout, repository, tag):
        if tag == "odd":
            raise OSError("the line is cut")
        return Image(repository, self.config.digest, tag)

@hookimpl
def dovetail_container_registries():
    yield Flavor("shelf", contract=1, config="{module}:Config", implementation="{module}:Registry")
"""


class FakeBuildah:
    """What a program called buildah was told."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._noted = place / "noted"
        program = place / "buildah"
        program.write_text(FAKE.format(python=sys.executable, noted=str(self._noted)))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")

    @property
    def calls(self) -> list[list[str]]:
        lines = self._noted.read_text().splitlines() if self._noted.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def verbs(self) -> list[str]:
        return [each[0] for each in self.calls]


@pytest.fixture
def buildah(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> FakeBuildah:
    """Put a buildah on the path, and some code into this folder; nothing is installed."""
    monkeypatch.setattr(building, "install", lambda *arguments: arguments[1].mkdir())
    (tmp_path / ".dovetail").mkdir()
    (tmp_path / "steps.py").write_text("a = 1\n")
    return FakeBuildah(tmp_path_factory.mktemp("bin"), monkeypatch)


def test_a_dry_run_says_what_would_go_into_it(dovetail: Cli, buildah: FakeBuildah) -> None:
    found = dovetail("stack image build --dry-run --json").json
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert found["base"] == f"docker.io/library/python:{minor}-slim"
    assert found["code"]["files"] == 1
    assert found["tag"] == found["code"]["digest"].partition(":")[2][:12]
    assert "dovetail" in [each.partition("==")[0] for each in found["distributions"]]
    assert dovetail("stack image build --dry-run").out.startswith("stack:")
    assert buildah.calls == []


def test_buildah_is_told_of_base_recipe_labels_and_no_time(dovetail: Cli, buildah: FakeBuildah) -> None:
    done = dovetail("stack image build --base example/python:3 --tag v1 --json")
    assert done.code == 0, done.err
    pull, build, start, run, remove, push = buildah.calls
    assert pull == ["pull", "--quiet", "example/python:3"]
    assert build[build.index("--timestamp") + 1] == "0"
    assert "org.opencontainers.image.base.name=example/python:3" in build
    assert "dovetail.stack=default" in build
    assert "localhost/dovetail/default:v1" in build
    assert (start[0], start[-1]) == ("from", "b" * 64)
    assert run[2:6] == ["--", "python", "-B", "-P"]
    assert remove == ["rm", run[1]]
    assert push[-2:] == ["b" * 64, "oci:made:v1"]
    assert done.json["digest"] == IMAGE
    assert "base: example/python:3" in done.err


def test_a_base_of_this_machine_is_called_by_no_place_of_it(
    dovetail: Cli, buildah: FakeBuildah, tmp_path: Path
) -> None:
    assert dovetail(f"stack image build --base oci:{tmp_path}/Bases/it:1").code == 0
    assert buildah.calls[0] == ["pull", "--quiet", "oci:dovetail-base:1"]
    assert "org.opencontainers.image.base.name=" in buildah.calls[1]


@pytest.mark.parametrize("options", ["--base scratch", "--base example/x --no-check"])
def test_what_cannot_or_shall_not_be_tried_is_not(dovetail: Cli, buildah: FakeBuildah, options: str) -> None:
    assert dovetail(f"stack image build {options}").code == 0
    assert "run" not in buildah.verbs


def test_the_place_in_the_workspace_is_used_again_and_another_is_not(
    dovetail: Cli, buildah: FakeBuildah, tmp_path: Path
) -> None:
    for _ in range(2):
        assert dovetail("stack image build --base scratch").code == 0
    assert [each.name for each in (tmp_path / ".dovetail/images").iterdir()] == ["default"]
    (tmp_path / "mine").mkdir()
    done = dovetail("stack image build --base scratch --output mine")
    assert done.code == 6
    assert "is there already" in done.err
    assert buildah.verbs.count("build") == 2


@pytest.mark.parametrize(
    ("fails", "code", "said"),
    [
        ("pull", 8, ["the base image 'example/x' cannot be had: exit status 1", "--base REGISTRY/NAME:TAG"]),
        ("build", 8, ["buildah cannot build the image: exit status 1", "STORAGE_DRIVER=vfs"]),
        ("run", 4, ["no step can run in an image on base 'example/x': ImportError: no blake3", "--no-check"]),
        ("push", 8, ["buildah cannot write the image: exit status 1", "BUILDAH_ISOLATION=chroot"]),
    ],
)
def test_what_goes_wrong_is_one_error_and_leaves_nothing(
    dovetail: Cli,
    buildah: FakeBuildah,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fails: str,
    code: int,
    said: list[str],
) -> None:
    monkeypatch.setenv("FAKE_FAILS", fails)
    monkeypatch.setenv("FAKE_SAYS", "ImportError: no blake3")
    done = dovetail("stack image build --base example/x")
    assert done.code == code
    error, _, hint = done.err.partition("error: ")[2].partition("hint: ")
    assert (error.strip(), said[1] in hint) == (said[0], True)
    assert not list((tmp_path / ".dovetail").glob("images/*"))
    assert fails != "run" or buildah.verbs[-2:] == ["rm", "rmi"]


def test_a_place_that_cannot_be_written_is_said_before_anything_is_made(
    dovetail: Cli, buildah: FakeBuildah, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = dovetail("stack image build --base scratch --output file/below/it")
    assert done.code == 8
    assert "file/below/it': Not a directory" in done.err
    assert buildah.calls == []


def test_without_buildah_it_says_how_to_get_it(dovetail: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = dovetail("stack image build")
    assert done.code == 7
    assert "apt install buildah" in done.err
    with pytest.raises(IntegrationError):
        Buildah(print)


def test_code_that_is_too_large_is_refused_before_anything(
    dovetail: Cli, buildah: FakeBuildah, tmp_path: Path
) -> None:
    with (tmp_path / "model.bin").open("wb") as file:
        file.truncate(code_archive.CODE_LIMIT + 1)
    done = dovetail("stack image build")
    assert done.code == 3
    assert "the biggest: 'model.bin'" in done.err
    assert ".dovetailignore" in done.err
    assert buildah.calls == []


@pytest.mark.parametrize("tag", ["-x", "a/b", "x" * 129, "a b"])
def test_a_tag_that_cannot_be_one_is_refused(dovetail: Cli, buildah: FakeBuildah, tag: str) -> None:
    assert dovetail("stack image build", f"--tag={tag}").code == 2
    assert buildah.calls == []


@pytest.fixture
def shipped(dovetail: Cli, buildah: FakeBuildah, site: Site) -> Cli:
    """The command line with a stack `shipped`, whose registry is on a shelf, and its image."""
    assert buildah.calls == []
    site.wheel("dovetail-shelf", REGISTRY.replace("{image}", IMAGE))
    assert dovetail("container-registry register hub --flavor shelf").code == 0
    assert dovetail("stack register shipped -o local -a local -c hub").code == 0
    assert dovetail("stack image build shipped --base scratch --tag v1").code == 0
    return dovetail


def test_an_image_is_pushed_and_named_by_its_digest(shipped: Cli) -> None:
    assert shipped("stack image push shipped").out == f"reg.example:5000/dovetail/shipped@{IMAGE}\n"
    found = shipped("stack image push shipped --repository a/b --tag v2 --json").json
    assert found == {
        "stack": "shipped",
        "reference": f"reg.example:5000/a/b@{IMAGE}",
        "repository": "a/b",
        "tag": "v2",
        "digest": IMAGE,
    }
    assert shipped("stack image push shipped --json").json["tag"] == "v1"


def test_the_wheel_of_the_registry_is_in_the_image(shipped: Cli) -> None:
    found = shipped("stack image build shipped --dry-run --json").json
    assert "dovetail-shelf==1.0" in found["distributions"]


def test_a_registry_that_errs_is_named(shipped: Cli) -> None:
    done = shipped("stack image push shipped --tag odd")
    assert done.code == 8
    assert "container registry 'hub' cannot take the image: OSError: the line is cut" in done.err


def test_a_registry_that_has_something_else_is_distrusted(shipped: Cli) -> None:
    assert shipped("container-registry update hub --digest sha256:2").code == 0
    done = shipped("stack image push shipped")
    assert done.code == 8
    assert f"calls the image sha256:2, and it is {IMAGE}" in done.err


def test_a_stack_without_a_registry_says_how_it_gets_one(dovetail: Cli, buildah: FakeBuildah) -> None:
    assert buildah.calls == []
    assert dovetail("stack image build --base scratch").code == 0
    done = dovetail("stack image push")
    assert done.code == 5
    assert "stack 'default' has no container registry" in done.err
    assert "`dovetail stack update default --container-registry NAME`" in done.err


def test_what_is_no_image_is_not_pushed(shipped: Cli, tmp_path: Path) -> None:
    done = shipped("stack image push shipped --layout nowhere")
    assert done.code == 5
    assert "`dovetail stack image build` makes one" in done.err
    (tmp_path / ".dovetail/images/shipped/index.json").write_text('{"manifests": []}')
    assert "is no OCI layout of one image" in shipped("stack image push shipped").err


@pytest.mark.parametrize(
    ("stack", "repository"),
    [("dev", "dovetail/dev"), ("My_Stack..2", "dovetail/my-stack-2"), ("_", "dovetail/stack")],
)
def test_a_stack_has_a_repository_that_registries_take(stack: str, repository: str) -> None:
    assert building.repository_of(stack) == repository
