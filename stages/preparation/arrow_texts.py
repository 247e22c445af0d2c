"""A column of Arrow, as Parquet holds them, as the texts that a CSV table would hold."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from stages.preparation.csv_table import CatalogueError


def texts(column: pa.Array | pa.ChunkedArray, table: str, name: str) -> list[str]:
    """Whole numbers in digits, "" where there is nothing. Raises CatalogueError for what is neither
    text nor number."""
    try:
        return pc.fill_null(column.cast(pa.string()), "").to_pylist()
    except pa.ArrowException as error:
        raise CatalogueError(
            f"{table}: column {name} is {column.type}; expected texts or whole numbers"
        ) from error
