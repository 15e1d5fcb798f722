from __future__ import annotations

import subprocess
import sys

import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin, ClusterMixin, RegressorMixin, TransformerMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

import dovetail_sklearn


def test_announcing_imports_neither_sklearn_nor_the_rest_of_dovetail() -> None:
    heavy = {"sklearn", "skops", "numpy", "pydantic", "sqlalchemy", "fsspec"}
    program = f"import sys, dovetail_sklearn; print(sorted({heavy} & set(sys.modules)))"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "kind", [BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin, ClusterMixin]
)
def test_a_declared_base_is_announced(kind: type) -> None:
    (announced,) = dovetail_sklearn.dovetail_materializers()
    assert f"{kind.__module__}.{kind.__qualname__}" in announced.types


@pytest.mark.parametrize("kind", [RandomForestClassifier, Pipeline, LGBMClassifier])
def test_an_estimator_is_known_by_its_bases(kind: type) -> None:
    (announced,) = dovetail_sklearn.dovetail_materializers()
    assert {f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__} & set(announced.types)
