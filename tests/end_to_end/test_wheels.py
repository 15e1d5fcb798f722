"""Values of four wheels through one pipeline: found by their types, stored without pickle, loaded again."""

from __future__ import annotations

from dovetail.testing.command_line import CommandLine

PIPELINE = """
from typing import Annotated

import numpy as np
import pandas as pd
from dovetail import Output, pipeline, step
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.cluster import Birch
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier
from dovetail_sklearn.joblib_file import JoblibMaterializer


@step
def make(rows: int = 50) -> Output(table=pd.DataFrame, target=pd.Series, mean=np.float32):
    values = np.random.default_rng(3).random((rows, 2))
    table = pd.DataFrame(values, columns=pd.MultiIndex.from_tuples([("x", 1), ("x", 2)]))
    return table, pd.Series(values.sum(axis=1) > 1, name="large"), np.float32(values.mean())


@step(materializers={"clusters": JoblibMaterializer})
def fit(table: pd.DataFrame, target: pd.Series, mean: np.float32) -> Output(
    tree=ClassifierMixin, line=RegressorMixin, clusters=Birch
):
    values = table.to_numpy() - mean
    return (
        DecisionTreeClassifier(random_state=0).fit(values, target),
        LinearRegression().fit(values, target),
        Birch(n_clusters=2).fit(values),
    )


@step
def score(table: pd.DataFrame, tree: ClassifierMixin, clusters: Birch) -> Annotated[np.ndarray, "guesses"]:
    return np.stack([tree.predict(table.to_numpy()), clusters.predict(table.to_numpy()) > 0])


@pipeline
def mixed():
    table, target, mean = make()
    tree, _, clusters = fit(table, target, mean)
    score(table, tree, clusters)


if __name__ == "__main__":
    mixed().run()
"""

STORED = {
    "table": "dovetail-pandas/frame",
    "target": "dovetail-pandas/series",
    "mean": "dovetail-numpy/scalar",
    "tree": "dovetail-sklearn/estimator",
    "line": "dovetail-sklearn/estimator",
    "clusters": "custom/JoblibMaterializer",
    "guesses": "dovetail-numpy/array",
}
LOAD = """
import run
from dovetail import Client

outputs = Client().run().outputs
print(outputs["make.table"].load().columns.tolist(), outputs["make.target"].load().name)
print(type(outputs["make.mean"].load()).__name__, outputs["score.guesses"].load().shape)
print(type(outputs["fit.tree"].load()).__name__, type(outputs["fit.line"].load()).__name__)
"""


def test_values_of_the_wheels_pass_through_a_pipeline(cli: CommandLine) -> None:
    cli.write("run.py", PIPELINE)
    done = cli("run", "run.py", "-q")
    assert done.code == 0, done.err
    found = {each["output"]: each["materializer"] for each in cli("artifact", "list", "--json").json()}
    assert found == STORED
    assert cli("artifact", "verify", "--all").code == 0
    loaded = cli.python("-c", LOAD)
    assert loaded.out.splitlines() == [
        "[('x', 1), ('x', 2)] large",
        "float32 (2, 50)",
        "DecisionTreeClassifier LinearRegression",
    ], loaded.err


def test_a_value_that_a_wheel_refuses_fails_its_step_with_the_remedy(cli: CommandLine) -> None:
    cli.write("run.py", PIPELINE.replace("pd.Series(values.sum(axis=1) > 1", "pd.Series([[1]] * rows"))
    done = cli("run", "run.py", "-q")
    assert done.code == 1
    assert "would not come back equal" in done.err
    assert "give it a dtype" in done.err


def test_a_hostile_pickle_in_place_of_a_model_is_never_read(cli: CommandLine) -> None:
    cli.write("run.py", PIPELINE)
    assert cli("run", "run.py", "-q").code == 0
    (model, _) = sorted(cli.directory.rglob("model.skops")) or sorted(cli.home.rglob("model.skops"))
    hostile = b"cos\nmkdir\n(S'owned'\ntR."
    model.chmod(0o600)
    model.write_bytes(hostile)
    loaded = cli.python("-c", LOAD)
    assert loaded.code != 0
    assert "damaged" in loaded.err
    assert not (cli.directory / "owned").exists()
