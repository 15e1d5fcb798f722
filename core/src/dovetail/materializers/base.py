"""What every materializer is: it writes a value into the files of an artifact, and reads it back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from dovetail.errors import MaterializerError
from dovetail.materializers.files import ArtifactReader, ArtifactWriter
from dovetail.materializers.fitting import misfit
from dovetail.materializers.type_names import type_name


class BaseMaterializer(ABC):
    """Stores values of some types. Subclass it, and announce it or name it in `@step(materializers=...)`.

    An implementation owes:

    1. `load` gives back a value equal to the one that `save` got, in another process, on another machine.
    2. Nothing that is read is executed: no pickle, no class imported because the data names it.
    3. One value saved twice, in two processes, gives equal bytes; where the format does not allow that,
       `deterministic` is False.
    4. A value that it could not give back whole is refused with MaterializerError.
    5. `load` reads what every smaller `version` has written; `files.version` says which it was.

    It has no arguments and keeps no state.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True

    @abstractmethod
    def save(self, value: Any, files: ArtifactWriter) -> None:
        """Write the value. `files.annotation` is the declared type of the output, Any where not known."""

    @abstractmethod
    def load(self, annotation: Any, files: ArtifactReader) -> Any:
        """Read the value. `annotation` is the type that whoever loads it declared, Any where none."""

    def check(self, value: Any, annotation: Any) -> None:
        """Raise MaterializerError where the value is not what the output declares; called before `save`."""
        if (problem := misfit(value, annotation)) is not None:
            raise MaterializerError(
                f"an output declared {type_name(annotation)!r} got a value that is not: {problem}",
                hint="return what is declared, or declare what is returned",
            )

    def summary(self, value: Any) -> dict[str, Any]:
        """Return what to show of a value without loading it, in JSON values: shape, rows, columns."""
        del value
        return {}
