"""Parquet and Feather files, read only once it is known that what they hold fits into memory.

A compressed file of some kilobytes may hold more than any machine has: columns of one value, texts that stand in a
dictionary once and in every row.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Literal

import pandas as pd

from ..errors import InputError

_WIDTH = 8  # bytes of a number, a date, or the place of a text
_BATCH = 1 << 16  # rows whose texts are measured at a time
REMEDY = "read the columns and rows needed yourself, and pass the frame"


def arrow_frame(path: str, content: bytes, kind: Literal["Parquet", "Feather"], most: int) -> pd.DataFrame:
    """Return the frame of a Parquet or Feather file.

    Raises `InputError` if it would take more than `most` bytes, or a column holds lists or records; `ImportError`
    without pyarrow, and errors of pyarrow if it is no such file.

    Parameters
    ----------
    path : str
        Its name, for errors.
    content : bytes
        The file.
    kind : {"Parquet", "Feather"}
        What it is.
    most : int
        Bytes that the frame may take.
    """
    for size in _parquet_sizes(path, content) if kind == "Parquet" else _feather_sizes(content):
        if size > most:
            what = f"would take more than {most / 2**30:.2g} GB in memory"
            raise InputError(path, what, REMEDY)
    read = pd.read_parquet if kind == "Parquet" else pd.read_feather
    return pd.DataFrame(read(io.BytesIO(content)))


def _parquet_sizes(path: str, content: bytes) -> Iterator[int]:
    """Yield ever better lower bounds of the bytes that a Parquet file takes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(content))
    schema, about = file.schema_arrow, file.metadata
    nested = [field.name for field in schema if pa.types.is_nested(field.type)]
    if nested:
        raise InputError(path, f"column {nested[0]!r} holds lists or records", "leave it out")
    yield about.num_rows * about.num_columns * _WIDTH
    groups = [about.row_group(at) for at in range(about.num_row_groups)]
    yield sum(max(group.total_byte_size, 0) for group in groups)
    texts = [field.name for field in schema if _is_text(field.type)]
    if not texts:
        return
    coded = pq.ParquetFile(io.BytesIO(content), read_dictionary=texts)
    size = 0
    for batch in coded.iter_batches(batch_size=_BATCH, columns=texts):
        size += sum(map(_text_size, batch.columns))
        yield size


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def _text_size(column: Any) -> int:
    """Return the bytes of the texts of a column, each as often as it stands there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).cast(pa.int64())
    return int(pc.sum(lengths.take(column.indices)).as_py() or 0)


def _feather_sizes(content: bytes) -> Iterator[int]:
    """Yield ever better lower bounds of the bytes that a Feather file takes; the first before anything is unpacked."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    if not content.startswith(b"ARROW1"):
        return  # of the first version, which nothing compresses
    source = pa.BufferReader(content)
    schema = pa.ipc.open_file(source).schema
    yield int(ds.IpcFileFormat().make_fragment(source).count_rows()) * len(schema) * _WIDTH
    texts = [at for at, field in enumerate(schema) if _is_text(field.type)]
    if not texts:
        return
    file = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=texts))
    size = 0
    for at in range(file.num_record_batches):
        size += sum(map(_text_size, file.get_batch(at).columns))
        yield size
