"""Scikit-learn estimators as artifacts, without pickle."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Materializes, hookimpl

_ROLES = (
    "BaseEstimator",
    "ClassifierMixin",
    "RegressorMixin",
    "TransformerMixin",
    "ClusterMixin",
    "BiclusterMixin",
    "DensityMixin",
    "OutlierMixin",
    "MetaEstimatorMixin",
)


@hookimpl
def dovetail_materializers() -> Iterator[Materializes]:
    """Announce the materializer of estimators, by the bases that every one of them has."""
    yield Materializes(
        "estimator",
        contract=1,
        types=tuple(f"sklearn.base.{role}" for role in _ROLES),
        implementation="dovetail_sklearn.estimator:EstimatorMaterializer",
        summary="estimators as skops archives, without pickle",
    )
