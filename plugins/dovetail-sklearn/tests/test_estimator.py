from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from models import DATA, PREDICT, TARGET, TRANSFORM, name
from scipy import sparse
from sklearn import cluster, linear_model, preprocessing
from sklearn.base import BaseEstimator, clone

from dovetail.plugin import MaterializerError
from dovetail.testing.materializer import TrialFiles
from dovetail_sklearn.estimator import FILE, EstimatorMaterializer
from dovetail_sklearn.joblib_file import JoblibMaterializer
from dovetail_sklearn.reviewed import REVIEWED

MODEL = EstimatorMaterializer()
# LightGBM 4.6 names its features by itself and is then warned of arrays.
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")


def dense(values: Any) -> np.ndarray:
    return values.toarray() if sparse.issparse(values) else values


@pytest.mark.parametrize("model", PREDICT, ids=name)
def test_a_fitted_model_predicts_the_same(keep: Callable[..., Any], model: BaseEstimator) -> None:
    fitted = clone(model).fit(DATA, TARGET)
    restored = keep(MODEL, fitted)
    assert type(restored) is type(fitted)
    assert np.array_equal(fitted.predict(DATA), restored.predict(DATA))
    assert str(restored.get_params()) == str(fitted.get_params())


@pytest.mark.parametrize("model", TRANSFORM, ids=name)
def test_a_fitted_transformer_transforms_the_same(keep: Callable[..., Any], model: BaseEstimator) -> None:
    fitted = clone(model).fit(DATA, TARGET)
    assert np.array_equal(dense(fitted.transform(DATA)), dense(keep(MODEL, fitted).transform(DATA)))


@pytest.mark.parametrize("model", [*PREDICT, *TRANSFORM], ids=name)
def test_an_unfitted_model_can_be_fitted_later(keep: Callable[..., Any], model: BaseEstimator) -> None:
    restored = keep(MODEL, clone(model))
    assert type(restored.fit(DATA, TARGET)) is type(model)


def test_labels_that_are_text_come_back(keep: Callable[..., Any]) -> None:
    labels = np.array(["setosa", "versicolor", "virginica"], dtype=object)[TARGET]
    fitted = linear_model.LogisticRegression(max_iter=500).fit(DATA, labels)
    assert keep(MODEL, fitted).predict(DATA).tolist() == fitted.predict(DATA).tolist()


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], print, linear_model.Ridge], ids=repr)
def test_what_is_no_estimator_is_refused(keep: Callable[..., Any], value: object) -> None:
    with pytest.raises(MaterializerError, match="is no scikit-learn estimator"):
        keep(MODEL, value)


def doubled(values: np.ndarray) -> np.ndarray:
    return values * 2


def test_a_function_of_the_user_is_refused_before_anything_is_written(files: TrialFiles) -> None:
    with pytest.raises(MaterializerError, match=r"not reviewed.*doubled") as caught:
        MODEL.save(preprocessing.FunctionTransformer(doubled), files.writer)
    assert "trusted" in str(caught.value.hint)
    assert files.bytes() == {}
    assert not files.folder.exists()


class Trusting(EstimatorMaterializer):
    trusted = (*EstimatorMaterializer.trusted, f"{doubled.__module__}.doubled")


def test_a_derived_class_vouches_for_more(keep: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, doubled.__module__, sys.modules[__name__])
    restored = keep(Trusting(), preprocessing.FunctionTransformer(doubled))
    assert restored.transform(DATA).tolist() == doubled(DATA).tolist()


def test_what_skops_cannot_store_names_the_way_out(keep: Callable[..., Any]) -> None:
    with pytest.raises(MaterializerError, match="Birch") as caught:
        keep(MODEL, cluster.Birch().fit(DATA))
    assert "JoblibMaterializer" in str(caught.value.hint)


def test_joblib_stores_it_when_it_is_named(keep: Callable[..., Any]) -> None:
    fitted = cluster.Birch().fit(DATA)
    assert np.array_equal(keep(JoblibMaterializer(), fitted).predict(DATA), fitted.predict(DATA))


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("owned",))


def test_a_pickle_in_place_of_the_archive_is_not_read(
    files: TrialFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with files.writer.create(FILE) as stream:
        joblib.dump(Hostile(), stream)
    with pytest.raises(MaterializerError, match="no estimator"):
        MODEL.load(BaseEstimator, files.reader)
    assert not Path("owned").exists()


@pytest.mark.parametrize(
    "target", [os.mkdir, os.system, eval, getattr, partial(os.system, "touch owned")], ids=str
)
def test_an_archive_that_names_a_function_is_not_built(
    files: TrialFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: object
) -> None:
    monkeypatch.chdir(tmp_path)
    files.writer.put(FILE, skops.io.dumps(preprocessing.FunctionTransformer(target)))
    with pytest.raises(MaterializerError, match="not reviewed"):
        MODEL.load(BaseEstimator, files.reader)


def test_an_archive_may_not_import(files: TrialFiles, tmp_path: Path) -> None:
    marker = tmp_path / "imported"
    (tmp_path / "hostile.py").write_text(f"open({str(marker)!r}, 'w')\nclass Model: pass\n")
    archive = skops.io.dumps(linear_model.Ridge())
    changed = archive.replace(b'"sklearn.linear_model._ridge"', b'"hostile"                    ')
    with files.writer.create(FILE) as stream:
        stream.write(changed)
    sys.path.insert(0, str(tmp_path))
    try:
        with pytest.raises(MaterializerError):
            MODEL.load(BaseEstimator, files.reader)
    finally:
        sys.path.remove(str(tmp_path))
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_what_is_no_archive_is_named(files: TrialFiles, content: bytes) -> None:
    with files.writer.create(FILE) as stream:
        stream.write(content)
    with pytest.raises(MaterializerError, match=FILE):
        MODEL.load(BaseEstimator, files.reader)


def test_every_reviewed_name_is_there_once() -> None:
    assert len(REVIEWED) == len(set(REVIEWED))
    assert {each.partition(".")[0] for each in REVIEWED} == {
        "collections", "functools", "lightgbm", "numpy", "scipy", "sklearn",
    }  # fmt: skip


def test_the_summary_names_class_version_and_features() -> None:
    fitted = linear_model.Ridge().fit(DATA, TARGET)
    summary = MODEL.summary(fitted)
    assert summary["estimator"] == "sklearn.linear_model._ridge.Ridge"
    assert summary["features"] == 4
    assert "features" not in MODEL.summary(linear_model.Ridge())


WRITE = """
import hashlib, json, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from models import DATA, TARGET, PREDICT, TRANSFORM
from dovetail.testing.materializer import TrialFiles
from dovetail_sklearn.estimator import FILE, EstimatorMaterializer

waste = [bytes(number * 1000) for number in range(int(sys.argv[2]))]  # so that addresses differ
digests = {{}}
for number, model in enumerate([*PREDICT, *TRANSFORM]):
    files = TrialFiles(Path(sys.argv[1]))
    EstimatorMaterializer().save(model.fit(DATA, TARGET), files.writer)
    digests[f"{{number}} {{type(model).__name__}}"] = hashlib.sha256(files.bytes()[FILE]).hexdigest()
print(json.dumps(digests))
"""


def digests(folder: Path, seed: int) -> dict[str, str]:
    program = WRITE.format(tests=str(Path(__file__).parent))
    environment = os.environ | {"PYTHONHASHSEED": str(seed), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", program, str(folder), str(seed * 100)]
    done = subprocess.run(command, check=True, env=environment, capture_output=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_two_processes_write_equal_bytes(tmp_path: Path) -> None:
    first, second = digests(tmp_path, 1), digests(tmp_path, 2)
    # These two keep how long fitting took.
    timed = {each for each in first if "SearchCV" in each}
    assert len(first) > 40
    assert {each for each in first if first[each] != second[each]} <= timed


def test_saving_again_what_came_back_gives_equal_bytes(tmp_path: Path) -> None:
    first, second = TrialFiles(tmp_path), TrialFiles(tmp_path)
    MODEL.save(PREDICT[11].fit(DATA, TARGET), first.writer)
    MODEL.save(MODEL.load(BaseEstimator, first.reader), second.writer)
    assert first.bytes() == second.bytes()
