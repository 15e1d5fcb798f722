from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.plugin import ArtifactStore, Reach
from dovetail.testing.artifact_store import ArtifactStoreContract
from dovetail.testing.command_line import CommandLine
from dovetail_example_share.settings import ShareConfig
from dovetail_example_share.share import Share


def made(path: Path) -> Share:
    return Share("shared", ShareConfig(path=str(path)), home=path / "unused")


# That two writers at one moment are told apart is luck on such a share, and not declared.
@pytest.mark.filterwarnings("ignore::dovetail.testing.capability.UndeclaredCapabilityWarning")
class TestShare(ArtifactStoreContract):
    """All numbered behaviours of artifact stores."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return made(tmp_path / "mounted")

    @pytest.fixture
    def broken(self, tmp_path: Path) -> ArtifactStore:
        (tmp_path / "file").write_text("not a directory")
        return made(tmp_path / "file")


def test_steps_on_other_machines_may_use_it(tmp_path: Path) -> None:
    assert made(tmp_path).reach is Reach.NETWORK


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(ValueError, match="absolute path"):
        ShareConfig(path="artifacts")


RUN = """
from dovetail import pipeline, step

@step
def greet() -> str:
    return "hello"

@pipeline
def greeting():
    greet()

greeting.run()
"""


def test_a_pipeline_runs_on_a_stack_with_it(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    dovetail = CommandLine(project, tmp_path / "home")
    dovetail.write("run.py", RUN)
    where = str(tmp_path / "mounted")
    assert dovetail("artifact-store", "register", "shared", "--flavor", "share", "--path", where).code == 0
    assert dovetail("stack", "register", "team", "-o", "local", "-a", "shared", "-m", "sqlite").code == 0
    assert dovetail("run", "run.py", "--stack", "team").code == 0
    assert [each.read_text() for each in Path(where).rglob("value.txt")] == ["hello"]
