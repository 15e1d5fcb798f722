"""DataFrames and Series of pandas as artifacts."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Materializes, hookimpl


@hookimpl
def dovetail_materializers() -> Iterator[Materializes]:
    """Announce the materializers, under the names of the types in pandas 2 and in pandas 3."""
    yield Materializes(
        "frame",
        contract=1,
        types=("pandas.DataFrame", "pandas.core.frame.DataFrame"),
        implementation="dovetail_pandas.parquet_file:DataFrameMaterializer",
        summary="DataFrames as Parquet files",
    )
    yield Materializes(
        "series",
        contract=1,
        types=("pandas.Series", "pandas.core.series.Series"),
        implementation="dovetail_pandas.parquet_file:SeriesMaterializer",
        summary="Series as Parquet files",
    )
