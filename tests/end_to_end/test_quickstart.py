"""`dovetail quickstart` with the real wheels: what it says, what ran, what it leaves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dovetail.testing.command_line import Answer, CommandLine


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line where all quickstarts of this module run."""
    return CommandLine(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def said(cli: CommandLine) -> Answer:
    """What the first quickstart printed."""
    return cli("quickstart", timeout=300)


@pytest.fixture
def root(cli: CommandLine, said: Answer) -> Path:
    """Where it made the repository."""
    assert said.code == 0, said.out + said.err
    return cli.directory / "dovetail-quickstart"


def inside(cli: CommandLine, root: Path) -> CommandLine:
    return CommandLine(root, cli.home)


def test_the_second_run_is_cached_and_the_third_runs_what_depends_on_the_change(
    cli: CommandLine, root: Path
) -> None:
    runs = sorted(inside(cli, root)("run", "list", "--json").json(), key=lambda run: run["started"])[:3]
    steps = [inside(cli, root)("run", "show", each["id"], "--json").json()["steps"] for each in runs]
    states = [{step["name"]: step["status"] for step in each} for each in steps]
    assert set(states[0].values()) == {"completed"}
    assert set(states[1].values()) == {"cached"}
    anew = {name for name, status in states[2].items() if status == "completed"}
    assert anew == {"train_network", "evaluate"}


def test_it_says_so(said: Answer) -> None:
    assert "ran again: train_network, evaluate" in said.out
    assert "taken from the cache: load, split, normalize, train_forest" in said.out
    assert re.search(r"^STEP +STATUS +DURATION", said.out, re.MULTILINE)


def test_the_page_of_the_run_is_there(root: Path) -> None:
    page = (root / "run.html").read_text()
    assert page.count('<g class="node completed"') == 6
    assert "out-of-bag accuracy" in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_tracker_of_the_wheel_has_the_curves(root: Path) -> None:
    folders = sorted((root / ".dovetail" / "store" / "tensorboard").glob("*/train_network"))
    lengths = []
    for folder in folders:
        events = EventAccumulator(str(folder))
        events.Reload()
        lengths.append(len(events.Scalars("loss")))
    assert sorted(lengths) == [25, 40]


def test_the_repository_works_on_by_hand(cli: CommandLine, root: Path) -> None:
    done = inside(cli, root).python("run.py")
    assert done.code == 0, done.err
    assert "of unseen digits are recognized" in done.out


def test_the_models_load_again(cli: CommandLine, root: Path) -> None:
    program = "from dovetail import Client; print(Client().run().step('train_forest').output.load())"
    done = inside(cli, root).python("-c", program)
    assert done.out.startswith("RandomForestClassifier("), done.err


def test_a_second_quickstart_keeps_the_stack_of_the_first(cli: CommandLine, root: Path) -> None:
    again = cli("quickstart", "other", timeout=300)
    assert again.code == 0, again.err
    assert "stack register" not in again.out
    assert "ran again: train_network, evaluate" in again.out


def test_a_second_quickstart_in_the_same_place_is_refused(cli: CommandLine, root: Path) -> None:
    refused = cli("quickstart")
    assert refused.code == 6
    assert "is not empty" in refused.err
