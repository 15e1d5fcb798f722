from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.components.flavor import Materializes
from dovetail.definition.hierarchy import BaseTrainerStep
from dovetail.definition.pipeline import PipelineDefinition
from dovetail.definition.step import step
from dovetail.errors import DefinitionError, DovetailError, MaterializerError, PlanError
from dovetail.materializers.registry import Registry
from dovetail.planning.compiler import compile_plan
from dovetail.planning.graph import CycleError
from dovetail.planning.overrides import Overrides, read_overrides
from dovetail.planning.parameters import restore_parameters
from dovetail.records.config import BaseStepConfig
from dovetail.records.plan import Plan, StepInput

ROOT = Path(__file__).parent


class Config(BaseStepConfig):
    epochs: int = 1
    rate: float = 0.5


class Frame: ...


@step
def load(rows: int = 3) -> list[float]:
    return [1.0] * rows


@step
def train(data: list[float], config: Config, name: str = "a") -> float:
    return sum(data) * config.epochs


@step
def tell(value: str) -> None: ...


def training() -> None:
    train(load())


def compiled(body: Callable[..., Any], *overrides: Overrides, **options: Any) -> Plan:
    return compile_plan(
        PipelineDefinition(body).compose(),
        root=ROOT,
        flavors={"orchestrator": "dovetail/local", "artifact_store": "dovetail-s3/s3"},
        materializers=options.get("materializers", Registry()),
        overrides=overrides,
        enable_cache=options.get("enable_cache"),
    )


def problem(body: Callable[..., Any], *overrides: Overrides, **options: Any) -> DovetailError:
    with pytest.raises(DovetailError) as raised:
        compiled(body, *overrides, **options)
    assert __file__ in str(raised.value.where)
    assert raised.value.hint
    return raised.value


def test_a_plan_says_all_that_a_run_needs() -> None:
    plan = compiled(training)
    first, second = plan.steps
    assert (plan.pipeline, first.name, second.name) == ("training", "load", "train")
    assert second.inputs == {"data": StepInput(step="load", output="output")}
    assert (first.parameters, second.parameters) == (
        {"rows": 3},
        {"config": {"epochs": 1, "rate": 0.5}, "name": "a"},
    )
    assert (first.outputs[0].type, first.outputs[0].materializer.name) == ("list[float]", "builtin/json")
    assert (first.source.qualname, first.source.path) == ("load", "test_compiler.py")
    assert plan.requires == ("dovetail-s3",)
    assert restore_parameters(train.signature, second) == {"config": Config(), "name": "a"}


def test_steps_stand_in_an_order_in_which_they_can_run() -> None:
    def body() -> None:
        tell.after("load")("x")
        load()

    assert [each.name for each in compiled(body).steps] == ["load", "tell"]


def test_parameters_come_from_the_call_the_configuration_and_the_command_line() -> None:
    def body() -> None:
        train(load(rows=5), config=Config(epochs=2))

    config = read_overrides({"steps": {"train": {"parameters": {"rate": 0.1, "name": "b"}, "timeout": 3}}})
    typed = Overrides.from_parameters({"train.epochs": "7", "train.config.rate": "0.2", "load.rows": "4"})
    plan = compiled(body, config, typed)
    assert plan.steps[0].parameters == {"rows": 4}
    assert plan.steps[1].parameters == {"config": {"epochs": 7, "rate": 0.2}, "name": "b"}
    assert plan.steps[1].options.timeout == 3.0


@pytest.mark.parametrize(
    ("enable_cache", "configured", "expected"),
    [(None, None, True), (False, None, False), (None, False, False)],
)
def test_the_cache_may_be_off_for_all_steps(
    enable_cache: bool | None, configured: bool | None, expected: bool
) -> None:
    plan = compiled(training, Overrides(enable_cache=configured), enable_cache=enable_cache)
    assert {each.options.enable_cache for each in plan.steps} == {expected}


@pytest.mark.parametrize(
    ("key", "said", "hint"),
    [
        ("train.epoch", "step 'train' has no parameter 'epoch'", "'epochs'"),
        ("trian.epochs", "there is no step 'trian'", "'train'"),
        ("train.data", "is an output of step 'load'", "set a parameter of that step"),
        ("load.rows", "parameter 'rows' of step 'load' is 'x', not int", "like 3"),
    ],
)
def test_a_wrong_override_is_refused(key: str, said: str, hint: str) -> None:
    with pytest.raises(PlanError) as raised:
        compiled(training, Overrides.from_parameters({key: "x"}))
    assert said in raised.value.message
    assert hint in str(raised.value.hint)


def test_a_type_error_across_an_edge_names_both_types_and_both_places() -> None:
    def body() -> None:
        tell(load())  # type: ignore[arg-type]

    found = problem(body)
    lines = [each.source.__code__.co_firstlineno for each in (tell, load)]
    assert found.message == (
        f"step 'tell' wants str for 'value' ({__file__}:{lines[0]}),"
        f" but output 'output' of step 'load' is list[float] ({__file__}:{lines[1]})"
    )


def test_a_missing_argument_is_named_at_the_call() -> None:
    def body() -> None:
        tell()  # type: ignore[call-arg]

    found = problem(body)
    assert found.message == "step 'tell' is called without 'value'"
    assert found.where == f"{__file__}:{body.__code__.co_firstlineno + 1}"


@pytest.mark.parametrize(("value", "said"), [(3, "is 3,"), ([1], "is [1],"), (Frame(), "Frame,")])
def test_a_parameter_of_a_wrong_type_is_refused(value: Any, said: str) -> None:
    found = problem(lambda_body(value)).message
    assert found.startswith("parameter 'value' of step 'tell' is")
    assert said in found
    assert "not str" in found


def lambda_body(value: Any) -> Callable[[], None]:
    def body() -> None:
        tell(value)

    return body


def test_a_value_that_no_plan_can_hold_is_refused_with_the_remedy() -> None:
    @step
    def use(frame: Frame) -> None: ...

    def body() -> None:
        use(Frame())

    assert "pass on its output" in str(problem(body).hint)


def test_a_default_that_no_plan_can_hold_is_left_to_the_function() -> None:
    @step
    def use(frame: Frame = Frame()) -> None: ...  # noqa: B008 - that is the point

    assert compiled(lambda_of(use)).steps[0].parameters == {}


def lambda_of(called: Any) -> Callable[[], None]:
    def body() -> None:
        called()

    return body


def test_a_cycle_is_named_with_its_place() -> None:
    def body() -> None:
        first = tell.after("second")("x")
        tell.with_options(name="second").after(first)("y")

    found = problem(body)
    assert isinstance(found, CycleError)
    assert found.message == "steps wait for each other: tell -> second -> tell"


def test_a_placeholder_that_is_not_overridden_is_named() -> None:
    class Trainer(BaseTrainerStep): ...

    found = problem(lambda_of(Trainer()))
    assert "does not override BaseTrainerStep.train" in found.message


def test_a_step_without_annotations_is_refused() -> None:
    @step
    def bare(value=1): ...  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202

    assert "argument 'value' has no annotation" in problem(lambda_of(bare)).message


def test_an_output_that_nothing_stores_is_named_with_type_and_wheel() -> None:
    @step
    def make() -> Frame:
        return Frame()

    registry = Registry(suggest=lambda name: "dovetail-frames" if name.endswith("Frame") else None)
    found = problem(lambda_of(make), materializers=registry)
    assert isinstance(found, MaterializerError)
    assert "step 'make'" in found.message
    assert "output 'output'" in found.message
    assert "dovetail integration install dovetail-frames" in str(found.hint)


def test_a_materializer_of_a_wheel_or_one_that_is_named_is_used() -> None:
    @step
    def make() -> Frame:
        return Frame()

    announced = Materializes("frame", 1, (f"{__name__}.Frame",), "dovetail_frames:Frames")
    plan = compiled(lambda_of(make), materializers=Registry([("dovetail-frames/frame", announced)]))
    assert plan.steps[0].outputs[0].materializer.name == "dovetail-frames/frame"
    assert plan.requires == ("dovetail-frames", "dovetail-s3")
    plan = compiled(lambda_of(make.with_options(materializers="pickle")))
    assert plan.steps[0].outputs[0].materializer.name == "builtin/pickle"


def test_a_materializer_for_no_output_or_that_is_none_is_refused() -> None:
    wrong = problem(lambda_of(load.with_options(materializers={"outputs": "pickle"})))
    assert wrong.hint == "did you mean 'output'?"
    assert "no materializer 'picle'" in problem(lambda_of(load.with_options(materializers="picle"))).message


def test_an_output_is_no_parameter_object() -> None:
    @step
    def make() -> dict[str, int]:
        return {}

    def body() -> None:
        train(load(), config=make())  # type: ignore[arg-type]

    assert "is a parameter object, not an input" in problem(body).message


def test_a_plan_of_another_step_is_refused_when_it_is_read() -> None:
    plan = compiled(training).steps[1]
    for parameters in ({"nme": "x"}, {"name": 3}):
        with pytest.raises(PlanError, match="compile the plan again"):
            restore_parameters(train.signature, plan.model_copy(update={"parameters": parameters}))


def chain(size: int) -> Callable[[], None]:
    def body() -> None:
        value = load()
        for _ in range(size - 1):
            value = same(value)

    return body


def fan_out(size: int) -> Callable[[], None]:
    def body() -> None:
        value = load()
        for _ in range(size - 1):
            same(value)

    return body


@step
def same(value: list[float], count: int = 1, names: set[str] = {"a", "b"}) -> list[float]:  # noqa: B006
    return value


@pytest.mark.parametrize("shape", [chain, fan_out])
def test_a_further_step_costs_as_many_operations_in_a_large_pipeline_as_in_a_small_one(
    shape: Callable[[int], Callable[[], None]],
) -> None:
    compiled(shape(10))
    few = operations(lambda: compiled(shape(400))) - operations(lambda: compiled(shape(200)))
    many = operations(lambda: compiled(shape(4000))) - operations(lambda: compiled(shape(2000)))
    assert many / 2000 <= 1.02 * few / 200


def operations(work: Callable[[], object]) -> int:
    """Return how many calls of functions, of Python and of C, it takes."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def test_ten_thousand_steps_in_a_row_are_no_recursion() -> None:
    plan = compiled(chain(10_000))
    assert len(plan.steps) == 10_000
    assert plan.steps[-1].name == "same_9999"


SCRIPT = """
from __future__ import annotations
from pathlib import Path
from dovetail.definition.pipeline import PipelineDefinition
from dovetail.definition.step import step
from dovetail.materializers.registry import Registry
from dovetail.planning.compiler import compile_plan
from dovetail.planning.yaml_plan import dump_plan
from helpers import scale, Kind

KNOWN = {"c", "a", "b"}

@step
def load(
    names: frozenset[str] = frozenset({"x", "y", "z"}), sizes: dict[str, set[int]] = {}
) -> dict[str, int]:
    return {name: scale(1) for name in KNOWN}

@step(materializers={"output": "pickle"}, settings={"b": 1, "a": 2})
def train(data: dict[str, int], kind: Kind = Kind.FAST, where: Path = Path("data")) -> Kind:
    return kind

def training():
    train(load(sizes={"q": {3, 1, 2}, "p": set()}))

plan = compile_plan(
    PipelineDefinition(training).compose(), root=Path(__file__).parent,
    materializers=Registry(), flavors={"orchestrator": "dovetail/local", "artifact_store": "dovetail/local"},
)
print(plan.to_json().decode())
print(dump_plan(plan))
"""
HELPERS = """
from enum import Enum

class Kind(Enum):
    FAST = "fast"

def scale(value):
    return value * 2
"""


def test_a_plan_is_the_same_bytes_in_any_clone_process_and_hash_seed(
    tmp_path: Path,
) -> None:
    answers = set()
    for seed in range(3):
        clone = tmp_path / f"clone {seed}"
        clone.mkdir()
        (clone / "run.py").write_text(SCRIPT)
        (clone / "helpers.py").write_text(HELPERS)
        for folder in (clone, tmp_path):
            found = subprocess.run(
                [sys.executable, str(clone / "run.py")], cwd=folder, capture_output=True, text=True,
                check=True, env={**os.environ, "PYTHONHASHSEED": str(seed)},
            )  # fmt: skip
            answers.add(found.stdout)
    assert len(answers) == 1
    assert str(tmp_path) not in (answer := answers.pop())
    assert "helpers.Kind" in answer


def test_a_plan_is_compiled_without_what_a_run_needs(tmp_path: Path) -> None:
    asked = "import sys\nprint({'sqlalchemy', 'pluggy', 'click'} & set(sys.modules))"
    (tmp_path / "run.py").write_text(f"{SCRIPT}\n{asked}")
    (tmp_path / "helpers.py").write_text(HELPERS)
    found = subprocess.run(
        [sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1] == "set()"


def test_an_error_of_a_definition_is_also_caught_as_one() -> None:
    with pytest.raises(DefinitionError):
        compiled(lambda_of(tell))
