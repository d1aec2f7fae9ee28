"""Tables of a `Fragility`, computed from arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Table
from .._typing import BoolArray, DateArray, FloatArray, IntArray
from ..errors import InputError, check_choice
from ..panel.returns import Returns
from ..sessions import YEAR, SessionYear
from ._select import DIRECTIONS, Direction, Selection
from ._trailing import About

PARTIAL = "* partial year"
_BEGINS, _ENDS = (1, 10), (12, 20)  # a year whose sessions begin later or end earlier is partial


def hits(z: FloatArray, threshold: float, direction: Direction = "absolute") -> BoolArray:
    """Return where z reaches the threshold; False for NaN."""
    check_choice("direction", direction, DIRECTIONS)
    with np.errstate(invalid="ignore"):
        up, down = z >= threshold, z <= -threshold
    return np.asarray({"absolute": up | down, "up": up, "down": down}[direction])


def counts(days: DateArray, z: FloatArray, threshold: float, part: Selection) -> pd.DataFrame:
    """Count the events of each session; see `Fragility.counts`."""
    z = z[part.rows]
    up, down = ((hits(z, threshold, way) & part.counted).sum(axis=1) for way in ("up", "down"))
    n = part.counted.sum(axis=1)
    share = np.divide(up + down, n, out=np.full(len(n), np.nan), where=n > 0)
    columns = {"n_events": up + down, "n_up": up, "n_down": down, "n_securities": n, "share": share}
    return pd.DataFrame(columns, index=_dates(days[part.rows]))[part.known]


def events(market: Returns, volatility: FloatArray, z: FloatArray, threshold: float, part: Selection) -> pd.DataFrame:
    """List the events by date and ticker; see `Fragility.events`."""
    row, column = np.nonzero(hits(z[part.rows], threshold) & part.counted)
    frame = _moves(market, volatility, z, row + part.rows.start, column)
    frame["direction"] = np.where(frame["z"] > 0, "up", "down")
    return frame.sort_values(["date", "ticker"], kind="stable", ignore_index=True)


def ranking(
    market: Returns,
    volatility: FloatArray,
    z: FloatArray,
    threshold: float,
    part: Selection,
    direction: Direction,
    n: int | None,
) -> pd.DataFrame:
    """Rank moves by z; see `Fragility.ranking`."""
    check_choice("direction", direction, DIRECTIONS)
    if n is not None and (isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1):
        raise InputError("n", f"got {n!r}", "give a positive whole number, or None for all moves")
    size = z[part.rows] if direction == "up" else -z[part.rows] if direction == "down" else np.abs(z[part.rows])
    row, column = np.nonzero(_candidates(size, part.counted, direction, n))
    order = np.argsort(-size[row, column], kind="stable")[:n]
    frame = _moves(market, volatility, z, row[order] + part.rows.start, column[order])
    frame["is_event"] = hits(frame["z"].to_numpy(), threshold)
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="rank"))


def _candidates(size: FloatArray, counted: BoolArray, direction: Direction, n: int | None) -> BoolArray:
    """Return a mask that includes the `n` largest moves, so that a full sort is not needed."""
    with np.errstate(invalid="ignore"):
        keep = counted & ((size >= 0) if direction == "absolute" else (size > 0))
        if n is None or keep.sum() <= n:
            return np.asarray(keep)
        return np.asarray(keep & (size >= np.partition(size[keep], -n)[-n]))


def by_year(
    market: Returns, z: FloatArray, window: int, about: About, threshold: float, part: Selection
) -> pd.DataFrame:
    """Compute frequency and size of events by year; see `Fragility.by_year`."""
    z, days, sessions = z[part.rows], market.days[part.rows], market.session_year.n
    event = hits(z, threshold) & part.counted
    row, column = np.nonzero(event)
    size = np.bincount(row, np.abs(z[row, column]), minlength=len(z))
    used = part.counted.any(axis=1)
    year = days.astype("datetime64[Y]").astype(int) + 1970
    rows = [
        {"year": y, **_year(event[at], size[at], part.counted[at], sessions), "partial": _partial(days[at & used])}
        for y in np.unique(year[used])
        for at in [year == y]
    ]
    names = ("year", "n_events", "n_securities", "n_stock_days", "per_stock_year", "mean_size", "partial")
    frame = pd.DataFrame(rows, columns=list(names)).set_index("year")
    frame.insert(5, "fragility", frame["per_stock_year"] * frame["mean_size"])
    frame.insert(6, "expected_per_stock_year", expected_frequency(window, about, threshold, sessions))
    return frame


def expected_frequency(window: int, about: About, threshold: float, sessions: float = YEAR) -> float:
    """Return the expected events per stock-year of so many sessions, under independent normal returns of one variance.

    r_t / s_t then follows Student's t with `window` degrees of freedom (about zero) or ``window - 1`` (about the mean),
    because s_t is independent of r_t. The move r_t is measured from zero in both.
    """
    from scipy import special

    return float(2 * sessions * special.stdtr(window - (about == "mean"), -threshold))


def count_table(frame: pd.DataFrame) -> Table:
    """Return the printed form of `Fragility.counts`."""
    rows = [
        [
            str(r["session"].date()),
            *(str(r[name]) for name in ("n_events", "n_up", "n_down", "n_securities")),
            _format.percent(r["share"], 1).removeprefix("+"),
        ]
        for r in _format.rows(frame)
    ]
    return ["date", "events", "up", "down", "of", "share"], rows, []


def rank_table(frame: pd.DataFrame) -> Table:
    """Return the printed form of `Fragility.ranking`."""
    rows = [
        [
            str(r["rank"]),
            str(r["date"].date()),
            r["ticker"],
            _format.percent(r["return"]),
            _format.percent(r["volatility"]).removeprefix("+"),
            f"{r['z']:+.2f}",
        ]
        for r in _format.rows(frame)
    ]
    return ["rank", "date", "ticker", "return", "volatility", "z"], rows, []


def year_table(frame: pd.DataFrame, year: SessionYear) -> Table:
    """Return the printed form of `Fragility.by_year`."""
    rows = [
        [
            f"{r['year']}{'*' if r['partial'] else ''}",
            f"{r['n_events']:,}",
            str(r["n_securities"]),
            f"{r['n_stock_days']:,}",
            *(
                _format.number(r[name])
                for name in ("per_stock_year", "mean_size", "fragility", "expected_per_stock_year")
            ),
        ]
        for r in _format.rows(frame)
    ]
    head = ["year", "events", "stocks", "stock-days", "per stock-year", "mean |z|", "product", "normal"]
    below = [PARTIAL] if frame["partial"].any() else []
    below.append(f"per stock-year: events in a year of {year}; normal: the same for independent normal returns")
    return head, rows, below


def _moves(market: Returns, volatility: FloatArray, z: FloatArray, row: IntArray, column: IntArray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": market.days[row].astype("datetime64[ns]"),
            "ticker": np.array(market.names, dtype=object)[column],
            "return": market.values[row, column],
            "volatility": volatility[row, column],
            "z": z[row, column],
        }
    )


def _year(event: BoolArray, size: FloatArray, counted: BoolArray, sessions: float) -> dict[str, float | int]:
    n, stock_days = int(event.sum()), int(counted.sum())
    return {
        "n_events": n,
        "n_securities": int(counted.any(axis=0).sum()),
        "n_stock_days": stock_days,
        "per_stock_year": sessions * n / stock_days,
        "mean_size": float(size.sum()) / n if n else np.nan,
    }


def _partial(days: DateArray) -> bool:
    first, last = (pd.Timestamp(day) for day in (days[0], days[-1]))
    return (first.month, first.day) > _BEGINS or (last.month, last.day) < _ENDS


def _dates(days: DateArray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(days.astype("datetime64[ns]"), name="session")
