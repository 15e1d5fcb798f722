"""Checks of what compiled code reads by index: trees, neighbour trees, sparse matrices.

scikit-learn follows these indices without looking whether they lie within the arrays, so a file that was
made by hand could make it read foreign memory or never end. A model that passes cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.ensemble import IsolationForest
from sklearn.ensemble._forest import BaseForest
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.neighbors import BallTree, KDTree
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import Tree

from dovetail.plugin import MaterializerError

_HAVERSINE_DIMENSIONS = 2


def check_native_parts(value: object) -> None:
    """Raise MaterializerError if a part of the model would be read out of bounds."""
    for part in _parts(value):
        try:
            sound = _sound(part)
        except (ValueError, TypeError, AttributeError, IndexError, KeyError):
            sound = False
        if not sound:
            raise MaterializerError(
                f"a {type(part).__module__}.{type(part).__qualname__} in the model has indices out of bounds",
                hint="the file was not written by scikit-learn; do not use it",
            )


def _parts(value: object) -> Iterator[object]:
    """Yield all that the model consists of, each object once."""
    waiting, seen = [value], {}
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | None):
            continue
        seen[id(part)] = part
        yield part
        waiting.extend(_children(part))


def _children(part: Any) -> list[Any]:  # noqa: ANN401 - anything in a model
    if isinstance(part, dict):
        return [*part.keys(), *part.values()]
    if isinstance(part, list | tuple | set | frozenset):
        return list(part)
    if isinstance(part, np.ndarray):
        return list(part.ravel()) if part.dtype.hasobject else []
    if isinstance(part, partial):
        return [part.func, part.args, part.keywords]
    return list(getattr(part, "__dict__", {}).values())


def _sound(part: Any) -> bool:  # noqa: ANN401 - anything in a model
    return all(check(part) for kind, check in _CHECKS if isinstance(part, kind))


def _tree(tree: Any) -> bool:  # noqa: ANN401 - a sklearn.tree._tree.Tree
    state = tree.__getstate__()
    nodes, count = state["nodes"], state["node_count"]
    left, right, feature = nodes["left_child"], nodes["right_child"], nodes["feature"]
    return (
        len(nodes) == count > 0
        and state["values"].shape == (count, tree.n_outputs, tree.max_n_classes)
        and _descends(left, right, left == -1, feature, tree.n_features)
    )


def _descends(left: Any, right: Any, leaf: Any, feature: Any, features: int) -> bool:  # noqa: ANN401 - arrays
    """Say whether every inner node leads to two later nodes and asks for a feature that exists."""
    number = np.arange(len(left), dtype=np.int64)
    inner = ~np.asarray(leaf, dtype=bool)
    for child in (left, right):
        there = child.astype(np.int64)[inner]
        if not ((there > number[inner]) & (there < len(left))).all():
            return False
    asked = feature.astype(np.int64)[inner]
    return bool(((asked >= 0) & (asked < features)).all())


def _boosted(model: Any) -> bool:  # noqa: ANN401 - a histogram gradient boosting model
    predictors = [each for iteration in getattr(model, "_predictors", []) for each in iteration]
    return all(_predictor(each, model.n_features_in_) for each in predictors)


def _predictor(predictor: Any, features: int | None = None) -> bool:  # noqa: ANN401 - a TreePredictor
    nodes = predictor.nodes
    bound = np.iinfo(np.int64).max if features is None else features
    bitsets = {len(predictor.raw_left_cat_bitsets), len(predictor.binned_left_cat_bitsets)}
    categorical = nodes[nodes["is_categorical"].astype(bool)]
    return (
        len(nodes) > 0
        and _descends(nodes["left"], nodes["right"], nodes["is_leaf"], nodes["feature_idx"], bound)
        and all(bool((categorical["bitset_idx"] < size).all()) for size in bitsets)
    )


def _binary_tree(tree: Any) -> bool:  # noqa: ANN401 - a KDTree or a BallTree
    data, index, nodes, bounds, _, levels, count, *_, metric, weights = tree.__getstate__()
    size, leaf = len(data), nodes["is_leaf"].astype(bool)
    number = np.arange(count)
    return (
        len(nodes) == count == 2**levels - 1
        and bounds.shape == (2 if isinstance(tree, KDTree) else 1, count, data.shape[1])
        and np.array_equal(np.sort(index), np.arange(size))
        and bool((nodes["idx_start"] >= 0).all() and (nodes["idx_start"] <= nodes["idx_end"]).all())
        and bool((nodes["idx_end"] <= size).all() and leaf[2 * number + 2 >= count].all())
        and (weights is None or len(weights) == size)
        and _metric(metric, data.shape[1])
    )


def _metric(metric: Any, dimensions: int) -> bool:  # noqa: ANN401 - a DistanceMetric
    name = type(metric).__name__
    if name.startswith("Minkowski"):
        return len(metric.__getstate__()[1]) in {0, dimensions}
    return not name.startswith("Haversine") or dimensions == _HAVERSINE_DIMENSIONS


def _matrix(matrix: Any) -> bool:  # noqa: ANN401 - a compressed sparse matrix
    matrix.check_format(full_check=True)
    return True


def _trees_fit(model: Any) -> bool:  # noqa: ANN401 - an ensemble that hands its data to the trees unchecked
    trees = np.asarray(getattr(model, "estimators_", []), dtype=object).ravel()
    return all(each.tree_.n_features == model.n_features_in_ for each in trees)


def _tree_fits(model: Any) -> bool:  # noqa: ANN401 - a single decision tree
    return not hasattr(model, "tree_") or model.tree_.n_features == model.n_features_in_


def _isolates(model: Any) -> bool:  # noqa: ANN401 - an isolation forest
    pairs = zip(getattr(model, "estimators_", []), getattr(model, "estimators_features_", []), strict=True)
    return all(
        each.tree_.n_features == len(features) and np.max(features) < model.n_features_in_
        for each, features in pairs
    )


_CHECKS: tuple[tuple[Any, Any], ...] = (
    (Tree, _tree),
    (TreePredictor, _predictor),
    (BaseHistGradientBoosting, _boosted),
    ((KDTree, BallTree), _binary_tree),
    (BaseDecisionTree, _tree_fits),
    ((BaseForest, BaseGradientBoosting), _trees_fit),
    (IsolationForest, _isolates),
    ((sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array), _matrix),
)
