"""DataFrame with a formatted printed form; in all other respects an ordinary DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pandas as pd

from . import _format

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[str]], Sequence[str]]
"""Column heads, rows, and notes below the table."""

_MOST = 60  # rows; a longer frame has the printed form of pandas


class ReadableFrame(pd.DataFrame):
    """DataFrame with a printer. Frames derived from it, by slicing or otherwise, are plain DataFrames."""

    _metadata = ("printer",)
    printer: Callable[[pd.DataFrame], Table]

    @classmethod
    def of(cls, frame: pd.DataFrame, printer: Callable[[pd.DataFrame], Table]) -> ReadableFrame:
        """Return the frame with a printer, a function that converts it to a `Table`."""
        out = cls(frame)
        out.printer = printer
        return out

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def _printed(self) -> Table | None:
        """Return the table, or None for an empty or long frame and for one that was changed in place."""
        if not 0 < len(self) <= _MOST:
            return None
        try:
            return self.printer(self)
        except (KeyError, AttributeError, TypeError):
            return None

    def __repr__(self) -> str:
        printed = self._printed()
        if printed is None:
            return str(pd.DataFrame(self).__repr__())
        head, rows, below = printed
        notes = [_format.wrapped(line, "  ") for line in below]
        return "\n".join([_format.text_table(head, rows), *([""] if notes else []), *notes])

    def _repr_html_(self) -> str:
        printed = self._printed()
        if printed is None:
            return str(pd.DataFrame(self)._repr_html_())  # type: ignore[operator]
        head, rows, below = printed
        return _format.html_table("\n".join(below), head, rows)

    def __reduce__(self) -> Any:
        return pd.DataFrame(self).__reduce__()
