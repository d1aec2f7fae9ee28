"""Is this a price series? Moves, gaps and repeated closes that no market made, found by ticker and day.

The rules, their thresholds and how often each is wrong on real series are in docs/data.md, "Checks of your own prices".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray, IntArray
from .found import NOTE, REFUSE, WARN, PriceFinding

#: Stand for a missing value in some files. Negative ones are refused as prices already.
POSITIVE_CODES = (
    *(99.99, 999.0, 999.9, 999.99, 9999.0, 9999.9, 9999.99, 99999.0, 99999.9, 99999.99),
    *(999999.0, 999999.99, 9999999.0, 9999999.99, 99999999.0, 1e20),
)

_SIDE, _NEED = 60, 20  # sessions on each side that tell the usual size of a move, and how many of them it needs
_SHORT = 0.03  # usual size where there are fewer
_LEVEL = 10  # sessions on each side that tell the level
_BACK = 3  # sessions within which a spike is back
_PAIR = 250  # sessions within which another unit is back
_GAP = 20  # sessions without a price
_LIVELY = 0.3  # share of equal closes from which a series is not lively
_STALE, _LONG = 5, 10  # equal closes
_CHUNK = 64  # columns at a time
_NEAR_SPLIT = 5  # days around the date of a known split
_RATIOS = (1.5, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100)
_STEPS = np.log(np.array([*_RATIOS, *(1 / q for q in _RATIOS)]))
_TWICE, _TEN, _HUNDRED = np.log(2.0), np.log(10.0), np.log(100.0)
_LEAST = np.log(1.5) - 0.06  # no rule reads a smaller move
_MOST_UP, _MOST_DOWN = np.exp(_LEAST), np.exp(-_LEAST)
_SPLIT_Z, _SPIKE_Z, _JUMP_Z = 15.0, 10.0, 25.0
_FAR_Z = 8.0  # usual moves that a wrong unit is away: a series of larger moves makes x10 itself
_NEAREST = 0.2  # log units from 10 or 100, at most: beyond it is another factor, however a series moves
_BESIDE = 5  # sessions on each side that tell whether a series jumps about
_TICKS = 4  # units of the last decimal place below which a price is too coarse to tell a factor
_LEAST_OF_SPLIT = np.log(7.5)
_QUIET_DOLLARS, _STEP_OF_SHARES, _BUSY = 4.0, 0.5, 2.0  # what volume tells of a split, see `_volume_says`


def suspects(values: FloatArray, columns: IntArray | None = None) -> BoolArray:
    """Return which columns hold a move, a gap or equal closes that the rules have to look at: one pass, (S,).

    Parameters
    ----------
    values : ndarray of shape (T, S)
        Positive closes, NaN where missing.
    columns : ndarray of shape (n,), optional
        Which to look at, all by default; the answer is then (n,).
    """
    which = np.arange(values.shape[1]) if columns is None else columns
    parts = [_suspects(values[:, which[k : k + _CHUNK]]) for k in range(0, len(which), _CHUNK)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _suspects(values: FloatArray) -> BoolArray:
    with np.errstate(all="ignore"):  # absurd prices
        ratio = values[1:] / values[:-1]
        found = _any_column((ratio > _MOST_UP) | (ratio < _MOST_DOWN))
        found |= _any_column(_four_in_a_row(ratio == 1.0))
        if not np.isnan(ratio.sum()):
            return found
        there = np.isfinite(values)
        again = there[1:] & ~there[:-1]
        gaps = np.flatnonzero(again.sum(axis=0) > ~there[0])  # of the first price nothing is missing
        if len(gaps):  # over a gap no ratio was taken
            ratio = values[1:, gaps] / pd.DataFrame(values[:-1, gaps]).ffill().to_numpy()
            found[gaps] |= ((ratio > _MOST_UP) | (ratio < _MOST_DOWN)).any(axis=0)
            found[gaps] |= np.count_nonzero(ratio == 1.0, axis=0) >= _STALE - 1
    return found


def _any_column(which: BoolArray) -> BoolArray:
    return np.asarray(which.any(axis=0) if which.any() else np.zeros(which.shape[1], dtype=bool))


def _four_in_a_row(same: BoolArray) -> BoolArray:
    """Return where four steps in a row are none: five equal closes, see `_STALE`."""
    if np.count_nonzero(same) < _STALE - 1:
        return same[:0]
    two = same[1:] & same[:-1]
    return np.asarray(two[2:] & two[:-2])


@dataclass(frozen=True)
class Series:
    """Prices of one security on the days that have one: n of them."""

    ticker: str
    day: DateArray  # (n,), datetime64[D]
    price: FloatArray  # (n,), positive
    volume: FloatArray | None  # (n,): shares traded, NaN where not known
    split_days: DateArray  # (m,): known splits, spin-offs among them
    split_ratios: FloatArray  # (m,)

    @classmethod
    def of(
        cls,
        ticker: str,
        days: DateArray,
        values: FloatArray,
        volume: FloatArray | None,
        splits: tuple[DateArray, FloatArray],
    ) -> Series:
        """Return the series of a column; a weekend's row that repeats the one before is none of it."""
        known = np.flatnonzero(np.isfinite(values))
        weekend = (days[known].astype(np.int64) + 3) % 7 >= 5  # day 0 of the epoch was a Thursday
        repeated = np.concatenate([[False], values[known][1:] == values[known][:-1]])
        kept = known[~(weekend & repeated)]
        shares = None if volume is None or not np.isfinite(volume[kept]).any() else volume[kept]
        return cls(ticker, days[kept], values[kept], shares, *splits)

    @cached_property
    def move(self) -> FloatArray:
        """Log of each price over the one before, (n,); 0 for the first."""
        return np.diff(np.log(self.price), prepend=np.log(self.price[:1]))

    @cached_property
    def _weekdays(self) -> IntArray:
        """From each day to the next, (n - 1,)."""
        return np.busday_count(self.day[:-1], self.day[1:])

    @cached_property
    def _usual_step(self) -> float:
        return max(median(self._weekdays), 1.0)

    @property
    def is_daily(self) -> bool:
        """Whether most rows are a weekday apart: the rules are made for daily closes."""
        return self._usual_step < 1.5

    @property
    def skipped(self) -> FloatArray:
        """Steps of the usual length without a price before each, (n,); weekends are none."""
        return np.concatenate([[0.0], self._weekdays / self._usual_step - 1])


@dataclass(frozen=True, slots=True)
class _Place:
    """What surrounds a move."""

    at: int
    move: float  # log of the price over the one before
    usual: float  # s: usual absolute move of the sessions around
    back: int  # sessions until the price is back, 0 if it is not within three
    stays: bool  # whether the level changes by the move
    top: bool  # whether no other move around is as large
    lively: bool
    judged: bool  # whether there are enough moves around to tell the usual size

    @property
    def size(self) -> float:
        return abs(self.move)

    @property
    def z(self) -> float:
        return self.size / self.usual


def findings_of(series: Series, first: np.datetime64, last: np.datetime64) -> list[PriceFinding]:
    """Return what is found in a series on the days `first` to `last`, both included, by day."""
    if len(series.price) < 2:
        return []
    lo, hi = np.searchsorted(series.day, first), np.searchsorted(series.day, last, side="right")
    large = np.flatnonzero(np.abs(series.move) > _LEAST)
    coded, taken = _coded(series)
    stale = [f for f in _stale(series, int(lo), int(hi)) if all(f.day != code.day for code in coded)]
    found: list[PriceFinding] = [*stale, *coded]
    returning, earliest = -1, max(int(lo) - _BACK, 1)
    for at in large[(large >= earliest) & (large < hi)]:
        if at <= returning or int(at) in taken:
            continue  # the way back is no move of its own
        place = _place(series, int(at))
        finding = _judged(series, place, large)
        if finding is not None:
            found.append(finding if series.is_daily else _of_longer_steps(finding))
            returning = at + place.back if finding.rule in ("tick", "spike_x2") else returning
    found = [f for f in found if f.reach[1] >= first and f.reach[0] <= last]
    return sorted(found, key=lambda f: (str(f.day), f.rule))


def _of_longer_steps(finding: PriceFinding) -> PriceFinding:
    """Return a finding on weekly or monthly rows as a note, unless a split table or volume supports it."""
    if finding.supported or finding.severity == NOTE:
        return finding
    return replace(finding, severity=NOTE, cause=f"{finding.cause} (rows are not daily: judged as daily closes)")


def _place(series: Series, at: int) -> _Place:
    move = series.move
    around = np.concatenate([move[max(at - _SIDE, 1) : at], move[at + 1 : at + 1 + _SIDE]])
    sizes = np.abs(around)
    moving = sizes[sizes > 0]
    usual = 1.4826 * median(moving) if len(moving) >= _NEED else _SHORT
    size = abs(float(move[at]))
    from_before = np.abs(np.log(series.price[at + 1 : at + 1 + _BACK] / series.price[at - 1]))
    near = np.flatnonzero(from_before < min(4 * usual + 0.02, size / 4))
    before, after = series.price[max(at - _LEVEL, 0) : at], series.price[at : at + _LEVEL]
    level = float(np.log(median(after) / median(before)))
    return _Place(
        at,
        float(move[at]),
        max(usual, 1e-6),
        int(near[0]) + 1 if len(near) else 0,
        abs(level - float(move[at])) < 0.15 * size + 2 * usual,
        size > float(sizes.max(initial=0.0)),
        len(moving) > (1 - _LIVELY) * len(sizes) or len(sizes) < _NEED,
        len(moving) >= _NEED,
    )


def _power(series: Series, place: _Place, slack: float) -> float | None:
    """Return the log of 10 or 100 that a move is of, within `slack` and three usual moves; None if of neither.

    None too where moves of this size are the series' own, or its prices are too coarse to tell.
    """
    near = min(slack + 3 * place.usual, _NEAREST)
    if place.z < _FAR_Z:
        return None
    power = next((power for power in (_TEN, _HUNDRED) if abs(place.size - power) < near), None)
    return None if power is None or _is_coarse(series, place.at) or _is_wild(series, place) else power


def _is_wild(series: Series, place: _Place) -> bool:
    """Return whether a third of the move is usual on the days beside it, as for a yield near zero."""
    beside = np.abs(series.move[max(place.at - _BESIDE, 1) : place.at + 1 + _BESIDE])
    wrong = (np.abs(beside - _TEN) < _NEAREST) | (np.abs(beside - _HUNDRED) < _NEAREST)  # in and out of another unit
    return bool((beside[~wrong] > place.size / 3).any())


def _is_coarse(series: Series, at: int) -> bool:
    """Return whether the lower price of a move is a few units of the last place, or what the series often stands at.

    From .01 to .10 on a grid of cents is no misprint, nor is a yield that leaves its floor.
    """
    around = series.price[max(at - 1 - _SIDE, 0) : at + 1 + _SIDE]
    low = float(min(series.price[at - 1], series.price[at]))
    places = next((d for d in range(9) if np.allclose(around, np.round(around, d), rtol=1e-12, atol=0)), None)
    few = places is not None and low < (_TICKS - 0.5) * 10.0**-places
    floor = low <= float(around.min()) and np.count_nonzero(np.diff(np.flatnonzero(around == low)) > 1) >= _BACK - 1
    return bool(few or floor)


def _judged(series: Series, place: _Place, large: IntArray) -> PriceFinding | None:
    """Return what a move is, None if it is nothing to say."""
    if series.skipped[place.at] >= _GAP:
        return _gap(series, place)
    if place.back and _power(series, place, 0.06) is not None:
        after = f"and back {_sessions(place.back)} later: a misplaced decimal point, or a wrong unit"
        return _made(series, place, "tick", after, REFUSE, place.back)
    partner = _partner(series, place, large)
    if partner >= 0:
        end = "back on" if partner > place.at else "away since"
        what = f"{end} {series.day[partner]}: days in another unit, such as pence and pounds"
        return _made(series, place, "unit_pair", what, REFUSE)
    volume = _volume_says(series, place)
    if _power(series, place, 0.1) == _HUNDRED and place.stays and volume != "split":
        return _made(series, place, "unit", "and it stays: another unit, such as pence and pounds", REFUSE)
    step = _split_step(place)
    if step is not None:
        return _split(series, place, step, volume)
    if not place.judged:
        return None
    if place.size >= _TWICE and place.back and place.z > _SPIKE_Z:
        after = f"and back {_sessions(place.back)} later: a wrong close, or two large moves"
        return _made(series, place, "spike_x2", after, WARN, place.back)
    if place.size >= _TWICE and place.stays and place.z > _JUMP_Z:
        severity = WARN if place.size > _LEAST_OF_SPLIT else NOTE
        return _made(series, place, "jump_x2", "and it stays, near no split ratio: news, or a wrong series", severity)
    return None


def _made(series: Series, place: _Place, rule: str, cause: str, severity: str, back: int = 0) -> PriceFinding:
    size = float(np.exp(place.move))
    day, last = series.day[place.at], series.day[min(place.at + back, len(series.day) - 1)]
    return PriceFinding(series.ticker, day, rule, size, f"x{size:.4g} {cause}", severity, day, last)


def _gap(series: Series, place: _Place) -> PriceFinding | None:
    if place.size < _TWICE:
        return None
    what = (
        f"over {int(series.skipped[place.at])} sessions without a price (since {series.day[place.at - 1]}): "
        "a symbol that was another security before"
    )
    return _made(series, place, "gap_level", what, WARN)


def _coded(series: Series) -> tuple[list[PriceFinding], set[int]]:
    """Return the runs of a positive code, and the moves into and out of them.

    A value is taken for a code where the price comes from and returns to a level of its own; at an end of the series
    where the other side is another level.
    """
    found: list[PriceFinding] = []
    taken: set[int] = set()
    is_code = np.isin(series.price, POSITIVE_CODES)
    if not is_code.any():
        return found, taken
    starts, lengths = _runs(is_code)
    for start, n in zip(starts, lengths, strict=True):
        last, end = start + n - 1, start + n  # `end` is the first price after it
        before = float(np.log(series.price[start] / series.price[start - 1])) if start else None
        after = float(np.log(series.price[last] / series.price[end])) if end < len(series.price) else None
        sides = [abs(step) for step in (before, after) if step is not None]
        if not sides or min(sides) <= _TWICE:
            continue
        if before is not None and after is not None and abs(before - after) > min(sides) / 4:
            continue
        taken.update((int(start), int(end)))
        times = f" ({n} rows, until {series.day[last]})" if n > 1 else ""
        size = float(np.exp(before)) if before is not None else np.nan
        cause = f"{series.price[start]:g}, a missing-value code{times}"
        until = series.day[min(end, len(series.day) - 1)]
        day = series.day[start]
        found.append(PriceFinding(series.ticker, day, "codes", size, cause, REFUSE, day, until))
    return found, taken


def _partner(series: Series, place: _Place, large: IntArray) -> int:
    """Return the move by which a series in another unit is back, or by which it left; -1 if there is none."""
    near, power = min(0.1 + 3 * place.usual, _NEAREST), _power(series, place, 0.1)
    if power is None:
        return -1
    other = large[(large != place.at) & (np.abs(large - place.at) <= _PAIR)]
    opposite = other[np.abs(series.move[other] + np.sign(place.move) * power) < near]
    return int(opposite[np.argmin(np.abs(opposite - place.at))]) if len(opposite) else -1


def _split_step(place: _Place) -> float | None:
    """Return the log of the split ratio that a move is near to, None if it is no step of a split."""
    nearest = float(_STEPS[np.argmin(np.abs(_STEPS - place.move))])
    near = abs(place.move - nearest) < min(3 * place.usual, 0.06)
    plain = place.stays and place.z > _SPLIT_Z and place.top and place.lively
    large = abs(nearest) > _LEAST_OF_SPLIT
    return nearest if near and plain and (place.judged or large) else None


def _split(series: Series, place: _Place, step: float, volume: str) -> PriceFinding | None:
    ratio = float(np.exp(abs(step)))
    rule = "split_8plus" if ratio > 7.5 else "split_2to7" if ratio > 1.75 else "split_1.5"
    like = f"{'1/' if step < 0 else ''}{ratio:g}" if rule != "split_1.5" else ("3/2" if step > 0 else "2/3")
    kind = f"{ratio:g} for 1" if step < 0 else f"1 for {ratio:g}"
    known = _known_split(series, place)
    if known is not None:
        if not known:
            return None  # the table decides
        what = f"near {like}, beside a known split: the closes are not adjusted for it, or twice"
        return replace(_made(series, place, rule, what, REFUSE), supported=True)
    if volume == "news":
        return None
    if volume == "bases" and rule != "split_8plus":
        what = f"near {like}, and it stays, on no more shares than usual: volume is adjusted for a split and closes not"
        return _made(series, place, "volume_basis", what, WARN)
    if volume == "split":
        what = f"near {like}, and shares traded step by as much: a split of {kind} not applied"
        return replace(_made(series, place, rule, what, WARN), supported=True)
    what = f"near {like}, and it stays: a split of {kind} not applied, or news"
    return _made(series, place, rule, what, WARN if rule == "split_8plus" else NOTE)


def _known_split(series: Series, place: _Place) -> bool | None:
    """Return whether a known split near the day has the ratio of the move; None where no split is known near it."""
    near = np.abs((series.split_days - series.day[place.at]).astype(np.int64)) <= _NEAR_SPLIT
    if not near.any():
        return None
    steps = np.log(series.split_ratios[near])
    return bool((np.abs(np.abs(steps) - place.size) < 0.06 + 3 * place.usual).any())


def _volume_says(series: Series, place: _Place) -> str:
    """Return "split", "news", "bases" (volume is adjusted and the close is not) or "" where it does not tell.

    Of a split that was not applied the shares traded step by the ratio and stay there, and the dollars do not move; of
    news the dollars of the day jump.
    """
    if series.volume is None:
        return ""
    at, shares = place.at, series.volume
    before, after = shares[max(at - _LEVEL, 0) : at], shares[at + 1 : at + 1 + _LEVEL]
    dollars = series.price[max(at - _LEVEL, 0) : at] * before
    if min(np.isfinite(before).sum(), np.isfinite(after).sum()) < 3 or not shares[at] > 0:
        return ""
    usual, later, usual_dollars = (float(np.nanmedian(v)) for v in (before, after, dollars))
    if not min(usual, later, usual_dollars) > 0:
        return ""
    stepped = float(np.log(later / usual))
    jumped = float(series.price[at] * shares[at]) / usual_dollars
    if jumped < _QUIET_DOLLARS and abs(stepped + place.move) < _STEP_OF_SHARES:
        return "split"
    flat = abs(stepped) < _STEP_OF_SHARES and place.size > _TWICE - 0.1
    if flat and shares[at] < _BUSY * usual:
        return "bases"
    return "news" if jumped >= _QUIET_DOLLARS or flat else ""


def _runs(same: BoolArray) -> tuple[IntArray, IntArray]:
    """Return where runs of True begin, and how long they are."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    return edges[::2], edges[1::2] - edges[::2]


def _stale(series: Series, lo: int, hi: int) -> Iterator[PriceFinding]:
    """Yield runs of equal closes in a series that otherwise moves."""
    starts, lengths = _runs(series.move[1:] == 0.0)  # a run of k zeros from i: closes i to i + k
    for start, zeros in zip(starts, lengths, strict=True):
        count, end = int(zeros) + 1, int(start + zeros)
        if count < _STALE or end < lo or start >= hi:
            continue
        around = np.concatenate(
            [series.move[max(start + 1 - 2 * _SIDE, 1) : start + 1], series.move[end + 1 : end + 1 + _SIDE]]
        )
        if len(around) < _NEED or np.count_nonzero(around == 0.0) >= _LIVELY * len(around):
            continue
        at_end = end == len(series.day) - 1
        long = count >= _LONG
        rule = "stale_end_10" if long and at_end else "stale_10" if long else "stale_5"
        told = "to the end of the series: the last price, repeated after trading ended" if at_end else ""
        cause = f"{count} equal closes {told or f'until {series.day[end]}: no trade, or a price carried along'}"
        day, first, last = series.day[start], series.day[start + 1], series.day[end]
        yield PriceFinding(series.ticker, day, rule, 1.0, cause, WARN if long else NOTE, first, last)


def median(values: FloatArray | IntArray) -> float:
    """Return the median of a short array without NaN, (n,): np.median takes ten times as long."""
    ordered, half = np.sort(values), len(values) // 2
    return float(ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2)


def _sessions(n: int) -> str:
    return f"{n} session{'s' if n > 1 else ''}"
