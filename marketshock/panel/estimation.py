"""Estimation of the events of a panel in blocks of securities.

Running sums are used where they are exact and faster; otherwise each window is fitted directly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..models._moments import DateSide
from ..models._ols import OlsFit
from ..models.base import LeastSquares, ModelFit, ReturnModel, can_scale, is_least_squares, put_rows
from ..windows import BLOCK
from .abnormal import Abnormal
from .event_panel import EventPanel, without_own
from .runs import starts_of

_PAYS = 16  # cost of one window day relative to one day of a running sum
_FEWEST = 200  # events in the study below which every window is fitted directly
CELLS = 1 << 22  # returns per partition: 32 megabytes
_CELLS = 1 << 17  # returns per block of securities, so that their running sums stay in the cache
_LONGEST = 4 * BLOCK  # events of one security per block


@dataclass(frozen=True, slots=True)
class Estimated:
    """Fit and abnormal returns of some events, with their positions in the panel."""

    events: IntArray
    fit: ModelFit
    abnormal: Abnormal


@dataclass(frozen=True, eq=False)
class Piece:
    """Some securities of a panel with their events, to be estimated in another process."""

    events: IntArray  # (n,), int: positions of the events in the whole panel
    panel: EventPanel  # panel of these events, with the returns of these securities only


def estimate(panel: EventPanel, model: ReturnModel) -> Estimated:
    """Estimate all events of a panel, in the order of the panel."""
    return assembled(panel, _in_order(panel, model))


def assembled(panel: EventPanel, blocks: Iterable[Estimated]) -> Estimated:
    """Combine blocks in the order of the panel."""
    out = _Assembly(len(panel))
    for block in blocks:
        out.put(block)
    return out.whole(panel)


class Pieces(Sequence[Piece]):
    """Sequence of pieces of a panel, cut by security at `cells` returns per piece and made on access."""

    def __init__(self, panel: EventPanel, cells: int) -> None:
        self._panel, self._used = panel, np.unique(panel.column)
        self._some = max(1, cells // len(panel.returns.days))

    def __len__(self) -> int:
        return -(-len(self._used) // self._some)

    def __getitem__(self, at: Any) -> Any:
        if not 0 <= at < len(self):
            raise IndexError(at)
        columns = self._used[at * self._some : (at + 1) * self._some]
        events = np.flatnonzero((self._panel.column >= columns[0]) & (self._panel.column <= columns[-1]))
        return Piece(events, self._panel.take(events).restricted(columns))


def estimate_piece(piece: Piece, model: ReturnModel) -> Estimated:
    """Estimate a piece in a worker. The result omits the returns and the variances, so that little is sent back."""
    made = estimate(piece.panel, model)
    return Estimated(piece.events, made.fit, Abnormal(made.abnormal.ar, np.empty((0, 0))))


def _in_order(panel: EventPanel, model: ReturnModel) -> Iterator[Estimated]:
    if _running_sums_pay(panel, model):
        yield from estimated_blocks(panel, model, variances=False)
        return
    for part, events in panel.blocks():
        yield Estimated(np.arange(part.start, part.stop), *_direct(events, model))


def estimated_blocks(panel: EventPanel, model: ReturnModel, variances: bool = True) -> Iterator[Estimated]:
    """Yield estimated blocks of securities, with all events of a security in their order.

    Parameters
    ----------
    panel : EventPanel
        Events.
    model : ReturnModel
        Model of the normal return.
    variances : bool
        Whether to compute the variances of the abnormal returns in the same pass.

    Notes
    -----
    The numbers of a security depend only on its own returns and events, and so do not depend on how securities are
    divided among workers. A security with very many events is split into several blocks of a fixed number of events.
    """
    side = _date_side(panel, model)
    for events, starts in _blocks_of_securities(panel):
        sizes = np.diff(np.append(starts, len(events)))
        by_sums = np.repeat(_pays(panel, sizes), sizes) & _plain(panel, events)
        if side is None or not is_least_squares(model) or not by_sums.any():
            yield Estimated(events, *_direct(panel.take(events), model))
        else:
            yield _of_sums(panel, model, side, events, by_sums, variances)


def _running_sums_pay(panel: EventPanel, model: ReturnModel) -> bool:
    if not is_least_squares(model) or not model.closed_form:
        return False
    largest = np.bincount(panel.column).max(initial=0) if len(panel) else 0
    return bool(_pays(panel, largest))


def _pays(panel: EventPanel, n_events: IntArray | int) -> BoolArray:
    """Return whether running sums are faster for securities with `n_events` events."""
    enough = panel.n_given >= _FEWEST
    return np.asarray(enough & (n_events * _PAYS * len(panel.estimation) >= len(panel.returns.days)))


def _date_side(panel: EventPanel, model: ReturnModel) -> DateSide | None:
    if not is_least_squares(model) or not model.closed_form:
        return None
    factors = panel.design[:, int(model.intercept) :]
    windows = panel.estimation, panel.window
    return DateSide(factors, panel.offset, *windows, panel.n_params > 0, len(panel), panel.row)


def _plain(panel: EventPanel, events: IntArray) -> BoolArray:
    """Return whether all returns of an event's security cover one session, and no halt moved its day 0."""
    spans = panel.returns.spans
    if spans is None:
        return np.ones(len(events), dtype=bool)
    used, which = np.unique(panel.column[events], return_inverse=True)
    plain = (spans[:, used] == 1).all(axis=0)[which]
    return np.asarray(plain if panel.shift is None else plain & (panel.shift[events] == 0))


def _by_time(panel: EventPanel, fit: ModelFit) -> ModelFit:
    """Return the fit with the variance of each event day, where it grows with the sessions of a return."""
    if panel.over_gaps is None or not panel.over_gaps.by_time or panel.event_span is None:
        return fit
    days = panel.event_span
    return replace(fit, sigma2_days=fit.sigma2_days * days)


def _direct(panel: EventPanel, model: ReturnModel) -> tuple[ModelFit, Abnormal]:
    """Fit each window directly."""
    est, evt = panel.estimation_data, panel.event_data
    if est.root is not None and can_scale(model):
        fit = model.fit_scaled(est.y, est.x, est.mask, panel.ahead, est.root)
    else:
        fit = model.fit(est.y, est.x, est.mask, panel.ahead)
    fit = _by_time(panel, fit)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # events that cannot be estimated give NaN
        return fit, Abnormal(evt.y - fit.predict(evt.x), _Prediction(panel, fit))


@dataclass(frozen=True, slots=True)
class _Prediction:
    """Callable that computes the variances of abnormal returns, (E, L), in blocks of events."""

    panel: EventPanel
    fit: ModelFit

    def __call__(self, events: IntArray | None) -> FloatArray:
        panel, fit = (self.panel, self.fit) if events is None else (self.panel.take(events), self.fit.take(events))
        parts = [fit.take(part).prediction_variance(block.event_data.x) for part, block in panel.blocks()]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _of_sums(
    panel: EventPanel, model: LeastSquares, side: DateSide, events: IntArray, by_sums: BoolArray, variances: bool
) -> Estimated:
    """Fit a block by running sums, and refit directly the events for which these are not exact."""
    column, row = panel.column[events], panel.row[events]
    used, security = np.unique(column, return_inverse=True)
    raw = np.ascontiguousarray(panel.returns.values[:, used].T)
    fitted = side.fit(raw, _own_columns(panel, side, used, raw), security, row, variances)
    ols = OlsFit(fitted.params, fitted.xtx_inv, fitted.rss, fitted.n_obs, fitted.sound)
    fit = model.of_moments(ols, panel.ahead)
    variance = _variance(fitted.factor, fit) if fitted.factor is not None else None
    ar = fitted.ar
    again = np.flatnonzero(~(fitted.sound & by_sums))
    if len(again):
        fit = fit.writable()
        for part, block in panel.take(events[again]).blocks():
            at, redone = again[part], _direct(block, model)
            fit.put(at, redone[0])
            ar[at] = redone[1].ar
            if variance is not None:
                variance[at] = redone[1].variance
    mine = panel.take(events)
    fit = _by_time(mine, fit)
    return Estimated(events, fit, Abnormal(ar, _Prediction(mine, fit) if variance is None else variance))


def _variance(factor: FloatArray, fit: ModelFit) -> FloatArray:
    """Return the prediction variance of each event day, (E, L); without parameters it is sigma2."""
    if not fit.params.shape[1]:
        return np.array(fit.sigma2_days)
    factor *= fit.sigma2[:, None]
    return factor


def _own_columns(panel: EventPanel, side: DateSide, used: IntArray, raw: FloatArray) -> list[FloatArray | None]:
    """Return offset and factors without the own security, (S, T) each; None where no security is removed."""
    n_constant = panel.design.shape[1] - side.n_factors
    shared = [panel.offset, *panel.design[:, n_constant:].T]
    weights = [panel.own_weights[0], *panel.own_weights[1 + n_constant :]]
    out: list[FloatArray | None] = []
    for benchmark, weight in zip(shared, weights, strict=True):
        if weight is None:
            out.append(None)
            continue
        own = weight[used][:, None] if weight.ndim == 1 else weight[:, used].T
        out.append(without_own(benchmark, own, raw) if (own > 0).any() else None)
    return out


def _blocks_of_securities(panel: EventPanel) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the events of a block of securities and the start of each security within it."""
    order = np.argsort(panel.column, kind="stable")
    column = panel.column[order]
    starts = starts_of(column)
    sizes = np.diff(np.append(starts, len(order)))
    limit = max(1, _CELLS // len(panel.returns.days))
    first = 0
    while first < len(starts):
        last, n = first + 1, int(sizes[first])
        while last < len(starts) and last - first < limit and n + sizes[last] <= BLOCK:
            n += int(sizes[last])
            last += 1
        lo = int(starts[first])
        if n > _LONGEST:
            for at in range(lo, lo + n, _LONGEST):
                yield order[at : min(at + _LONGEST, lo + n)], np.zeros(1, dtype=np.int64)
        else:
            yield order[lo : lo + n], starts[first:last] - lo
        first = last


class _Assembly:
    """Accumulator that combines estimated blocks in the order of the panel."""

    def __init__(self, n_events: int) -> None:
        self._n = n_events
        self._only: Estimated | None = None
        self._fit: ModelFit | None = None
        self._ar: FloatArray = np.empty((0, 0))

    def put(self, block: Estimated) -> None:
        """Store a block; a block of all events in order is kept without copying."""
        events = block.events
        if self._fit is None and len(events) == self._n and (np.diff(events) > 0).all():
            self._only = block
            return
        if self._fit is None:
            self._fit = block.fit.empty(self._n)
            self._ar = np.empty((self._n, block.abnormal.ar.shape[1]))
        self._fit.put(events, block.fit)
        put_rows(self._ar, events, block.abnormal.ar)

    def whole(self, panel: EventPanel) -> Estimated:
        """Return all events."""
        if self._only is not None:
            fit, ar = self._only.fit, self._only.abnormal.ar
            return Estimated(np.arange(self._n), fit, Abnormal(ar, _Prediction(panel, fit)))
        assert self._fit is not None
        return Estimated(np.arange(self._n), self._fit, Abnormal(self._ar, _Prediction(panel, self._fit)))
