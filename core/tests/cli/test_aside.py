from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LOUD = """
import os, sys
print("loud text")
os.write(1, b"loud bytes\\n")
os.system("echo loud child")
"""
STORE = """
from dovetail.plugin import ComponentConfig

class Config(ComponentConfig):
    depth: int = 1
"""
METADATA = """
from dovetail.plugin import Flavor, hookimpl

@hookimpl
def dovetail_metadata_stores():
    yield Flavor("loud", contract=1, config="{module}_store:Config", implementation="{module}_store:Store")
"""
SQLITE = """
from dovetail.builtin.sqlite import SqliteMetadataStore as Store, SqliteMetadataStoreConfig as Config
"""
KINDS = ("text", "bytes", "child")


@pytest.fixture
def loud(site: Any, indexed: Path) -> None:
    """Two wheels whose settings and implementations print when they are imported."""
    site.wheel("dovetail-shelf", files={"dovetail_shelf_store.py": LOUD + STORE})
    site.wheel("dovetail-loud", METADATA, files={"dovetail_loud_store.py": LOUD + SQLITE})


def dovetail(line: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dovetail", *line.split()]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    assert "loud" not in done.stdout.replace("dovetail-loud/loud", "")
    return [kind for kind in KINDS if f"loud {kind}" in done.stderr]


@pytest.mark.usefixtures("loud")
def test_what_a_flavor_prints_when_it_is_imported_does_not_disturb_a_document() -> None:
    done = dovetail("artifact-store flavors dovetail-shelf/shelf --json")
    assert said(done) == [*KINDS]
    assert json.loads(done.stdout)["settings"][0]["name"] == "depth"


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("line", ["run list --json", "pipeline list --json", "artifact list --json"])
def test_what_a_store_prints_does_not_disturb_a_list(line: str) -> None:
    dovetail("metadata-store register m --flavor loud")
    dovetail("stack register s -o local -a local --metadata-store m --set")
    done = dovetail(line)
    assert said(done) == [*KINDS]
    assert json.loads(done.stdout) == []


ONE = """
from dovetail import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def single():
    one()
"""


@pytest.mark.usefixtures("loud")
def test_what_a_store_prints_does_not_disturb_a_run(tmp_path: Path) -> None:
    dovetail("metadata-store register m --flavor loud")
    dovetail("stack register s -o local -a local --metadata-store m --set")
    (tmp_path / "run.py").write_text(ONE)
    for line in ("run run.py --json", "run explain last one --json", "run show last --json"):
        done = dovetail(line)
        assert said(done) == [*KINDS]
        assert isinstance(json.loads(done.stdout), dict | list)


@pytest.mark.usefixtures("loud")
def test_commands_that_register_say_only_what_they_did() -> None:
    done = dovetail("artifact-store register a --flavor shelf --depth 3")
    assert said(done) == [*KINDS]
    assert done.stdout == "registered artifact store 'a' of flavor dovetail-shelf/shelf\n"
    assert said(dovetail("artifact-store update a --depth 4")) == [*KINDS]
    assert said(dovetail("stack register s -o local -a a")) == []
    assert said(dovetail("stack export s s.yaml")) == []
    assert said(dovetail("profile create other")) == []
    assert said(dovetail("profile set other")) == []
    assert said(dovetail("stack import s.yaml")) == [*KINDS]


@pytest.mark.skipif(os.name == "nt", reason="a shell closes the outputs")
@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.usefixtures("indexed")
def test_a_closed_output_needs_no_keeping_clean(closing: str) -> None:
    line = f'"{sys.executable}" -m dovetail stack list --json {closing}'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
