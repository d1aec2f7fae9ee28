"""Type aliases shared by all modules."""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
DateArray: TypeAlias = npt.NDArray[np.datetime64]
"""Days (``datetime64[D]``) unless a docstring states another unit."""
StrArray: TypeAlias = npt.NDArray[Any]
"""Text, of dtype object or ``U``."""


class Frame(Protocol):
    """Input of `_native.as_pandas`: a pandas frame, a polars DataFrame or LazyFrame, or a pyarrow Table."""

    @property
    def columns(self) -> Any:
        """Names or columns."""


OnClosed: TypeAlias = Literal["raise", "next", "previous", "drop"]
Timing: TypeAlias = Literal["", "before_open", "during", "after_close"]
CalendarName: TypeAlias = str  # "auto", "NYSE", "index", "24/7" or an exchange's code
Alternative: TypeAlias = Literal["two-sided", "less", "greater"]
Duplicates: TypeAlias = Literal["exclude", "keep"]
Gaps: TypeAlias = Literal["missing", "span", "trade_to_trade"]
OnHalt: TypeAlias = Literal["keep", "reopen", "exclude"]

ON_CLOSED: tuple[OnClosed, ...] = ("raise", "next", "previous", "drop")
TIMINGS: tuple[Timing, ...] = ("", "before_open", "during", "after_close")
CALENDARS: tuple[CalendarName, ...] = ("auto", "NYSE", "index")
ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "less", "greater")
DUPLICATES: tuple[Duplicates, ...] = ("exclude", "keep")
GAPS: tuple[Gaps, ...] = ("missing", "span", "trade_to_trade")
ON_HALT: tuple[OnHalt, ...] = ("keep", "reopen", "exclude")
