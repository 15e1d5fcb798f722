from __future__ import annotations

import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin, ClusterMixin, RegressorMixin, TransformerMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

import dovetail_sklearn
from dovetail.testing.packaging import PackagingContract


class TestPackaging(PackagingContract):
    wheel = "dovetail-sklearn"


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
