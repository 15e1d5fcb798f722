"""Arrays of the standard library as artifacts."""

from collections.abc import Iterator

from dovetail.plugin import Materializes, hookimpl


@hookimpl
def dovetail_materializers() -> Iterator[Materializes]:
    """Announce what stores arrays."""
    yield Materializes(
        "array",
        contract=1,
        types=("array.array",),
        implementation="dovetail_array.raw_file:ArrayMaterializer",
        summary="arrays of the standard library as raw bytes",
    )
