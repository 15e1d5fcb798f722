"""Anything joblib can store, which is pickle: only for outputs that name it, only from stores you trust."""

from __future__ import annotations

from typing import Any

import joblib

from dovetail.plugin import ArtifactReader, ArtifactWriter, BaseMaterializer

FILE = "model.joblib"


class JoblibMaterializer(BaseMaterializer):
    """Store a value as `model.joblib`. Loading runs code that the file names; nothing chooses it by itself.

    ::

        @step(materializers={"model": JoblibMaterializer})
        def trainer(...) -> Birch: ...
    """

    name = "joblib"
    version = 1
    deterministic = False

    def save(self, value: Any, files: ArtifactWriter) -> None:  # noqa: ANN401 - whatever pickle takes
        with files.create(FILE) as stream:
            joblib.dump(value, stream)

    def load(self, annotation: object, files: ArtifactReader) -> Any:  # noqa: ANN401 - whatever was stored
        with files.open(FILE) as stream:
            return joblib.load(stream)

    def summary(self, value: object) -> dict[str, Any]:
        return {"type": f"{type(value).__module__}.{type(value).__qualname__}"}
