"""The classic form: steps given to a pipeline as arguments, on arrays, written as people have written it."""

from __future__ import annotations

from dovetail.testing.command_line import CommandLine

DEFINITIONS = """
import numpy as np
from dovetail import BaseStepConfig, Client, Output, pipeline, step


class TrainerConfig(BaseStepConfig):
    epochs: int = 10
    rate: float = 0.5


@step
def importer_mnist() -> Output(
    X_train=np.ndarray, y_train=np.ndarray, X_test=np.ndarray, y_test=np.ndarray
):
    random = np.random.default_rng(7)
    labels = random.integers(0, 2, size=400)
    images = random.integers(0, 200, size=(400, 28, 28)).astype(float)
    images[:, :, :14] += 55 * labels[:, None, None]
    images[:, :, 14:] += 55 * (1 - labels[:, None, None])
    return images[:300], labels[:300], images[300:], labels[300:]


@step
def normalizer(
    X_train: np.ndarray, X_test: np.ndarray
) -> Output(X_train_normed=np.ndarray, X_test_normed=np.ndarray):
    return X_train / 255.0, X_test / 255.0


@step
def trainer(config: TrainerConfig, X_train: np.ndarray, y_train: np.ndarray) -> np.ndarray:
    flat = X_train.reshape(len(X_train), -1) - 0.5
    weights = np.zeros(flat.shape[1])
    for _ in range(config.epochs):
        guess = 1 / (1 + np.exp(-flat @ weights))
        weights += config.rate * flat.T @ (y_train - guess) / len(flat)
    return weights


@step
def evaluator(X_test: np.ndarray, y_test: np.ndarray, model: np.ndarray) -> float:
    flat = X_test.reshape(len(X_test), -1) - 0.5
    return float(((flat @ model > 0) == (y_test == 1)).mean())

"""
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
LOOK = """
if __name__ == "__main__":
    run = Client().get_pipeline("mnist_pipeline").runs[0]
    print("accuracy", run.step("evaluator").output.read(), run.step("trainer").parameters)
"""


def test_the_classic_listing_runs_as_a_script_and_by_the_command_line(cli: CommandLine) -> None:
    cli.write("run.py", DEFINITIONS + LISTING + LOOK)
    answer = cli.python("run.py")
    assert answer.code == 0, answer.err
    assert float(answer.out.split()[1]) > 0.8
    assert "'epochs': 1" in answer.out
    again = cli("run", "run.py", "--json")
    assert {each["status"] for each in again.json()["steps"]} == {"cached"}


def test_arrays_come_back_as_they_were(cli: CommandLine) -> None:
    cli.write("run.py", DEFINITIONS + LISTING)
    cli("run", "run.py")
    look = "from dovetail import Client; print(Client().run('last').step('trainer').output.load().shape)"
    assert cli.python("-c", look).out == "(784,)\n"
