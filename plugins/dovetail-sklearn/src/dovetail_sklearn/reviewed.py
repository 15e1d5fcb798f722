"""The types that loading may make beyond those that skops trusts by itself, each looked at by a person.

An entry gets here when making it from arbitrary attributes runs nothing but its own arithmetic: no file,
no process, no import, no call of something the attributes name. Types of compiled code that index memory
by what the file says are checked after loading, see `native`.
"""

from __future__ import annotations


def _names(module: str, names: str) -> tuple[str, ...]:
    return tuple(f"{module}.{name}" for name in names.split())


# Records of attributes in Python.
_RECORDS = (
    *_names("collections", "OrderedDict"),
    *_names("numpy", "dtype"),
    *_names("sklearn.utils._bunch", "Bunch"),
    *_names("sklearn.utils._metadata_requests", "MetadataRequest MethodMetadataRequest"),
    *_names("sklearn.compose._column_transformer", "_RemainderColsList"),
    *_names("sklearn.calibration", "_CalibratedClassifier _SigmoidCalibration"),
    *_names("sklearn.cluster._bisect_k_means", "_BisectingTree"),
    *_names("sklearn.gaussian_process._gpc", "_BinaryGaussianProcessClassifierLaplace"),
    *_names("sklearn.neural_network._stochastic_optimizers", "AdamOptimizer SGDOptimizer"),
    *_names("sklearn._loss.loss", "HalfTweedieLoss HalfTweedieLossIdentity"),
    *_names(
        "sklearn.model_selection._search_successive_halving", "HalvingGridSearchCV HalvingRandomSearchCV"
    ),
    *_names(
        "sklearn.model_selection._split",
        "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut "
        "RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold StratifiedKFold "
        "StratifiedShuffleSplit TimeSeriesSplit",
    ),
)

# Formulas of Gaussian processes. PairwiseKernel is not among them: it may hold any callable.
_KERNELS = _names(
    "sklearn.gaussian_process.kernels",
    "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern Product RBF "
    "RationalQuadratic Sum WhiteKernel",
)

# Functions of arrays that a model names; they are looked up, and called only with data. What a partial
# calls has to be on the list itself.
_FUNCTIONS = (
    *_names("functools", "partial"),
    *_names("sklearn.utils.validation", "check_array"),
    *_names("numpy", "max mean median min sum"),
    *_names("sklearn.cluster._kmeans", "_kmeans_single_elkan _kmeans_single_lloyd"),
    *_names(
        "sklearn.feature_selection._univariate_selection", "chi2 f_classif f_oneway f_regression r_regression"
    ),
    *_names("sklearn.feature_selection._mutual_info", "mutual_info_classif mutual_info_regression"),
)

# What `scoring=` leaves in a search: a record, and the metric's function.
_SCORERS = (
    *_names("sklearn.metrics._scorer", "_PassthroughScorer _Scorer"),
    *_names(
        "sklearn.metrics._classification",
        "accuracy_score balanced_accuracy_score brier_score_loss f1_score jaccard_score log_loss "
        "matthews_corrcoef precision_score recall_score",
    ),
    *_names("sklearn.metrics._ranking", "average_precision_score roc_auc_score top_k_accuracy_score"),
    *_names(
        "sklearn.metrics._regression",
        "d2_absolute_error_score explained_variance_score max_error mean_absolute_error "
        "mean_absolute_percentage_error mean_gamma_deviance mean_poisson_deviance mean_squared_error "
        "mean_squared_log_error median_absolute_error r2_score root_mean_squared_error "
        "root_mean_squared_log_error",
    ),
    *_names(
        "sklearn.metrics.cluster._supervised",
        "adjusted_mutual_info_score adjusted_rand_score completeness_score fowlkes_mallows_score "
        "homogeneity_score mutual_info_score normalized_mutual_info_score rand_score v_measure_score",
    ),
)

# Compiled, and checked by `native`.
_NATIVE = (
    *_names("sklearn.tree._tree", "Tree"),
    *_names("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
    *_names("sklearn.neighbors._kd_tree", "KDTree"),
    *_names("sklearn.neighbors._ball_tree", "BallTree"),
    *_names(
        "sklearn.metrics._dist_metrics",
        "ChebyshevDistance64 EuclideanDistance64 HaversineDistance64 ManhattanDistance64 MinkowskiDistance64",
    ),
    *_names("scipy.sparse._csr", "csr_array csr_matrix"),
    *_names("scipy.sparse._csc", "csc_array csc_matrix"),
)

# LightGBM: the booster is a text that its own parser reads.
_LIGHTGBM = (
    *_names("lightgbm.basic", "Booster"),
    *_names("lightgbm.sklearn", "LGBMClassifier LGBMModel LGBMRanker LGBMRegressor"),
)

REVIEWED: tuple[str, ...] = (*_RECORDS, *_KERNELS, *_FUNCTIONS, *_SCORERS, *_NATIVE, *_LIGHTGBM)
