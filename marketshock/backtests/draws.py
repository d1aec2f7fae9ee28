"""Random dates for placebo trades, drawn without replacement, with random securities, or as shifts of the calendar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import InputError, check_count
from .market import Market

Match: TypeAlias = Literal["ticker", "weekday", "volatility"]
MATCHES: tuple[Match, ...] = get_args(Match)

_WINDOW = 63  # sessions of the matched volatility
_BINS = 5
_AGAIN = 50  # attempts to replace dates that coincide


@dataclass(frozen=True, slots=True)
class Group:
    """The traded events of one date: session, kinds (columns of the table of returns), securities."""

    row: int
    kinds: tuple[int, ...]
    columns: tuple[int, ...]


Drawn: TypeAlias = tuple[IntArray, IntArray, IntArray]
"""Placebo events: draw, session and kind (column of the table of returns) of each."""


def check_draws(draws: object, parameter: str = "draws") -> None:
    """Raise `InputError` unless `draws` is a whole number from 19 to a million."""
    check_count(parameter, draws, 19, 10**6)


def generator(seed: object) -> np.random.Generator:
    """Return the generator of a seed. Raises `InputError` if `seed` is neither a whole number nor a Generator."""
    try:
        return np.random.default_rng(seed)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InputError("seed", f"got {seed!r}", "give a whole number, or a numpy Generator") from error


def drawn_dates(
    market: Market,
    groups: list[Group],
    column: IntArray,
    table: FloatArray,
    draws: int,
    match: tuple[Match, ...],
    rng: np.random.Generator,
) -> Drawn:
    """Draw dates; a draw contains a security at most once per date where possible.

    Groups with the same kinds and candidate dates are drawn without replacement. If groups of different kinds share a
    security and fall on the same date, the later one is drawn again.
    """
    strata: dict[tuple[tuple[int, ...], bytes], int] = {}
    candidates: dict[tuple[tuple[int, ...], bytes], IntArray] = {}
    labels: dict[Group, tuple[BoolArray, IntArray]] = {}  # by all but the session
    for group in groups:
        alike = replace(group, row=0)
        if alike not in labels:
            there = np.asarray(np.isfinite(table[:, list(group.kinds)]).all(axis=1))
            labels[alike] = there, _labels(market, group.columns, there, match)
        there, label = labels[alike]
        if label[group.row] < 0:
            what = f"has no volatility of {_WINDOW} sessions on {market.days[group.row]}"
            raise InputError("match", what, "match without 'volatility', or give a longer history")
        mask = there & (label == label[group.row])
        key = (group.kinds, mask.tobytes())
        strata[key], candidates[key] = strata.get(key, 0) + 1, np.flatnonzero(mask)
    rows = []
    for key, k in strata.items():
        if len(candidates[key]) < max(k, 2):
            what = f"{len(candidates[key])} dates can be drawn for {k} of the events"
            raise InputError("match", what, "match less, or give a longer history")
        rows.append(candidates[key][_without_replacement(rng, len(candidates[key]), k, draws)])
    keys = list(strata)
    for _ in range(_AGAIN):
        clash = _clashes(keys, rows, column)
        if not clash:
            break
        for at, where in clash:
            rows[at][where] = rng.choice(candidates[keys[at]], len(where[0]))
    parts = [_spread(row, list(key[0])) for key, row in zip(keys, rows, strict=True)]
    draw, row, kind = (np.concatenate(part) for part in zip(*parts, strict=True))
    return draw, row, kind


def _clashes(
    keys: list[tuple[tuple[int, ...], bytes]], rows: list[IntArray], column: IntArray
) -> list[tuple[int, tuple[IntArray, IntArray]]]:
    """Return, by stratum, the groups that share date and security with an earlier group."""
    taken: dict[int, list[IntArray]] = {}
    out = []
    for at, ((kinds, _), row) in enumerate(zip(keys, rows, strict=True)):
        own = {int(column[k]) for k in kinds}
        others = [r for c in own for r in taken.get(c, [])]
        clash = np.zeros(row.shape, dtype=bool)
        for other in others:
            clash |= (row[:, :, None] == other[:, None, :]).any(axis=2)
        for j in range(1, row.shape[1]):
            clash[:, j] |= (row[:, j, None] == row[:, :j]).any(axis=1)
        if clash.any():
            out.append((at, (np.nonzero(clash)[0], np.nonzero(clash)[1])))
        for c in own:
            taken.setdefault(c, []).append(row)
    return out


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
    """Return draw, session and kind of each event of groups at `rows`, (draws, k)."""
    n_draws, k = rows.shape
    draw = np.repeat(np.arange(n_draws), k * len(columns))
    return draw, np.repeat(rows.ravel(), len(columns)), np.tile(np.array(columns), n_draws * k)


def _labels(market: Market, columns: tuple[int, ...], there: BoolArray, match: tuple[Match, ...]) -> IntArray:
    """Return a label of each session, (T,); sessions with equal labels match, -1 is a session without volatility."""
    label = np.zeros(len(there), dtype=np.int64)
    if "volatility" in match:
        own = [c for c in columns if c < len(market.names)] or list(range(len(market.names)))
        score = _rank(market.volatility(_WINDOW, _WINDOW)[:, own], there)
        ranked = score[there & np.isfinite(score)]
        edges = np.quantile(ranked, np.linspace(0, 1, _BINS + 1)[1:-1]) if len(ranked) else np.empty(0)
        label = np.where(np.isnan(score), -1, np.searchsorted(edges, score, side="right"))
    if "weekday" in match:
        weekday = (market.days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        label = np.where(label < 0, -1, 7 * label + weekday)
    return label


def _rank(volatility: FloatArray, there: BoolArray) -> FloatArray:
    """Return each session's rank by volatility among `there`, from 0 to 1, averaged over securities, (T,)."""
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
    """Draw dates, distinct where there are enough, and on each as many securities as the events of that date."""
    there = np.isfinite(table)
    n_there = there.sum(axis=1)
    rows = np.empty((draws, len(groups)), np.int64)
    for number, group in enumerate(groups):
        enough = np.asarray(n_there >= len(group.kinds))
        label = _labels(market, group.columns, enough, match)
        candidates = np.flatnonzero(enough & (label == label[group.row]))
        if len(candidates) < 2:
            what = f"{len(candidates)} dates can be drawn for event date {number + 1}"
            raise InputError("match", what, "match less, or give a longer history")
        rows[:, number] = rng.choice(candidates, draws)
        for _ in range(_AGAIN):
            again = np.flatnonzero((rows[:, number, None] == rows[:, :number]).any(axis=1))
            if not len(again) or len(candidates) <= number:
                break
            rows[again, number] = rng.choice(candidates, len(again))
    parts = []
    for number, group in enumerate(groups):
        k, row = len(group.kinds), rows[:, number]
        order = np.where(there[row], rng.random((draws, table.shape[1])), 2.0)
        kind = order.argpartition(k - 1, axis=1)[:, :k] if k < table.shape[1] else np.tile(np.arange(k), (draws, 1))
        parts.append((np.repeat(np.arange(draws), k), np.repeat(row, k), kind.ravel()))
    draw, row, kind = (np.concatenate(part) for part in zip(*parts, strict=True))
    return draw, row, kind


def shifted_dates(groups: list[Group], table: FloatArray, draws: int, rng: np.random.Generator) -> Drawn:
    """Shift all dates together; dates that leave the sessions that can be traded re-enter at the other end."""
    usable = np.flatnonzero(np.isfinite(table).any(axis=1))
    first, n = int(usable[0]), int(usable[-1] - usable[0] + 1)
    if n < 20:
        raise InputError("how", f"got 'shift', and {n} sessions can be traded", "give a longer history")
    steps = np.arange(1, n)
    if draws < len(steps):
        steps = np.sort(rng.choice(steps, draws, replace=False))
    row = np.repeat([g.row for g in groups], [len(g.kinds) for g in groups])
    kind = np.array([k for g in groups for k in g.kinds])
    moved = first + (row[None] - first + steps[:, None]) % n
    return np.repeat(np.arange(len(steps)), len(row)), moved.ravel(), np.tile(kind, len(steps))
