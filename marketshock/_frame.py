"""A DataFrame that prints itself as a table of the field. Everything else about it is a DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pandas as pd

from . import _format

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[str]], Sequence[str]]
"""Head, rows, and lines below."""

_MOST = 60  # rows; a longer frame prints as pandas prints it


class ReadableFrame(pd.DataFrame):
    """A frame with a printer. What is derived from it, by slicing or otherwise, is a plain DataFrame."""

    _metadata = ("printer",)
    printer: Callable[[pd.DataFrame], Table]

    @classmethod
    def of(cls, frame: pd.DataFrame, printer: Callable[[pd.DataFrame], Table]) -> ReadableFrame:
        """Return the frame with a printer, which turns it into head, rows and lines below."""
        out = cls(frame)
        out.printer = printer
        return out

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def _printed(self) -> Table | None:
        """Return the table; None for a long frame, or one that has been changed in place."""
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
