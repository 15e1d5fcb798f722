"""The models of the tests: each unfitted, with the method whose answers must stay the same."""

from __future__ import annotations

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import (
    calibration,
    cluster,
    compose,
    decomposition,
    discriminant_analysis,
    ensemble,
    feature_selection,
    gaussian_process,
    impute,
    linear_model,
    model_selection,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    random_projection,
    svm,
    tree,
)
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris

DATA, TARGET = load_iris(return_X_y=True)


def forest(**settings: object) -> ensemble.RandomForestClassifier:
    return ensemble.RandomForestClassifier(n_estimators=5, random_state=0, **settings)


PREDICT: list[BaseEstimator] = [
    linear_model.LogisticRegression(max_iter=500),
    linear_model.SGDClassifier(random_state=0),
    linear_model.Ridge(),
    linear_model.TweedieRegressor(power=1.5, link="log"),
    linear_model.LassoCV(),
    naive_bayes.GaussianNB(),
    discriminant_analysis.LinearDiscriminantAnalysis(),
    svm.SVC(),
    svm.LinearSVR(tol=0.1, random_state=0),
    tree.DecisionTreeClassifier(random_state=0),
    tree.ExtraTreeRegressor(random_state=0),
    forest(),
    ensemble.ExtraTreesRegressor(n_estimators=5, random_state=0),
    ensemble.GradientBoostingClassifier(n_estimators=5, random_state=0),
    ensemble.HistGradientBoostingClassifier(max_iter=5, categorical_features=[3], random_state=0),
    ensemble.HistGradientBoostingRegressor(max_iter=5, random_state=0),
    ensemble.AdaBoostClassifier(n_estimators=5, random_state=0),
    ensemble.BaggingClassifier(max_features=0.5, random_state=0),
    ensemble.IsolationForest(n_estimators=5, random_state=0),
    ensemble.IsolationForest(n_estimators=5, max_features=2, random_state=0),
    ensemble.VotingClassifier([("a", naive_bayes.GaussianNB()), ("b", forest())]),
    ensemble.StackingClassifier([("a", naive_bayes.GaussianNB()), ("b", forest())], cv=3),
    neighbors.KNeighborsClassifier(),
    neighbors.KNeighborsRegressor(algorithm="ball_tree", metric="manhattan"),
    neighbors.KNeighborsClassifier(metric="minkowski", p=3),
    neural_network.MLPClassifier(hidden_layer_sizes=(5,), max_iter=500, tol=0.1, random_state=0),
    gaussian_process.GaussianProcessRegressor(
        gaussian_process.kernels.ConstantKernel() * gaussian_process.kernels.RBF()
        + gaussian_process.kernels.WhiteKernel(),
        random_state=0,
    ),
    calibration.CalibratedClassifierCV(naive_bayes.GaussianNB(), cv=3),
    calibration.CalibratedClassifierCV(naive_bayes.GaussianNB(), cv=3, method="isotonic"),
    model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [0.1, 1.0]}, scoring="r2", cv=3),
    model_selection.RandomizedSearchCV(
        forest(), {"max_depth": [2, 3]}, n_iter=2, cv=model_selection.StratifiedKFold(3), random_state=0
    ),
    cluster.KMeans(3, n_init=1, random_state=0),
    cluster.BisectingKMeans(3, random_state=0),
    pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
    pipeline.make_pipeline(
        compose.ColumnTransformer(
            [
                ("scale", preprocessing.StandardScaler(), [0, 1]),
                ("bin", preprocessing.KBinsDiscretizer(3, strategy="uniform"), [2]),
            ],
            remainder="passthrough",
        ),
        forest(),
    ),
    LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1),
    LGBMRegressor(n_estimators=5, verbose=-1, n_jobs=1),
]

TRANSFORM: list[BaseEstimator] = [
    preprocessing.MinMaxScaler(),
    preprocessing.OneHotEncoder(handle_unknown="ignore"),
    preprocessing.PolynomialFeatures(),
    preprocessing.QuantileTransformer(n_quantiles=10, random_state=0),
    preprocessing.FunctionTransformer(np.log1p),
    impute.SimpleImputer(),
    impute.KNNImputer(),
    decomposition.PCA(2),
    decomposition.TruncatedSVD(2, random_state=0),
    feature_selection.SelectKBest(k=2),
    feature_selection.SelectFromModel(forest()),
    random_projection.SparseRandomProjection(2, random_state=0),
    cluster.FeatureAgglomeration(2),
]


def name(model: BaseEstimator) -> str:
    """Return what pytest shows."""
    return type(model).__name__
