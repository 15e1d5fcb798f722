"""An image of a stack, built by buildah, run by it, and pushed to a real registry."""

from __future__ import annotations

import ast
import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import blake3
import pydantic_core
import pytest

from dovetail.testing.command_line import Answer, CommandLine
from dovetail.testing.site import Site, on_the_path

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
LEFT_OUT = shutil.ignore_patterns(
    "site-packages", "dist-packages", "test", "idlelib", "ensurepip", "lib2to3", "__pycache__", "config-*"
)
CANARY = "canary-7Zq3vT"
SECRET = {"DOVETAIL_CONTAINER_REGISTRY_HUB_PASSWORD": CANARY}
BOXED = """
import os
from dovetail.plugin import Flavor, hookimpl, ProcessStepOperator

class Boxed(ProcessStepOperator):
    def prepared(self, submission):
        place = os.environ["BOXED_STORE"]
        words = ["run", "--volume", f"{place}:{place}", os.environ["BOXED_CONTAINER"], "--"]
        return ["buildah", *words, *os.environ["BOXED_ENTRYPOINT"].split(), *submission.command[4:]]

@hookimpl
def dovetail_step_operators():
    yield Flavor("boxed", contract=1, config="dovetail.plugin:ProcessOperatorConfig",
                 implementation="dovetail_boxed:Boxed")
"""
RUN = """
import os, sys
from pathlib import Path
from dovetail import pipeline, step
from helper import doubled

@step(step_operator=True)
def work(count: int = 3) -> dict[str, str]:
    return {"value": str(doubled(count)), "python": sys.executable, "code": os.environ["DOVETAIL_CODE"]}

@pipeline
def boxed():
    work()

if __name__ == "__main__":
    boxed().run()
"""


class Images:
    """buildah with a storage of its own, as a test and the command line both meet it."""

    def __init__(self, program: str, place: Path, built: Path) -> None:
        self._program = program
        self.built = built
        text = f'[storage]\ndriver = "vfs"\ngraphroot = "{place}/kept"\nrunroot = "{place}/run"\n'
        (place / "storage.conf").write_text(text)
        self.environment = {
            "CONTAINERS_STORAGE_CONF": str(place / "storage.conf"),
            "BUILDAH_ISOLATION": "chroot",
        }

    def __call__(self, *arguments: str, at: Path | None = None) -> str:
        """Run buildah."""
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            [self._program, *arguments], cwd=at, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def build(self, cli: CommandLine, *arguments: str, **variables: str) -> Answer:
        """Call `dovetail stack image build` with the wheels of this repository, built once."""
        words = ("stack", "image", "build", "--find-links", str(self.built), *arguments)
        return cli(*words, env={**self.environment, **variables}, timeout=300)


@pytest.fixture(scope="session")
def images(program: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Images:
    """buildah, and the wheel of the core."""
    found = program("buildah", "apt-get install buildah")
    place = tmp_path_factory.mktemp("images")
    (place / "built").mkdir()
    into, core = str(place / "built"), str(ROOT / "core")
    if uv := shutil.which("uv"):
        command = [uv, "build", "--quiet", "--wheel", "-o", into, core]
    else:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", into, core]
    subprocess.run(command, check=True)
    return Images(found, place, place / "built")


def libraries(*files: Path) -> set[Path]:
    """Return the shared libraries that the files are linked with."""
    said = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, check=False).stdout
    return {Path(each) for each in re.findall(r"(?:=> |^\s+)(/\S+) \(", said, flags=re.MULTILINE)}


@pytest.fixture(scope="session")
def base(images: Images, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base image with the Python of these tests, and nothing else."""
    place = tmp_path_factory.mktemp("base")
    root = place / "root"
    python = Path(sys.base_prefix).resolve() / "bin" / f"python{MINOR}"
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix})).resolve()
    below = root / library.relative_to("/")
    shutil.copytree(library, below, ignore=LEFT_OUT, symlinks=True)
    wheels = [Path(each.__file__ or "").parent for each in (blake3, pydantic_core)]
    linked = [file for folder in (library / "lib-dynload", *wheels) for file in folder.glob("*.so")]
    for each in {python, *libraries(python, *linked)}:
        target = root / each.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(each, target)
    (root / "usr/bin").mkdir(parents=True, exist_ok=True)
    (root / "usr/bin/python").symlink_to(python)
    (root / "tmp").mkdir(mode=0o777)
    (place / "Containerfile").write_text("FROM scratch\nCOPY root /\n")
    images("build", "--quiet", "--tag", f"oci:{place}/layout:base", "--file", "Containerfile", ".", at=place)
    return f"oci:{place}/layout:base"


def write_project(cli: CommandLine) -> None:
    """Make a workspace with some code in it."""
    assert cli("init", "--bare").code == 0
    cli.write("run.py", RUN)
    cli.write("helper.py", "def doubled(value):\n    return 2 * value\n")


@pytest.fixture
def project(cli: CommandLine) -> CommandLine:
    """A workspace with some code in it."""
    write_project(cli)
    return cli


@pytest.fixture(scope="session")
def registry(program: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry."""
    binary = program("docker-registry", "apt-get install docker-registry")
    place = tmp_path_factory.mktemp("registry")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    text = f"version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {place}/data}}}}\n"
    (place / "conf.yml").write_text(f'{text}http: {{addr: "127.0.0.1:{port}"}}\n')
    with (place / "log").open("wb") as log:
        command = [binary, "serve", str(place / "conf.yml")]
        process = subprocess.Popen(command, stdout=log, stderr=log, env={"OTEL_TRACES_EXPORTER": "none"})
    try:
        for _ in range(200):
            assert process.poll() is None, (place / "log").read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


class Layout:
    """What a layout says of its image."""

    def __init__(self, place: Path) -> None:
        self._blobs = place / "blobs" / "sha256"
        (found,) = json.loads((place / "index.json").read_text())["manifests"]
        self.digest = found["digest"]
        self.manifest = self.json(self.digest)
        self.config = self.json(self.manifest["config"]["digest"])

    def json(self, digest: str) -> Any:
        return json.loads((self._blobs / digest.partition(":")[2]).read_bytes())

    def layers(self) -> Iterator[bytes]:
        """Yield the layers, unpacked."""
        for each in self.manifest["layers"]:
            yield gzip.decompress((self._blobs / each["digest"].partition(":")[2]).read_bytes())

    def unpack(self, into: Path) -> Path:
        """Lay all files of the image into a directory."""
        for each in self.manifest["layers"]:
            with tarfile.open(self._blobs / each["digest"].partition(":")[2]) as archive:
                archive.extractall(into, filter="data")
        return into


@dataclass(frozen=True)
class Shipped:
    """A project in a git repository, whose stack `Shipped` has a registry, and its image."""

    cli: CommandLine
    built: Any
    layout: Layout
    revision: str


@pytest.fixture(scope="session")
def shipped(images: Images, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """The image of a stack with a secret, on no base."""
    place = tmp_path_factory.mktemp("shipped")
    (place / "project").mkdir()
    cli = CommandLine(place / "project", place / "home")
    write_project(cli)
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *who, *words], cwd=cli.directory, check=True)
    said = subprocess.run(["git", "rev-parse", "HEAD"], cwd=cli.directory, capture_output=True, check=True)
    register = ("container-registry", "register", "hub", "--flavor", "oci", "--address", f"{registry}/acme")
    assert cli(*register, "--username", "ada").code == 0
    assert cli("stack", "register", "Shipped", "-o", "local", "-a", "local", "-c", "hub").code == 0
    options = ("--base", "scratch", "--tag", "v1", "--requirement", "dovetail[secrets]", "--json")
    done = images.build(cli, "Shipped", *options, **SECRET)
    assert done.code == 0, done.err
    layout = Layout(Path(done.json()["layout"]))
    return Shipped(cli, done.json(), layout, said.stdout.decode().strip())


def test_built_twice_from_two_clones_it_is_the_same_and_new_code_changes_one_layer(
    images: Images, project: CommandLine, tmp_path: Path
) -> None:
    first = images.build(project, "--base", "scratch", "--json")
    assert first.code == 0, first.err
    before = Layout(Path(first.json()["layout"]))
    shutil.copytree(project.directory, clone := tmp_path / "clone")
    shutil.rmtree(clone / ".dovetail" / "images")
    images("rmi", "--all", "--force")
    elsewhere = CommandLine(clone, tmp_path / "home")
    umask = os.umask(0o077)
    try:
        second = images.build(elsewhere, "--base", "scratch", "--json", "--output", str(tmp_path / "out"))
    finally:
        os.umask(umask)
    assert second.code == 0, second.err
    assert "Using cache" not in second.err
    assert Layout(tmp_path / "out").digest == second.json()["digest"] == before.digest
    project.write("helper.py", "def doubled(value):\n    return value + value\n")
    third = images.build(project, "--base", "scratch", "--json")
    after = Layout(Path(third.json()["layout"]))
    assert [len(each.manifest["layers"]) for each in (before, after)] == [2, 2]
    assert before.manifest["layers"][0] == after.manifest["layers"][0]
    assert before.manifest["layers"][1] != after.manifest["layers"][1]


def test_nothing_of_this_machine_and_no_secret_is_in_it(shipped: Shipped) -> None:
    layout = shipped.layout
    everything = b"".join([*layout.layers(), json.dumps([layout.manifest, layout.config]).encode()])
    there = b"dovetail/execution/entrypoint.py" in everything
    assert there
    home = shipped.cli.directory.parent
    address = shipped.cli("container-registry", "show", "hub", "--json").json()["config"]["address"]
    places = (CANARY, str(ROOT), str(home), sys.prefix, address)
    assert [each for each in places if each.encode() in everything] == []


def test_it_has_the_wheels_of_the_stack_and_what_was_asked_for(shipped: Shipped, tmp_path: Path) -> None:
    lock = (shipped.layout.unpack(tmp_path) / "opt/dovetail/requirements.txt").read_text().split()
    assert {each.partition("==")[0] for each in lock} >= {
        "dovetail",
        "dovetail-oci",
        "requests",
        "cryptography",
    }
    assert lock == shipped.built["distributions"]
    command = [sys.executable, "-S", "-c", "import dovetail_oci.container_registry as it; print(it.__file__)"]
    packages = tmp_path / "opt/dovetail/packages"
    said = subprocess.run(
        command, env={"PYTHONPATH": str(packages)}, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == str(packages / "dovetail_oci/container_registry.py")


def test_labels_say_what_it_is(shipped: Shipped) -> None:
    config = shipped.layout.config["config"]
    assert (
        config["Labels"]
        == shipped.built["labels"]
        == {
            "dovetail.code": shipped.built["code"]["digest"],
            "dovetail.stack": "Shipped",
            "dovetail.version": version("dovetail"),
            "org.opencontainers.image.title": "stack Shipped",
            "org.opencontainers.image.description": "The code of a project, and what its steps need to run.",
            "org.opencontainers.image.revision": shipped.revision,
        }
    )
    assert config["Entrypoint"] == ["python", "-P", "-m", "dovetail.execution.entrypoint"]


def test_it_is_pushed_to_the_registry_of_the_stack(
    shipped: Shipped, registry: str, program: Callable[[str, str], str]
) -> None:
    skopeo = program("skopeo", "apt-get install skopeo")
    digest = shipped.built["digest"]
    pushed = shipped.cli("stack", "image", "push", "Shipped", env=SECRET)
    assert pushed.out.strip() == f"{registry}/acme/dovetail/shipped@{digest}", pushed.err
    options = ("--repository", "other/name", "--tag", "v2", "--json")
    again = shipped.cli("stack", "image", "push", "Shipped", *options, env=SECRET)
    assert again.json()["reference"] == f"{registry}/acme/other/name@{digest}", again.err
    for named in (f"dovetail/shipped@{digest}", "dovetail/shipped:v1", "other/name:v2"):
        command = [skopeo, "inspect", "--tls-verify=false", f"docker://{registry}/acme/{named}"]
        seen = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        assert seen["Digest"] == digest
        assert seen["Labels"]["dovetail.code"] == shipped.built["code"]["digest"]


def test_a_registry_that_does_not_answer_is_said(shipped: Shipped) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{free.getsockname()[1]}"
        address = {"DOVETAIL_CONTAINER_REGISTRY_HUB_ADDRESS": nobody}
        done = shipped.cli("stack", "image", "push", "Shipped", env={**SECRET, **address})
    assert done.code == 8
    assert nobody in done.err
    assert "hint: " in done.err


def test_a_step_runs_in_it_with_the_code_that_is_there(
    images: Images, project: CommandLine, base: str, site: Site
) -> None:
    built = images.build(project, "--base", base, "--json")
    assert built.code == 0, built.err
    site.wheel("dovetail-boxed", BOXED)
    assert project("step-operator", "register", "box", "--flavor", "boxed").code == 0
    assert project("stack", "register", "boxed", "-o", "local", "-a", "local", "-s", "box").code == 0
    container = images("from", "--pull=never", f"localhost/dovetail/default:{built.json()['tag']}")
    store = project.directory / ".dovetail/store"
    store.mkdir(exist_ok=True)
    config = Layout(Path(built.json()["layout"])).config["config"]
    environment = {
        **images.environment,
        "BOXED_CONTAINER": container,
        "BOXED_STORE": str(store),
        "BOXED_ENTRYPOINT": " ".join(config["Entrypoint"]),
    }
    run = project("run", "run.py", "--stack", "boxed", "--json", env=environment)
    assert run.code == 0, run.err
    loaded = project.python(
        "-c", "from dovetail import Client; print(Client().run().outputs['work.output'].load())"
    )
    assert ast.literal_eval(loaded.out) == {
        "value": "6",
        "python": "/usr/bin/python",
        "code": "/opt/dovetail",
    }, loaded.err


def test_a_base_in_which_no_step_can_run_is_refused(
    images: Images, project: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /etc/\n")
    images(
        "build", "--quiet", "--tag", f"oci:{tmp_path}/EMPTY:1", "--file", "Containerfile", ".", at=tmp_path
    )
    done = images.build(project, "--base", f"oci:{tmp_path}/EMPTY:1")
    assert done.code == 4
    assert "error: no step can run in an image on base 'oci:" in done.err
    assert "--no-check takes any base" in done.err
    assert list((project.directory / ".dovetail/images").iterdir()) == []


def test_a_base_that_is_nowhere_is_said(images: Images, project: CommandLine, tmp_path: Path) -> None:
    done = images.build(project, "--base", f"oci:{tmp_path}/nowhere:1")
    assert done.code == 8
    assert f"the base image 'oci:{tmp_path}/nowhere:1' cannot be had: " in done.err
    assert "--base REGISTRY/NAME:TAG" in done.err


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A folder for throw-away wheels."""
    with on_the_path(tmp_path_factory.mktemp("site"), monkeypatch) as made:
        yield made
