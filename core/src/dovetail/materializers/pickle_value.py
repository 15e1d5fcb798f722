"""The materializer of last resort, used only by outputs that name it: cloudpickle."""

from __future__ import annotations

from typing import Any

from dovetail.errors import MaterializerError
from dovetail.materializers.base import BaseMaterializer
from dovetail.materializers.files import ArtifactReader, ArtifactWriter
from dovetail.materializers.pickle_script import ScriptPickler, ScriptUnpickler

FILE = "value.pkl"
NAME = "builtin/pickle"


class PickleMaterializer(BaseMaterializer):
    """Stores anything cloudpickle can, in `value.pkl`. Loading it runs what the file says.

    It is used only where `@step(materializers={"model": "pickle"})` names it, and reads only artifacts
    that were recorded as stored by it.
    """

    name = "pickle"
    deterministic = False

    def save(self, value: Any, files: ArtifactWriter) -> None:
        with files.create(FILE) as stream:
            try:
                ScriptPickler(stream).dump(value)
            except Exception as error:  # a class of the user's says how it is pickled
                raise MaterializerError(
                    f"{type(value).__name__!r} cannot be pickled: {error}",
                    hint="return what can be stored, or name another materializer",
                ) from error

    def load(self, annotation: Any, files: ArtifactReader) -> Any:
        stored_by = files.record.materializer.name
        if stored_by != NAME:
            raise MaterializerError(
                f"artifact {files.record.id!r} was stored by {stored_by!r} and is not unpickled",
                hint="pickle reads only what an output was told to store with it",
            )
        with files.open(FILE) as stream:
            return ScriptUnpickler(stream).load()
