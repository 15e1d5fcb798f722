"""Frames are heard, never kept, and what comes behind them is masked, however the output is cut."""

from __future__ import annotations

import os
import select
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dovetail import redaction
from dovetail.execution.processes.frames import ConfidentialOutput, announce, frames
from dovetail.execution.processes.log_file import LogFile

VALUE = "canary-in-a-frame " * 200


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_values", "_forms", "_starts", "_expression", "_listeners"):
        monkeypatch.setattr(redaction, name, type(getattr(redaction, name))())


def test_a_frame_is_left_out_and_what_it_says_is_masked_behind_it() -> None:
    written = [b"before\n", *frames("a1", VALUE), b"is " + VALUE.encode() + b"\n"]
    assert len(written) == 5
    assert all(len(each) <= 4096 for each in written[1:-1])
    output = ConfidentialOutput("a1")
    assert b"".join(map(output.feed, written)) + output.flush() == b"before\nis ********\n"


@pytest.mark.parametrize("size", [1, 2, 7, 100, 4095])
def test_frames_may_arrive_in_pieces(size: int) -> None:
    data = b"before\n" + b"".join(frames("a1", VALUE)) + VALUE.encode() + b"\n"
    output = ConfidentialOutput("a1")
    pieces = [output.feed(data[at : at + size]) for at in range(0, len(data), size)]
    assert b"".join(pieces) + output.flush() == b"before\n********\n"


@pytest.mark.parametrize(
    "written",
    [b"\0", b"a\0b", b"\0dovetail-confidential ", b"\0dovetail-confidential b2 00.\n", b"\0\0\0dove\n"],
)
def test_what_is_no_frame_of_this_attempt_stays(written: bytes) -> None:
    output = ConfidentialOutput("a1")
    assert output.feed(written) + output.feed(b"more") + output.flush() == written + b"more"
    assert not redaction.active()


@pytest.mark.parametrize("wrong", [b"zz.", b"ff+", b"ff.", b"", b"00" * 3000])
def test_what_only_looks_like_a_frame_spoils_none_that_follows(wrong: bytes) -> None:
    output = ConfidentialOutput("a1")
    written = [b"\0dovetail-confidential a1 " + wrong + b"\n", b"\0dovetail-confidential a1 zz.\n"]
    written += [*frames("a1", "hunter2-hunter2"), b"is hunter2-hunter2\n"]
    shown = b"".join(map(output.feed, written)) + output.flush()
    assert shown.endswith(b"is ********\n")
    assert b"\0" not in shown


def test_binary_output_and_endless_lines_pass_unharmed() -> None:
    output = ConfidentialOutput("a1")
    redaction.register("hunter2-hunter2")
    noise = bytes(range(256)) * 64 + b"\0" * 5000 + b"x" * 300_000
    pieces = [output.feed(noise[at : at + 4093]) for at in range(0, len(noise), 4093)]
    assert b"".join(pieces) + output.flush() == noise


def test_frames_of_values_that_threads_register_at_once_do_not_mix() -> None:
    reading, writing = os.pipe()
    end = announce("a1", writing)
    values = [f"{number:05}" * 700 for number in range(10, 26)]
    written = b""
    with ThreadPoolExecutor(len(values)) as threads:
        os.set_blocking(writing, False)
        told = [threads.submit(redaction.register, each) for each in values]
        while not all(each.done() for each in told) or select.select([reading], [], [], 0)[0]:
            if select.select([reading], [], [], 0.05)[0]:
                written += os.read(reading, 4096)
    end()
    for each in (reading, writing):
        os.close(each)
    assert len(written) == sum(len(frame) for each in values for frame in frames("a1", each))
    assert all(b"".join(frames("a1", each)) in written for each in values)


def test_a_log_without_frames_is_written_as_it_comes(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "a1.log"), 1 << 20)
    assert log.write(b"plain") == b"plain"
    assert log._confidential is None
    log.close()
    assert (tmp_path / "a1.log").read_bytes() == b"plain"


def test_log_and_last_words_hold_neither_frames_nor_secrets(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "a1.log"), 1 << 20)
    for each in (*frames("a1", "hunter2-hunter2"), b"it is hunter2", b"-hunter2", b" or hunter2"):
        log.write(each)
    log.close()
    assert (tmp_path / "a1.log").read_bytes() == b"it is ******** or hunter2"
    assert log.last_words == "it is ******** or hunter2"


def test_a_frame_does_not_follow_the_output_to_where_the_step_redirects_it() -> None:
    reading, writing = os.pipe()
    end = announce("a1", writing)
    elsewhere_reading, elsewhere = os.pipe()
    os.dup2(elsewhere, writing)
    os.close(elsewhere)
    redaction.register("hunter2-hunter2")
    end()
    os.close(writing)
    assert os.read(elsewhere_reading, 100) == b""
    assert os.read(reading, 4096) == b"".join(frames("a1", "hunter2-hunter2"))
    for each in (reading, elsewhere_reading):
        os.close(each)


@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_what_is_written_again_from_its_start_is_kept_once(tmp_path: Path, size: int) -> None:
    data = b"before\n" + b"".join(frames("a1", VALUE)) + VALUE.encode() + b"\nmore\n"
    place = tmp_path / "a1.log"
    place.write_bytes(there := b"before\n********\n")
    log = LogFile(str(place), 100, len(there))
    new = b"".join(log.write(data[at : at + size]) for at in range(0, len(data), size)) + log.flush()
    log.close()
    assert new == b"more\n"
    assert place.read_bytes() == b"before\n********\nmore\n"
    assert log.size == len(place.read_bytes())
