"""Estimators in skops archives: read back only when every type in them is on the reviewed list."""

from __future__ import annotations

from typing import Any, ClassVar

import sklearn
import skops.io
from sklearn.base import BaseEstimator
from skops.io.exceptions import UntrustedTypesFoundException

from dovetail.plugin import ArtifactReader, ArtifactWriter, BaseMaterializer, MaterializerError
from dovetail_sklearn.archive import canonical
from dovetail_sklearn.native import check_native_parts
from dovetail_sklearn.reviewed import REVIEWED

FILE = "model.skops"


class EstimatorMaterializer(BaseMaterializer):
    """Store an estimator, fitted or not, as `model.skops`.

    To store one that has parts of your own, say which of them loading may import and make::

        class MyModels(EstimatorMaterializer):
            trusted = (*EstimatorMaterializer.trusted, "steps.features.LogFeatures")

        @step(materializers={"model": MyModels})
        def trainer(...) -> Pipeline: ...

    An entry is a promise about that class: made with any attributes, it does no harm.
    """

    name = "estimator"
    version = 1
    deterministic = True
    trusted: ClassVar[tuple[str, ...]] = REVIEWED

    def save(self, value: BaseEstimator, files: ArtifactWriter) -> None:
        """Write the archive in its canonical form.

        Raises:
            MaterializerError: it is no estimator, skops cannot store it, or it holds a type that is not
                on the list, so that it could not be read.
        """
        if not isinstance(value, BaseEstimator):
            raise MaterializerError(
                f"a {_type_name(value)} is no scikit-learn estimator",
                hint="annotate the output with the type that is returned",
            )
        try:
            archive = skops.io.dumps(value)
        except (TypeError, ValueError, NotImplementedError, RecursionError) as error:
            raise MaterializerError(
                f"skops cannot store {_type_name(value)}: {error}",
                hint="store it by joblib, which is pickle: from dovetail_sklearn.joblib_file import "
                'JoblibMaterializer; @step(materializers={"<output>": JoblibMaterializer})',
            ) from error
        if strange := set(skops.io.get_untrusted_types(data=archive)) - set(self.trusted):
            raise _untrusted(_type_name(value), sorted(strange))
        with files.create(FILE) as stream:
            stream.write(canonical(archive))

    def load(self, annotation: object, files: ArtifactReader) -> BaseEstimator:
        """Read the archive; nothing is imported or made before every type in it was found on the list.

        Raises:
            MaterializerError: it names another type, is no archive, or its native parts would be read
                out of bounds.
        """
        with files.open(FILE) as stream:
            try:
                value = skops.io.load(stream, trusted=list(self.trusted))
            except UntrustedTypesFoundException as error:
                strange = skops.io.get_untrusted_types(file=stream)
                raise _untrusted(FILE, sorted(set(strange) - set(self.trusted))) from error
            except Exception as error:  # a file may make skops and what it builds fail in any way
                raise MaterializerError(
                    f"{FILE!r} holds no estimator that can be read here: {error!r}",
                    hint=f"it may be from another scikit-learn; here is {sklearn.__version__}, "
                    "`dovetail run show` says what the run had",
                ) from error
        check_native_parts(value)
        return value

    def summary(self, value: BaseEstimator) -> dict[str, Any]:
        known = {"estimator": _type_name(value), "sklearn": sklearn.__version__}
        if (features := getattr(value, "n_features_in_", None)) is not None:
            known["features"] = int(features)
        return known


def _untrusted(what: str, types: list[str]) -> MaterializerError:
    return MaterializerError(
        f"{what} holds types that are not reviewed for loading: {', '.join(types)}",
        hint="derive from EstimatorMaterializer and add those you vouch for to `trusted` "
        "(dovetail-sklearn's README shows how)",
    )


def _type_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
