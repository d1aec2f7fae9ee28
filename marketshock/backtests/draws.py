"""Random dates for placebo trades: drawn without replacement, with other securities, or by shifting the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import InputError
from .market import Market

Match: TypeAlias = Literal["ticker", "weekday", "volatility"]
MATCHES: tuple[Match, ...] = get_args(Match)

_WINDOW = 63  # sessions of the volatility that is matched
_BINS = 5


@dataclass(frozen=True, slots=True)
class Group:
    """The traded events of one date: session, and securities."""

    row: int
    columns: tuple[int, ...]


Drawn: TypeAlias = tuple[IntArray, IntArray, IntArray]
"""Of every placebo event: draw, session, column of the table."""


def drawn_dates(
    market: Market,
    groups: list[Group],
    place: dict[int, int],
    table: FloatArray,
    draws: int,
    match: tuple[Match, ...],
    rng: np.random.Generator,
) -> Drawn:
    """Draw dates; groups with the same securities and the same candidates share no date within a draw."""
    strata: dict[tuple[tuple[int, ...], bytes], int] = {}
    candidates: dict[tuple[tuple[int, ...], bytes], BoolArray] = {}
    for group in groups:
        there = np.asarray(np.isfinite(table[:, [place[c] for c in group.columns]]).all(axis=1))
        mask = there & _alike(market, group, there, match)
        key = (group.columns, mask.tobytes())
        strata[key], candidates[key] = strata.get(key, 0) + 1, mask
    parts = []
    for key, k in strata.items():
        rows = np.flatnonzero(candidates[key])
        if len(rows) < max(k, 2):
            what = f"{len(rows)} dates can be drawn for {k} of the events"
            raise InputError("match", what, "match less, or give a longer history")
        chosen = _without_replacement(rng, len(rows), k, draws)
        parts.append(_spread(rows[chosen], [place[c] for c in key[0]]))
    draw, row, column = (np.concatenate(part) for part in zip(*parts, strict=True))
    return draw, row, column


def _without_replacement(rng: np.random.Generator, n: int, k: int, draws: int) -> IntArray:
    """Return `draws` samples of k of n, (draws, k)."""
    if k == 1:
        return rng.integers(0, n, (draws, 1))
    out = np.empty((draws, k), np.int64)
    step = max(1, 2**22 // n)
    for lo in range(0, draws, step):
        some = min(step, draws - lo)
        out[lo : lo + some] = rng.random((some, n)).argpartition(k - 1, axis=1)[:, :k] if k < n else np.arange(n)
    return out


def _spread(rows: IntArray, columns: list[int]) -> Drawn:
    """Return draw, session and column of each event of groups at `rows`, (draws, k)."""
    n_draws, k = rows.shape
    draw = np.repeat(np.arange(n_draws), k * len(columns))
    return draw, np.repeat(rows.ravel(), len(columns)), np.tile(np.array(columns), n_draws * k)


def _alike(market: Market, group: Group, there: BoolArray, match: tuple[Match, ...]) -> BoolArray:
    """Return which sessions are like that of a group, (T,)."""
    keep = np.ones(len(there), dtype=bool)
    if "weekday" in match:
        weekday = (market.days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        keep &= weekday == weekday[group.row]
    if "volatility" in match:
        own = [c for c in group.columns if c < len(market.names)] or list(range(len(market.names)))
        score = _rank(market.volatility(_WINDOW, _WINDOW)[:, own], there)
        if np.isnan(score[group.row]):
            what = f"has no volatility of {_WINDOW} sessions on {market.days[group.row]}"
            raise InputError("match", what, "match without 'volatility', or give a longer history")
        edges = np.nanquantile(score[there], np.linspace(0, 1, _BINS + 1)[1:-1])
        bins = np.where(np.isnan(score), -1, np.searchsorted(edges, score, side="right"))
        keep &= bins == bins[group.row]
    return keep


def _rank(volatility: FloatArray, there: BoolArray) -> FloatArray:
    """Return the mean over securities of each session's rank by volatility among `there`, (T,), from 0 to 1."""
    out = np.full(len(volatility), np.nan)
    known = np.isfinite(volatility).all(axis=1)
    among = np.sort(volatility[there & known], axis=0)
    if len(among):
        ranks = [np.searchsorted(among[:, k], volatility[known, k], side="left") for k in range(volatility.shape[1])]
        out[known] = np.mean(ranks, axis=0) / len(among)
    return out


def drawn_pairs(
    market: Market,
    groups: list[Group],
    table: FloatArray,
    draws: int,
    match: tuple[Match, ...],
    rng: np.random.Generator,
) -> Drawn:
    """Draw dates and, on each, as many securities as the events of a date had."""
    there = np.isfinite(table)
    parts = []
    for number, group in enumerate(groups):
        k = len(group.columns)
        enough = np.asarray(there.sum(axis=1) >= k)
        rows = np.flatnonzero(enough & _alike(market, group, enough, match))
        if len(rows) < 2:
            what = f"{len(rows)} dates can be drawn for event date {number + 1}"
            raise InputError("match", what, "match less, or give a longer history")
        row = rows[rng.integers(0, len(rows), draws)]
        keys = np.where(there[row], rng.random((draws, table.shape[1])), 2.0)
        column = keys.argpartition(k - 1, axis=1)[:, :k] if k < table.shape[1] else np.tile(np.arange(k), (draws, 1))
        parts.append((np.repeat(np.arange(draws), k), np.repeat(row, k), column.ravel()))
    draw, rows, columns = (np.concatenate(part) for part in zip(*parts, strict=True))
    return draw, rows, columns


def shifted_dates(
    groups: list[Group], place: dict[int, int], table: FloatArray, draws: int, rng: np.random.Generator
) -> Drawn:
    """Shift all dates together, round the ends of the sessions on which some trade ends inside the prices."""
    usable = np.flatnonzero(np.isfinite(table).any(axis=1))
    first, n = int(usable[0]), int(usable[-1] - usable[0] + 1)
    if n < 20:
        raise InputError("how", f"got 'shift', and {n} sessions can be traded", "give a longer history")
    steps = np.arange(1, n)
    if draws < len(steps):
        steps = np.sort(rng.choice(steps, draws, replace=False))
    row = np.repeat([g.row for g in groups], [len(g.columns) for g in groups])
    column = np.array([place[c] for g in groups for c in g.columns])
    moved = first + (row[None] - first + steps[:, None]) % n
    return np.repeat(np.arange(len(steps)), len(row)), moved.ravel(), np.tile(column, len(steps))
