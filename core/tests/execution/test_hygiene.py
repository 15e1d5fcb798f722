"""What a step in this process changed is put back, also when several run in threads or one within another."""

from __future__ import annotations

import decimal
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from dovetail.errors import RunError
from dovetail.execution.hygiene import Hygiene
from dovetail.execution.processes.reseeding import Generators


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def hygiene(notes: list[str]) -> Iterator[Hygiene]:
    hygiene = Hygiene(notes.append)
    yield hygiene
    hygiene.close()


def in_thread(hygiene: Hygiene, function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=hygiene.call, args=("step", function), name="dovetail-test")
    thread.start()
    return thread


def test_the_result_comes_back_and_an_error_goes_through(hygiene: Hygiene) -> None:
    assert hygiene.call("step", lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        hygiene.call("step", lambda: os.chdir("/") or 1 / 0)
    assert str(Path.cwd()) != "/"


def test_of_steps_in_threads_the_last_puts_back_what_the_first_found(hygiene: Hygiene) -> None:
    here, first_in, second_in, first_may_go = Path.cwd(), *(threading.Event() for _ in range(3))

    def first() -> None:
        os.chdir("/")
        first_in.set()
        assert first_may_go.wait(10)

    def second() -> None:
        second_in.set()
        assert first_in.wait(10)
        os.chdir("/proc")

    one = in_thread(hygiene, first)
    assert first_in.wait(10)
    two = in_thread(hygiene, second)
    two.join()
    assert second_in.is_set()
    assert str(Path.cwd()) == "/proc"  # the first still runs
    first_may_go.set()
    one.join()
    assert Path.cwd() == here


def test_a_step_within_a_step_puts_back_what_it_found_itself(hygiene: Hygiene) -> None:
    def outer() -> str:
        os.chdir("/")
        hygiene.call("inner", lambda: os.chdir("/proc"))
        return str(Path.cwd())

    here = Path.cwd()
    assert hygiene.call("outer", outer) == "/"
    assert Path.cwd() == here


def test_what_cannot_be_put_back_is_told_and_the_rest_is(
    hygiene: Hygiene, notes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")

    def step() -> None:
        os.environ["NEW"] = "1"
        os.chdir("/")
        (tmp_path / "gone").rmdir()

    hygiene.call("step", step)
    assert "NEW" not in os.environ
    assert notes[0].startswith("step 'step' changed the working directory, which cannot be undone: ")


def test_threads_that_are_left_are_told_once(hygiene: Hygiene, notes: list[str]) -> None:
    end = threading.Event()
    hygiene.call("step", lambda: threading.Thread(target=end.wait, name="lingers").start())
    hygiene.call("next", lambda: None)
    end.set()
    assert notes == ["step 'step' left 1 thread running in this process: lingers"]


def test_a_step_closes_a_range_of_descriptors_of_its_own_only(hygiene: Hygiene, tmp_path: Path) -> None:
    ours = os.open(tmp_path / "ours", os.O_CREAT | os.O_RDWR)

    def step() -> int:
        theirs = os.open(tmp_path / "theirs", os.O_CREAT | os.O_RDWR)
        os.closerange(3, 4096)
        return theirs

    theirs, before = hygiene.call("step", step), os.closerange
    os.close(ours)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(theirs)
    assert before is os.closerange


def test_a_child_that_a_step_forks_closes_them_all(hygiene: Hygiene) -> None:
    def step() -> int:
        if (pid := os.fork()) == 0:
            os.closerange(3, 4096)
            os._exit(len([*Path("/proc/self/fd").iterdir()]) - 1)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert hygiene.call("step", step) <= 3


def test_a_run_whose_descriptors_a_step_closed_one_by_one_ends_with_an_error(notes: list[str]) -> None:
    hygiene = Hygiene(notes.append)
    with pytest.raises(RunError, match="step 'rude' closed file descriptors") as caught:
        hygiene.call("rude", lambda: os.close(hygiene._descriptor))
    assert "in_process" in str(caught.value.hint)
    hygiene.close()


def test_decimal_arithmetic_of_a_step_is_its_own(hygiene: Hygiene) -> None:
    before = decimal.getcontext().prec
    hygiene.call("step", lambda: setattr(decimal.getcontext(), "prec", 3))
    assert decimal.getcontext().prec == before


def test_generators_are_fresh_for_a_step_and_go_on_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(value=5, seed=lambda: setattr(library, "value", 0))
    library.get_state, library.set_state = (
        lambda: library.value,
        lambda value: setattr(library, "value", value),
    )
    monkeypatch.setitem(sys.modules, "numpy.random", library)
    random.seed(1)
    expected = random.Random(1).random()
    generators = Generators()
    generators.renew()
    assert (random.random() != expected, library.value) == (True, 0)
    generators.renew()
    generators.restore()
    assert (random.random(), library.value) == (expected, 5)
