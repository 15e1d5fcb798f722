"""NumPy arrays and scalars as artifacts."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Materializes, hookimpl


@hookimpl
def dovetail_materializers() -> Iterator[Materializes]:
    """Announce the materializers of arrays and of scalars."""
    yield Materializes(
        "array",
        contract=1,
        types=("numpy.ndarray",),
        implementation="dovetail_numpy.npy_file:ArrayMaterializer",
        summary="arrays as .npy files, without pickle",
    )
    yield Materializes(
        "scalar",
        contract=1,
        types=("numpy.generic",),
        implementation="dovetail_numpy.npy_file:ScalarMaterializer",
        summary="scalars as .npy files, without pickle",
    )
