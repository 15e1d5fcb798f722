from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from dovetail.plugin import TrackedStep
from dovetail_tensorboard.settings import TensorBoardTrackerConfig
from dovetail_tensorboard.tracker import TensorBoardTracker

FORK = multiprocessing.get_context("fork")
RUN = "01jd3k5vq8a7zx2n4m6p8r0stv"


def step(name: str = "train", attempt: str = "a1", run: str = RUN, **parameters: object) -> TrackedStep:
    return TrackedStep(run, "digits-7", "digits", name, attempt, parameters)


@pytest.fixture
def new_tracker(tmp_path: Path) -> Callable[..., TensorBoardTracker]:
    def _new(**settings: object) -> TensorBoardTracker:
        return TensorBoardTracker("board", TensorBoardTrackerConfig(**settings), home=tmp_path)

    return _new


def read(folder: Path) -> EventAccumulator:
    """Read a folder as TensorBoard does."""
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    return [(event.step, round(event.value, 5)) for event in read(folder).Scalars(name)]


def hparams(folder: Path, tag: str) -> HParamsPluginData:
    content = read(folder).SummaryMetadata(f"_hparams_/{tag}").plugin_data.content
    return HParamsPluginData.FromString(content)


def test_metrics_are_read_back_by_tensorboard(new_tracker: Callable[..., TensorBoardTracker]) -> None:
    tracker = new_tracker()
    tracker.step_started(step())
    for epoch in range(100):
        tracker.log_metric("loss", 1 / (epoch + 1), epoch)
    tracker.log_metric("accuracy", 0.9, None)
    tracker.log_metric("accuracy", 0.95, None)
    tracker.step_finished("completed")
    folder = tracker.directory / "digits-7-6p8r0stv" / "train"
    assert scalars(folder, "loss") == [(epoch, round(1 / (epoch + 1), 5)) for epoch in range(100)]
    assert scalars(folder, "accuracy") == [(0, 0.9), (1, 0.95)]


def test_parameters_are_hyperparameters_and_text(new_tracker: Callable[..., TensorBoardTracker]) -> None:
    tracker = new_tracker()
    parameters = {
        "rate": 0.5,
        "deep": True,
        "kind": "tree",
        "config": {"epochs": 3, "sizes": [1, 2]},
        "none": None,
    }
    tracker.step_started(step(**parameters))
    tracker.step_finished("completed")
    folder = next(tracker.directory.glob("*/train"))
    found = hparams(folder, "session_start_info").session_start_info.hparams
    assert {name: value.WhichOneof("kind") for name, value in found.items()} == {
        "rate": "number_value",
        "deep": "bool_value",
        "kind": "string_value",
        "config.epochs": "number_value",
        "config.sizes": "string_value",
        "none": "string_value",
    }
    (text,) = read(folder).Tensors("parameters/text_summary")
    assert b'"epochs": 3' in text.tensor_proto.string_val[0]


@pytest.mark.parametrize(("status", "expected"), [("completed", 1), ("failed", 2), ("cancelled", 2)])
def test_how_a_step_ended_is_told(
    new_tracker: Callable[..., TensorBoardTracker], status: str, expected: int
) -> None:
    tracker = new_tracker()
    tracker.step_started(step(rate=1))
    tracker.step_finished(status)
    folder = next(tracker.directory.glob("*/train"))
    assert hparams(folder, "session_end_info").session_end_info.status == expected


def work(tracker: TensorBoardTracker, name: str) -> None:
    tracker.step_started(step(name))
    for number in range(200):
        tracker.log_metric("value", number, number)
    tracker.step_finished("completed")


def test_steps_of_one_run_log_at_the_same_time(new_tracker: Callable[..., TensorBoardTracker]) -> None:
    tracker = new_tracker()
    names = [f"step_{number}" for number in range(6)]
    children = [FORK.Process(target=work, args=(tracker, name)) for name in names]
    for child in children:
        child.start()
    for child in children:
        child.join()
    (run,) = tracker.directory.iterdir()
    assert sorted(folder.name for folder in run.iterdir()) == names
    assert all(len(scalars(run / name, "value")) == 200 for name in names)


def killed(tracker: TensorBoardTracker) -> None:
    tracker.step_started(step(rate=1))
    for number in range(50):
        tracker.log_metric("value", number, number)
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_step_logged_is_readable(new_tracker: Callable[..., TensorBoardTracker]) -> None:
    tracker = new_tracker()
    child = FORK.Process(target=killed, args=(tracker,))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert len(scalars(next(tracker.directory.glob("*/train")), "value")) == 50


def test_a_record_cut_short_hides_nothing_before_it(new_tracker: Callable[..., TensorBoardTracker]) -> None:
    tracker = new_tracker()
    work(tracker, "train")
    (file,) = tracker.directory.glob("*/train/*")
    file.write_bytes(file.read_bytes()[:-30])
    assert len(scalars(file.parent, "value")) == 200


def test_a_retry_hides_what_the_first_attempt_logged(new_tracker: Callable[..., TensorBoardTracker]) -> None:
    tracker = new_tracker()
    for attempt, values in (("a1", [9.0, 8.0, 7.0]), ("a2", [1.0, 2.0])):
        tracker.step_started(step(attempt=attempt))
        for number, value in enumerate(values):
            tracker.log_metric("value", value, number)
        tracker.step_finished("failed")
    assert scalars(next(tracker.directory.glob("*/train")), "value") == [(0, 1.0), (1, 2.0)]


def test_a_retry_that_logs_nothing_hides_the_first_attempt_as_well(
    new_tracker: Callable[..., TensorBoardTracker],
) -> None:
    tracker = new_tracker()
    work(tracker, "train")
    tracker.step_started(step(attempt="a2"))
    tracker.step_finished("failed")
    assert scalars(next(tracker.directory.glob("*/train")), "value") == []


def test_a_step_that_has_nothing_to_show_is_not_listed(
    new_tracker: Callable[..., TensorBoardTracker],
) -> None:
    tracker = new_tracker()
    tracker.step_started(step())
    tracker.step_finished("completed")
    assert tracker.link(RUN) is not None
    assert list(tracker.directory.rglob("*tfevents*")) == []


def test_runs_of_one_name_have_folders_of_their_own(new_tracker: Callable[..., TensorBoardTracker]) -> None:
    tracker = new_tracker()
    for run in (RUN, f"{RUN[:-1]}0"):
        tracker.step_started(step(run=run))
        tracker.step_finished("completed")
    assert len(list(tracker.directory.iterdir())) == 2


def test_a_name_leads_to_no_other_directory(
    new_tracker: Callable[..., TensorBoardTracker], tmp_path: Path
) -> None:
    tracker = new_tracker()
    tracker.step_started(TrackedStep("../../x", "../../run", "p", "../..", "../a", {"rate": 1}))
    tracker.step_finished("completed")
    assert list(tracker.directory.rglob("*tfevents*"))
    assert all(file.is_relative_to(tracker.directory) for file in tmp_path.rglob("*tfevents*"))


def test_the_directory_can_be_chosen(new_tracker: Callable[..., TensorBoardTracker], tmp_path: Path) -> None:
    tracker = new_tracker(log_directory=tmp_path / "mine")
    tracker.step_started(step(rate=1))
    tracker.close()
    assert list((tmp_path / "mine").glob("*/train/events.out.tfevents.*"))


def test_a_relative_directory_stays_where_it_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = TensorBoardTrackerConfig(log_directory=Path("events")).log_directory
    assert kept == tmp_path / "events"


def test_a_link_is_the_folder_or_the_page(new_tracker: Callable[..., TensorBoardTracker]) -> None:
    tracker = new_tracker()
    assert tracker.link(RUN) is None
    work(tracker, "train")
    assert tracker.link(RUN) == str(tracker.directory / "digits-7-6p8r0stv")
    served = new_tracker(url="http://127.0.0.1:6006")
    assert served.link(RUN) == "http://127.0.0.1:6006/?runFilter=digits%5C-7%5C-6p8r0stv#timeseries"


def test_metrics_before_a_step_are_left_out(new_tracker: Callable[..., TensorBoardTracker]) -> None:
    tracker = new_tracker()
    tracker.log_metric("value", 1.0, None)
    tracker.step_finished("completed")
    assert not tracker.directory.exists()


@pytest.mark.parametrize("settings", [{"log_dir": "x"}, {"log_directory": 3}, {"url": "no address"}])
def test_wrong_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TensorBoardTrackerConfig(**settings)
