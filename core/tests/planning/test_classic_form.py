"""The classic listing of a pipeline on image data, word for word, below definitions of its step names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dovetail.definition.outputs import Output
from dovetail.definition.pipeline import PipelineDefinition
from dovetail.definition.step import step
from dovetail.materializers.registry import Registry
from dovetail.planning.compiler import compile_plan
from dovetail.records.config import BaseStepConfig
from dovetail.records.plan import Plan

Images = list[list[float]]
Labels = list[int]
LISTING = """
@pipeline
def mnist_pipeline(
    importer,
    normalizer: normalizer,
    trainer,
    evaluator,
):
    # Link all the steps artifacts together
    X_train, y_train, X_test, y_test = importer()
    X_trained_normed, X_test_normed = normalizer(X_train=X_train, X_test=X_test)
    model = trainer(X_train=X_trained_normed, y_train=y_train)
    evaluator(X_test=X_test_normed, y_test=y_test, model=model)


# Initialize the pipeline
p = mnist_pipeline(
    importer=importer_mnist(),
    normalizer=normalizer(),
    trainer=trainer(config=TrainerConfig(epochs=1)),
    evaluator=evaluator(),
)

# Run the pipeline
p.run()
"""


class TrainerConfig(BaseStepConfig):
    epochs: int = 3


@step
def importer_mnist() -> Output(X_train=Images, y_train=Labels, X_test=Images, y_test=Labels):  # type: ignore[valid-type]
    return [[1.0]], [1], [[2.0]], [0]


@step
def normalizer(X_train: Images, X_test: Images) -> Output(a=Images, b=Images):  # type: ignore[valid-type] # noqa: N803
    return X_train, X_test


@step
def trainer(config: TrainerConfig, X_train: Images, y_train: Labels) -> float:  # noqa: N803
    return float(config.epochs)


@step
def evaluator(X_test: Images, y_test: Labels, model: float) -> float:  # noqa: N803
    return model


class pipeline:  # noqa: N801 - stands in for the decorator, which belongs to the execution floor
    def __init__(self, body: Any) -> None:
        self.definition = PipelineDefinition(body)
        self.steps: dict[str, Any] = {}

    def __call__(self, **steps: Any) -> pipeline:
        self.steps = steps
        return self

    def run(self) -> None:
        composition = self.definition.compose(**self.steps)
        self.plan = compile_plan(
            composition, root=Path(__file__).parent, flavors={}, materializers=Registry()
        )


def compiled() -> Plan:
    names = {**globals()}
    exec(LISTING, names)  # noqa: S102 - the listing is code
    plan: Plan = names["p"].plan
    return plan


def test_it_compiles_and_steps_go_by_the_names_of_the_arguments() -> None:
    plan = compiled()
    assert [each.name for each in plan.steps] == ["importer", "normalizer", "trainer", "evaluator"]
    assert plan.steps[0].source.qualname == "importer_mnist"
    assert plan.steps[2].parameters == {"config": {"epochs": 1}}
    assert {name: each.step for name, each in plan.steps[3].inputs.items()} == {
        "X_test": "normalizer",
        "y_test": "importer",
        "model": "trainer",
    }
