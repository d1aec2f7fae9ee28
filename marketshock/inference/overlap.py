"""Mean correlation of events in several markets: which returns were earned at the same time, by the clock of UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..windows import Intervals
from .evidence import Evidence

_FEWEST = 30  # pairs of returns below which a correlation is taken to be zero
_FEW, _MANY = 64, 512  # events that are paired with later ones at a time: more where they begin together
_OTHERS = 2048  # later events in memory together
_NEVER = np.iinfo(np.int64).max


def overlap_correlation(evidence: Evidence, first: int, stop: int, kind: Literal["date", "label"]) -> float:
    """Return the mean correlation that inflates the variance of a mean of window statistics.

    Parameters
    ----------
    evidence : Evidence
        Of N events whose windows know when their returns were earned; 0 for a single one.
    first, stop : int
        The days under test among the event days, and the one after them.
    kind : {"date", "label"}
        Whether returns belong together that overlap in time, or only those of sessions with the same date.

    Notes
    -----
    ``r_ij = (L_i L_j)^-1/2`` times the sum over pairs of days under test that overlap of ``rho_c``, the correlation of
    the estimation residuals over all overlapping pairs of class c: the same date, a later or an earlier one. With one
    market only the first class is there. A class of fewer than 30 pairs counts as zero. Only events whose days under
    test overlap have a weight: sorted by their beginning, each is paired with a few of its neighbours.

    References
    ----------
    Kolari and Pynnonen (2010), Review of Financial Studies 23(11); the weight for partly overlapping windows is that of
    Kolari, Pape and Pynnonen (2018).
    """
    n = len(evidence)
    if n < 2:
        return 0.0
    windows: Any = evidence.windows
    of, estimation, event = windows.intervals()
    if kind == "label":
        of = Intervals(of.label, of.label + 1, of.label)
    event, tested = event[:, first:stop], evidence.event_mask[:, first:stop]
    begins = np.where(tested, of.start[event], _NEVER).min(axis=1, initial=_NEVER)
    order = np.argsort(begins, kind="stable")[: int(tested.any(axis=1).sum())]
    ends = np.where(tested, of.end[event], -_NEVER)[order].max(axis=1, initial=-_NEVER)
    begins, tested, mask = begins[order], tested[order], evidence.mask[order]
    held = _Held.of(estimation[order], mask, evidence.residuals[order][mask])
    days = _Held.of(event[order], tested, np.ones(int(tested.sum())))
    length = np.sqrt(tested.sum(axis=1))
    classes = [_Class(*places, *map(held.enough, places)) for places in _sides(of)]
    total, lo = 0.0, 0
    while lo < len(order):
        together = int(np.searchsorted(begins, begins[lo], side="right"))
        some = slice(lo, min(max(lo + _FEW, min(together, lo + _MANY)), len(order)))
        last = int(np.searchsorted(begins, ends[some].max()))
        for at in range(lo, max(last, some.stop), _OTHERS):
            others = slice(at, min(at + _OTHERS, max(last, some.stop)))
            total += sum(_pairs(held, days, some, others, length, of_class) for of_class in classes)
        lo = some.stop
    return 2 * total / (n * (n - 1))


class _Places(NamedTuple):
    """Places on an axis that each interval takes: those of interval k are ``items[edges[k]:edges[k + 1]]``."""

    edges: IntArray
    items: IntArray

    @classmethod
    def one(cls, places: IntArray) -> _Places:
        """One place for each interval."""
        return cls(np.arange(len(places) + 1), places)

    @classmethod
    def between(cls, lo: IntArray, hi: IntArray) -> _Places:
        """The places from one up to another, none if the other is not larger."""
        n = np.maximum(hi - lo, 0)
        edges = np.concatenate([[0], np.cumsum(n)])
        return cls(edges, np.arange(edges[-1]) + np.repeat(lo - edges[:-1], n))

    def of(self, intervals: IntArray) -> tuple[IntArray | None, IntArray]:
        """Return how many places each of some intervals takes, None if one each, and the places."""
        lo = self.edges[intervals]
        n = self.edges[intervals + 1] - lo
        if (n == 1).all():
            return None, self.items[lo]
        before = np.cumsum(n) - n
        return n, self.items[np.arange(int(n.sum())) + np.repeat(lo - before, n)]


def _sides(of: Intervals) -> list[tuple[_Places, _Places]]:
    """Return the places of the intervals of one event and of another, by class: equal places are pairs of the class.

    The classes are the same date, a later one of the other event, and an earlier one.
    """
    date, label = np.unique(of.label, return_inverse=True)
    first = np.full(len(date), _NEVER)
    latest, earliest = np.full((2, len(date)), -_NEVER)
    np.minimum.at(first, label, of.end)
    np.maximum.at(latest, label, of.end)
    np.maximum.at(earliest, label, of.start)
    in_order = bool((latest[:-1] <= first[1:]).all() and (earliest < first).all() and (of.start < of.end).all())
    if not in_order:
        return _listed(of)
    # Sessions of a date overlap, and end before any of a later date: two of different dates overlap if the later begins
    # before the earlier ends.
    key = np.lexsort([of.end, label])
    new = np.ones(len(key), dtype=bool)
    new[1:] = (np.diff(label[key]) != 0) | (np.diff(of.end[key]) != 0)
    place = np.empty(len(key), dtype=np.int64)
    place[key] = np.cumsum(new) - 1
    axis, start_of = of.end[key][new], np.searchsorted(label[key][new], np.arange(len(date)))
    later = _Places.between(np.searchsorted(axis, of.start, side="right"), start_of[label])
    same, own = _Places.one(label), _Places.one(place)
    return [(same, same), (own, later), (later, own)]


def _listed(of: Intervals) -> list[tuple[_Places, _Places]]:
    """Return the same of intervals in any order: the place of an interval is its own, and all pairs are listed."""
    order = np.argsort(of.start, kind="stable")
    start, end, label = (values[order] for values in of)
    near = _Places.between(np.searchsorted(start, start - int((end - start).max())), np.searchsorted(start, end))
    one, other = np.repeat(np.arange(len(start)), np.diff(near.edges)), near.items
    overlap = (start[one] < end[other]) & (start[other] < end[one])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    own, out = _Places.one(place), []
    for of_class in (label[one] == label[other], label[one] > label[other], label[one] < label[other]):
        mine, theirs = one[overlap & of_class], other[overlap & of_class]
        n = np.bincount(mine, minlength=len(order))
        listed = _Places(np.concatenate([[0], np.cumsum(n)]), theirs)
        lo, hi = listed.edges[:-1][place], listed.edges[1:][place]
        runs = _Places.between(lo, hi)
        out.append((own, _Places(runs.edges, theirs[runs.items])))
    return out


@dataclass(frozen=True, slots=True)
class _Held:
    """Values of N events by interval, one event after the other."""

    edges: IntArray  # (N + 1,): where the values of each event begin
    interval: IntArray
    value: FloatArray

    @classmethod
    def of(cls, intervals: IntArray, mask: BoolArray, values: FloatArray) -> _Held:
        """Hold the values of the days in a mask, (N, n)."""
        return cls(np.concatenate([[0], np.cumsum(mask.sum(axis=1))]), intervals[mask], values)

    def enough(self, places: _Places) -> BoolArray:
        """Return which events take enough places for a correlation, (N,): each is at most one pair with another."""
        taken = np.concatenate([[0], np.cumsum(np.diff(places.edges)[self.interval])])
        return np.asarray(np.diff(taken[self.edges]) >= _FEWEST)

    def on(self, places: _Places, events: slice, axis: slice | None = None) -> tuple[slice, FloatArray]:
        """Return an axis and the values of some events on it, (3, n, D): how many, their sum, the sum of squares.

        By default it is from the first of their places to the last.
        """
        edges = self.edges[events.start : events.stop + 1]
        event = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
        value = self.value[edges[0] : edges[-1]]
        n, place = places.of(self.interval[edges[0] : edges[-1]])
        if n is not None:
            event, value = np.repeat(event, n), np.repeat(value, n)
        if axis is None:
            axis = slice(int(place.min(initial=_NEVER)), int(place.max(initial=-1)) + 1)
        width = max(axis.stop - axis.start, 0)
        inside = (place >= axis.start) & (place < axis.stop)
        if not inside.all():
            event, value, place = event[inside], value[inside], place[inside]
        cell, size = event * width + place - axis.start, (len(edges) - 1) * width
        sums = np.empty((3, size))
        for k, weights in enumerate((None, value, value**2)):
            sums[k] = np.bincount(cell, weights, size)
        return axis, sums.reshape(3, len(edges) - 1, width)


class _Class(NamedTuple):
    """Places of the intervals of one event and of another, and which events take enough of them for a correlation."""

    one: _Places
    other: _Places
    enough_of_one: BoolArray
    enough_of_other: BoolArray


def _pairs(held: _Held, days: _Held, some: slice, others: slice, length: FloatArray, of_class: _Class) -> float:
    """Return the sum over some events and later ones of the correlation times the share of overlapping days."""
    one, other = of_class.one, of_class.other
    able = of_class.enough_of_one[some], of_class.enough_of_other[others]
    if not (able[0].any() and able[1].any()):
        return 0.0
    axis, mine = days.on(one, some)
    share = mine[0] @ days.on(other, others, axis)[1][0].T
    share[np.arange(some.start, some.stop)[:, None] >= np.arange(others.start, others.stop)] = 0.0
    share[~able[0]], share[:, ~able[1]] = 0.0, 0.0
    rows, columns = share.any(axis=1), share.any(axis=0)
    if not rows.any():
        return 0.0
    axis, mine = held.on(one, some)
    theirs = held.on(other, others, axis)[1]
    rho = _correlation(_of_some(mine, rows), _of_some(theirs, columns))
    share = share[rows][:, columns] / (length[some][rows, None] * length[others][columns])
    return float((rho * share).sum())


def _of_some(values: FloatArray, events: BoolArray) -> FloatArray:
    return values if events.all() else values[:, events]


def _correlation(mine: FloatArray, theirs: FloatArray) -> FloatArray:
    """Return the correlation of values at equal places, (n, m); zero where there are few.

    Parameters
    ----------
    mine, theirs : ndarray of shape (3, n, D) and (3, m, D)
        As made by `_Held.on`.
    """
    k, kind_of_mine = _kinds(mine[0])
    m, kind_of_theirs = _kinds(theirs[0])
    width = k.shape[1]
    n, x, xx = (mine.reshape(-1, width) @ m.T).reshape(3, mine.shape[1], len(m))[:, :, kind_of_theirs]
    y, yy = np.moveaxis((k @ theirs[1:].reshape(-1, width).T).reshape(len(k), 2, theirs.shape[1])[kind_of_mine], 1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = (mine[1] @ theirs[1].T - x * y / n) / np.sqrt((xx - x**2 / n) * (yy - y**2 / n))
    return np.where((n >= _FEWEST) & np.isfinite(rho), rho, 0.0)


def _kinds(rows: FloatArray) -> tuple[FloatArray, IntArray | slice]:
    """Return the distinct rows, and which of them each is: windows of one market and day without a gap are alike."""
    if rows.max(initial=0) > 1:
        return rows, slice(None)
    found: dict[bytes, int] = {}
    kind = np.array([found.setdefault(row.tobytes(), len(found)) for row in np.packbits(rows > 0, axis=1)])
    if len(found) == len(rows):
        return rows, slice(None)
    return rows[np.unique(kind, return_index=True)[1]], kind
