from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from models import DATA, TARGET
from scipy import sparse
from sklearn import ensemble, neighbors, random_projection, tree
from sklearn.base import BaseEstimator

from dovetail.plugin import MaterializerError
from dovetail_sklearn.native import check_native_parts


def nodes(model: Any) -> tuple[Any, dict[str, Any]]:
    return model.tree_, model.tree_.__getstate__()


def with_node(field: str, value: int) -> BaseEstimator:
    model = tree.DecisionTreeClassifier(random_state=0).fit(DATA, TARGET)
    inner, state = nodes(model)
    state["nodes"] = state["nodes"].copy()
    state["nodes"][field][0] = value
    inner.__setstate__(state)
    return model


def with_predictor(field: str, value: int) -> BaseEstimator:
    model = ensemble.HistGradientBoostingClassifier(max_iter=2).fit(DATA, TARGET)
    model._predictors[0][0].nodes[field][0] = value
    return model


def with_neighbours(place: int, change: Callable[[Any], None], algorithm: str = "kd_tree") -> BaseEstimator:
    model = neighbors.KNeighborsClassifier(algorithm=algorithm).fit(DATA, TARGET)
    state = [np.array(each) if isinstance(each, np.ndarray) else each for each in model._tree.__getstate__()]
    change(state[place])
    model._tree.__setstate__(tuple(state))
    return model


def with_matrix(index: int) -> BaseEstimator:
    model = random_projection.SparseRandomProjection(2, random_state=0).fit(DATA)
    matrix = sparse.csr_matrix(model.components_)
    matrix.indices[0] = index
    model.components_ = matrix
    return model


def with_features(count: int) -> BaseEstimator:
    model = ensemble.RandomForestClassifier(n_estimators=2, random_state=0).fit(DATA, TARGET)
    model.n_features_in_ = count
    return model


CROOKED: dict[str, Callable[[], BaseEstimator]] = {
    "left child far away": lambda: with_node("left_child", 1_000_000),
    "left child before the first": lambda: with_node("left_child", -5),
    "a circle": lambda: with_node("right_child", 0),
    "feature that is not there": lambda: with_node("feature", 4),
    "negative feature": lambda: with_node("feature", -7),
    "boosted: child": lambda: with_predictor("left", 4_000_000),
    "boosted: circle": lambda: with_predictor("right", 0),
    "boosted: feature": lambda: with_predictor("feature_idx", 99),
    "boosted: category": lambda: with_predictor("is_categorical", 1),
    "neighbours: index": lambda: with_neighbours(1, lambda index: index.__setitem__(0, 10_000)),
    "neighbours: end": lambda: with_neighbours(2, lambda nodes: nodes["idx_end"].__setitem__(1, 10_000)),
    "neighbours: leaf": lambda: with_neighbours(2, lambda nodes: nodes["is_leaf"].__setitem__(-1, 0)),
    "ball: start": lambda: with_neighbours(
        2, lambda nodes: nodes["idx_start"].__setitem__(0, -3), "ball_tree"
    ),
    "matrix: column": lambda: with_matrix(77),
    "forest: features": lambda: with_features(2),
}


@pytest.mark.parametrize("crooked", CROOKED.values(), ids=CROOKED)
def test_indices_out_of_bounds_are_found(crooked: Callable[[], BaseEstimator]) -> None:
    with pytest.raises(MaterializerError, match="out of bounds"):
        check_native_parts(crooked())


def test_a_crooked_tree_in_a_file_is_refused(keep: Callable[..., Any]) -> None:
    estimator = pytest.importorskip("dovetail_sklearn.estimator").EstimatorMaterializer()
    with pytest.raises(MaterializerError, match="out of bounds"):
        keep(estimator, with_node("left_child", 1_000_000))


def test_a_part_is_found_however_deep_it_lies() -> None:
    deep: Any = with_node("feature", 9)
    for _ in range(3_000):
        deep = [deep]
    with pytest.raises(MaterializerError, match="out of bounds"):
        check_native_parts(deep)
