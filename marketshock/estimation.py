"""A panel's events estimated, a block of securities at a time: from running sums where that is exact and pays, else
from the windows themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ._typing import BoolArray, FloatArray, IntArray
from .abnormal import Abnormal, abnormal_returns
from .models._moments import DateSide, Fitted
from .models._ols import OlsFit
from .models.base import ModelFit, ReturnModel
from .panel import BLOCK, EventPanel, without_own

_PAYS = 4  # a day of an event's window costs this many times as much as a day of a running sum
_FEWEST = 8  # events of a security: below it the windows are read, whatever their length
_CELLS = 1 << 17  # returns of a block of securities: their running sums stay in the cache
_LONGEST = 4 * BLOCK  # events of one security taken at a time


@dataclass(frozen=True, slots=True)
class Estimated:
    """Some events with their fit and abnormal returns."""

    events: IntArray
    fit: ModelFit
    abnormal: Abnormal


def estimate(panel: EventPanel, model: ReturnModel) -> Estimated:
    """Estimate all events of a panel, in its order."""
    if not _running_sums_pay(panel, model):
        whole = [_direct(part, model) for _, part in panel.blocks()]
        if len(whole) == 1:
            return Estimated(np.arange(len(panel)), *whole[0])
        fits, abnormals = zip(*whole, strict=True)
        return Estimated(np.arange(len(panel)), ModelFit.joined(fits), Abnormal.joined(abnormals))
    out = _Assembly(len(panel))
    for block in estimated_blocks(panel, model):
        out.put(block)
    return out.whole()


def estimated_blocks(panel: EventPanel, model: ReturnModel) -> Iterator[Estimated]:
    """Yield the events of a few securities at a time, each security whole and its events in their order.

    What is computed of a security depends on its own returns and events alone, so that the same numbers come out
    however the securities are divided among workers. A security with very many events comes in several parts, cut at
    multiples of a fixed number.
    """
    side = _date_side(panel, model)
    for events, starts in _blocks_of_securities(panel):
        sizes = np.diff(np.append(starts, len(events)))
        by_sums = np.repeat(_pays(panel, sizes), sizes)
        if side is None or not by_sums.any():
            yield Estimated(events, *_direct(panel.take(events), model))
        else:
            yield _of_sums(panel, model, side, events, by_sums)


def _running_sums_pay(panel: EventPanel, model: ReturnModel) -> bool:
    if not getattr(model, "closed_form", False):
        return False
    most = np.bincount(panel.column).max(initial=0) if len(panel) else 0
    return bool(_pays(panel, most))


def _pays(panel: EventPanel, n_events: IntArray | int) -> BoolArray:
    """Whether running sums pay for a security with so many events."""
    return np.asarray((n_events >= _FEWEST) & (n_events * _PAYS * len(panel.estimation) >= len(panel.returns.days)))


def _date_side(panel: EventPanel, model: ReturnModel) -> DateSide | None:
    if not getattr(model, "closed_form", False):
        return None
    factors = panel.design[:, int(model.intercept) :]
    return DateSide(factors, panel.offset, panel.estimation, panel.window, predicts=panel.n_params > 0)


def _direct(panel: EventPanel, model: ReturnModel) -> tuple[ModelFit, Abnormal]:
    """Fit each window by itself."""
    est, evt = panel.estimation_data, panel.event_data
    fit = model.fit(est.y, est.x, est.mask, panel.ahead)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # of events that cannot be estimated
        return fit, abnormal_returns(evt.y, evt.x, fit)


def _of_sums(panel: EventPanel, model: ReturnModel, side: DateSide, events: IntArray, by_sums: BoolArray) -> Estimated:
    """Fit a block by running sums, and again directly what these do not carry."""
    column, row = panel.column[events], panel.row[events]
    used, security = np.unique(column, return_inverse=True)
    raw = np.ascontiguousarray(panel.returns.values[:, used].T)
    fitted = side.fit(raw, _own_columns(panel, side, used, raw), security, row)
    fit = model.of_moments(  # type: ignore[attr-defined]
        OlsFit(fitted.params, fitted.xtx_inv, fitted.rss, fitted.n_obs, fitted.sound), panel.ahead
    )
    abnormal = Abnormal(fitted.ar, _variance(fitted, fit))
    again = np.flatnonzero(~(fitted.sound & by_sums))
    if not len(again):
        return Estimated(events, fit, abnormal)
    kept = np.flatnonzero(fitted.sound & by_sums)
    order = np.argsort(np.concatenate([kept, again]), kind="stable")
    fits, abnormals = [fit.take(kept)], [abnormal.take(kept)]
    for _, part in panel.take(events[again]).blocks():
        redone = _direct(part, model)
        fits.append(redone[0])
        abnormals.append(redone[1])
    return Estimated(events, ModelFit.joined(fits).take(order), Abnormal.joined(abnormals).take(order))


def _variance(fitted: Fitted, fit: ModelFit) -> FloatArray:
    """Return the prediction variance of each event day; nothing estimated, nothing to add to sigma2."""
    if not fit.params.shape[1]:
        return np.array(fit.sigma2_days)
    variance = fitted.factor
    variance *= fit.sigma2[:, None]
    return variance


def _own_columns(panel: EventPanel, side: DateSide, used: IntArray, raw: FloatArray) -> list[FloatArray | None]:
    """Return offset and factors of the securities that are taken out of their own benchmark, (S, T) each, or None."""
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
    """Yield the events of a few securities, and where among them each security begins."""
    order = np.argsort(panel.column, kind="stable")
    column = panel.column[order]
    starts = np.flatnonzero(np.r_[True, column[1:] != column[:-1]])
    sizes = np.diff(np.append(starts, len(order)))
    most = max(1, _CELLS // len(panel.returns.days))
    first = 0
    while first < len(starts):
        last, n = first + 1, int(sizes[first])
        while last < len(starts) and last - first < most and n + sizes[last] <= BLOCK:
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
    """Blocks put into their places."""

    def __init__(self, n_events: int) -> None:
        self._n = n_events
        self._arrays: dict[str, FloatArray] = {}

    def put(self, block: Estimated) -> None:
        """Store a block's arrays, laid out like the first block's."""
        fit, abnormal = block.fit, block.abnormal
        parts = {name: getattr(fit, name) for name in ModelFit.__slots__}
        for name, values in {**parts, "ar": abnormal.ar, "variance": abnormal.variance}.items():
            if name == "sigma2_days" and name not in self._arrays and values.strides[1] == 0:
                continue  # constant over the days: a view of sigma2
            if name not in self._arrays:
                self._arrays[name] = np.empty((self._n, *values.shape[1:]), dtype=values.dtype)
            self._arrays[name][block.events] = values

    def whole(self) -> Estimated:
        """Return all events."""
        arrays = dict(self._arrays)
        ar, variance = arrays.pop("ar"), arrays.pop("variance")
        arrays.setdefault("sigma2_days", np.broadcast_to(arrays["sigma2"][:, None], ar.shape))
        return Estimated(np.arange(self._n), ModelFit(**arrays), Abnormal(ar, variance))  # type: ignore[arg-type]
