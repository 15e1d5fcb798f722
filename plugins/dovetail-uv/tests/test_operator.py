"""Environments: made once, whole or not at all, isolated, and without uv when they are there."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail.plugin import ConfigurationError, Reason, StepSubmission, new_id
from dovetail.testing.step_operator import StepOperatorContract
from dovetail_uv.operator import UvStepOperator

pytestmark = pytest.mark.real


def submission(program: str, **fields: Any) -> StepSubmission:
    return StepSubmission(
        run_id=new_id(), run_name="r", step="s", attempt=new_id(), command=["python", "-c", program], **fields
    )


class TestUv(StepOperatorContract):
    """The contract holds; its attempts ask for no wheel, so one empty environment serves them all."""

    @pytest.fixture
    def operator(self, make: Callable[..., UvStepOperator], cache: Path) -> Iterator[UvStepOperator]:
        operator = make(cache_directory=cache)
        operator.environment(submission("")).make()
        yield operator
        operator.close()


def test_a_new_environment_is_told_of_and_a_known_one_runs_no_uv(
    make: Callable[..., UvStepOperator], counted_uv: Any, ended: Any
) -> None:
    operator = make(uv=counted_uv.path)
    program = "import iniconfig, sys; print(sys.prefix)"
    cold = operator.submit(submission(program, requirements=["iniconfig==2.0.0"]))
    assert ended(operator, cold).reason is Reason.COMPLETED, operator.logs(cold)
    assert counted_uv.calls == ["venv --allow-existing", "pip install"]
    said = operator.logs(cold).decode()
    assert "making an environment: iniconfig==2.0.0" in said
    assert "+ iniconfig==2.0.0" in said
    warm = operator.submit(submission(program, requirements=["iniconfig==2.0.0"]))
    assert ended(operator, warm).reason is Reason.COMPLETED
    assert len(counted_uv.calls) == 2
    assert operator.logs(warm).decode().strip() == said.splitlines()[-1]


def test_what_the_launcher_has_is_not_seen(
    make: Callable[..., UvStepOperator], cache: Path, ended: Any
) -> None:
    operator = make(cache_directory=cache)
    handle = operator.submit(submission("import pydantic"))
    assert ended(operator, handle).exit_code == 1
    assert "No module named 'pydantic'" in operator.logs(handle).decode()


def test_unsatisfiable_requirements_are_one_error_with_uvs_reason(
    make: Callable[..., UvStepOperator], tmp_path: Path, ended: Any
) -> None:
    operator = make(cache_directory=tmp_path / "cache")
    handle = operator.submit(submission("", requirements=["iniconfig==2.0.0", "iniconfig==1.1.1"]))
    end = ended(operator, handle)
    assert end.exit_code == 74
    assert "iniconfig==1.1.1" in end.last_words
    assert "Traceback" not in operator.logs(handle).decode()
    assert [each.name for each in (tmp_path / "cache").iterdir() if not each.name.endswith(".lock")] == []


def test_a_killed_build_is_never_taken_for_an_environment(
    make: Callable[..., UvStepOperator], tmp_path: Path, ended: Any
) -> None:
    slow = tmp_path / "slow-uv"
    slow.write_text('#!/bin/sh\nfor last; do :; done\nmkdir -p "$last/bin"; touch "$last/begun"; sleep 600\n')
    slow.chmod(0o755)
    cache = tmp_path / "cache"
    operator = make(cache_directory=cache, uv=slow)
    handle = operator.submit(submission("print('made')"))
    deadline = time.monotonic() + 60
    while not list(cache.glob(".*/begun")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    operator.cancel(handle, 0.0)
    ended(operator, handle)
    again = make(cache_directory=cache)
    handle = again.submit(submission("print('made')"))
    assert ended(again, handle).reason is Reason.COMPLETED
    assert again.logs(handle).decode().splitlines()[-1] == "made"
    assert list(cache.glob(".*/begun")) == []


def test_two_who_need_the_same_make_it_once(
    make: Callable[..., UvStepOperator], counted_uv: Any, ended: Any
) -> None:
    operator = make(uv=counted_uv.path)
    handles = [operator.submit(submission("print('in it')")) for _ in range(3)]
    assert {ended(operator, each).reason for each in handles} == {Reason.COMPLETED}
    assert len(counted_uv.calls) == 2


@pytest.mark.parametrize(
    "fields",
    [{"requirements": ["iniconfig==2.0.0"]}, {"python": "3.11"}, {"wheels": ["dovetail"]}],
    ids=lambda fields: next(iter(fields)),
)
def test_whatever_goes_into_it_is_in_its_name(
    make: Callable[..., UvStepOperator], fields: dict[str, Any]
) -> None:
    operator = make()
    plain = operator.environment(submission(""))
    assert operator.environment(submission("", **fields)).name != plain.name
    assert operator.environment(submission("")).name == plain.name


def test_dovetail_comes_from_where_the_running_one_came_from(make: Callable[..., UvStepOperator]) -> None:
    lines = make().environment(submission("", wheels=["dovetail", "dovetail-uv"])).lines
    assert len(lines) == 2
    assert all(each.startswith("-e /") or "file:///" in each for each in lines), lines


@pytest.mark.parametrize("bad", ["--index-url=http://x", "a\n-r b"])
def test_options_are_no_requirements(make: Callable[..., UvStepOperator], bad: str) -> None:
    with pytest.raises(ConfigurationError, match="no requirement"):
        make().submit(submission("", requirements=[bad]))


def test_a_wheel_that_is_not_here_is_named(make: Callable[..., UvStepOperator]) -> None:
    with pytest.raises(ConfigurationError, match="'dovetail-nowhere'"):
        make().submit(submission("", wheels=["dovetail-nowhere"]))


def test_the_signal_that_ends_it_is_told(
    make: Callable[..., UvStepOperator], cache: Path, ended: Any
) -> None:
    operator = make(cache_directory=cache)
    handle = operator.submit(submission("import os; os.kill(os.getpid(), 9)"))
    assert ended(operator, handle).signal == signal.SIGKILL
