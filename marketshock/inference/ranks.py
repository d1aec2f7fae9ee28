"""Tests on ranks: distribution-free across events, or of one event against its own estimation window.

The ranks of an event are taken over its estimation days and all days of its event window that have a return, ties
averaged.
"""

from __future__ import annotations

import numpy as np

from .._typing import Alternative, BoolArray, FloatArray, IntArray
from .evidence import DaySums, Evidence
from .options import Conventions
from .outcome import ADDS_TO_ZERO, MEAN_ZERO, Inapplicable, Outcome, TestResult, flat, normal_result, t_result, tails
from .sample import Sample

_EXACT_LIMIT = 50  # events up to which the signed-rank distribution is enumerated


def corrado(sample: Sample, alternative: Alternative) -> Outcome:
    """Test the mean rank: ``sqrt(n) (mean K_W - 1/2) / S_K``, N(0, 1).

    K_t is the mean over events of rank / (1 + number of ranked days); S_K its root mean square about 1/2 over all days.

    References
    ----------
    Corrado (1989), Journal of Financial Economics 23; for windows Cowan (1992) and Campbell and Wasley (1993).
    """
    return _rank_test("corrado", sample, sample.evidence.once(_ranks_by, sample.conventions), 1.0, alternative)


def corrado_zivney(sample: Sample, alternative: Alternative) -> Outcome:
    """Test the mean rank with missing days: each day's sum of ranks is scaled by the root of its number of events.

    References
    ----------
    Corrado and Zivney (1992), Journal of Financial and Quantitative Analysis 27, eq. 4-6.
    """
    return _rank_test("corrado_zivney", sample, sample.evidence.once(_ranks_by, sample.conventions), 0.5, alternative)


def corrado_zivney_standardised(sample: Sample, alternative: Alternative) -> Outcome:
    """Test ranks whose event days are first divided by their cross-sectional standard deviation.

    References
    ----------
    Corrado and Zivney (1992), eq. 3, after Boehmer, Musumeci and Poulsen: for variance induced by the event.
    """
    name = "corrado_zivney_standardised"
    sar, mask = sample.event_sar, sample.evidence.event_mask
    count = mask.sum(axis=0)
    if (count[sample.days] < 2).any():
        return Inapplicable(name, "needs two events or more on each day", int(count.min()), MEAN_ZERO)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(mask, sar, 0.0).sum(axis=0) / count
        sd = np.sqrt(np.where(mask, (sar - mean) ** 2, 0.0).sum(axis=0) / (count - 1))
        size = np.where(mask, np.abs(sar), 0.0).max(axis=0)
        if (~(sd > 1e-10 * size))[sample.days].any():
            return Inapplicable(name, "the abnormal returns do not differ between events", len(sample), MEAN_ZERO)
        scaled = np.where(count > 1, sar / sd, sar)
    return _rank_test(name, sample, _daily_ranks(sample, scaled), 0.5, alternative)


def grank_t(sample: Sample, alternative: Alternative) -> Outcome:
    """Rank the re-standardized SCAR as one day among the estimation days: ``Z sqrt((T-2)/(T-1-Z^2))``, t(T - 2).

    T is the number of estimation days plus the one cumulated day.

    References
    ----------
    Kolari and Pynnonen (2011), Journal of Empirical Finance 18(5), 953-971, eq. 8-14.
    """
    name, n = "grank_t", int(sample.there.sum())
    prepared = sample.once(_generalized)
    if isinstance(prepared, str):
        return Inapplicable(name, prepared, n, MEAN_ZERO)
    day_sum, day_count, u_event, _ = prepared
    kept = day_count > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        day_mean = np.where(kept, day_sum / day_count, 0.0)
    total = int(kept.sum()) + 1
    event_mean = float(u_event.mean())
    variance = (float((day_count / n * day_mean**2).sum()) + event_mean**2) / total
    return _t_of_rank(name, event_mean / np.sqrt(variance), total, alternative, n)


def grank_z(sample: Sample, alternative: Alternative) -> Outcome:
    """Rank the re-standardized SCAR among the estimation days with the variance of independent uniform ranks, N(0, 1).

    ``Z = mean(U) / sqrt( (1/N^2) sum (T_i - 1) / (12 (T_i + 1)) )``.

    References
    ----------
    Kolari and Pynnonen (2011), Journal of Empirical Finance 18(5), 953-971, eq. 15.
    """
    name, n = "grank_z", int(sample.there.sum())
    prepared = sample.once(_generalized)
    if isinstance(prepared, str):
        return Inapplicable(name, prepared, n, MEAN_ZERO)
    _, _, u_event, days = prepared
    variance = float(((days - 1) / (12 * (days + 1))).sum()) / n**2
    return normal_result(name, float(u_event.mean()) / np.sqrt(variance), alternative, n)


def wilcoxon(sample: Sample, alternative: Alternative) -> Outcome:
    """Rank the CARs by size and sum the ranks of the positive ones; exact up to 50 events without ties or zeros.

    The statistic is ``(W - N(N+1)/4) / sqrt(N(N+1)(2N+1)/24)``, without tie or continuity correction.

    References
    ----------
    Wilcoxon (1945), Biometrics Bulletin 1.
    """
    null = "the abnormal returns are symmetric about zero"
    car = sample.sum.car[sample.there]
    car = car[car != 0]
    n = len(car)
    if n == 0:
        return Inapplicable("wilcoxon", "no abnormal return other than zero", 0, null)
    size = average_ranks(np.abs(car)[None, :], np.ones((1, n), dtype=bool))[0]
    w = float(size[car > 0].sum())
    statistic = (w - n * (n + 1) / 4) / np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    if n > _EXACT_LIMIT or len(np.unique(size)) < n:
        return normal_result("wilcoxon", float(statistic), alternative, n, null=null)
    probability = signed_rank_distribution(n)
    at = round(w)
    pvalue = tails(float(probability[: at + 1].sum()), float(probability[at:].sum()), alternative)
    return TestResult("wilcoxon", float(statistic), pvalue, "exact", np.nan, null, alternative, n)


def sq(sample: Sample, alternative: Alternative) -> Outcome:
    """Rank one event's CAR among the sums of the estimation residuals: the sample-quantile test.

    ``p = (1 + #{sum e <= CAR}) / (S + 1)`` one-sided, and twice the smaller tail (at most 1) two-sided, where S is the
    number of runs of consecutive estimation days as long as the window. No normality is assumed. The p-value cannot
    fall below 1/(S + 1) one-sided and 2/(S + 1) two-sided, and is asymptotic in S. The statistic is the share of
    residual sums at or below the CAR. For one day the raw residuals are ranked, as in the paper; for several days
    the sums and the CAR are first divided by their own standard errors, since the residuals share the estimation
    error with the opposite sign of the CAR's; with ``forecast_error=False`` they are not.

    References
    ----------
    Gelbach, Helland and Klick (2013), American Law and Economics Review 15(2), 495-541, for one day; for several,
    the end-of-sample test of Andrews (2003), Econometrica 71.
    """
    null = "the event day is like the estimation days"
    if not sample.mask[0].all():
        return Inapplicable("sq", "returns are missing in the window", 1, null)
    e, length = sample.evidence, sample.n_days
    if length == 1 or not sample.conventions.forecast_error:
        sums, car = run_sums(e.residuals[0], e.mask[0], length), float(sample.sum.car[0])
    else:
        x = e.x[0][:, : e.fit.params.shape[1]]
        raw = run_sums(e.residuals[0], e.mask[0], length)
        totals = np.empty((len(raw), x.shape[1]))  # no columns where nothing is estimated
        for k in range(x.shape[1]):
            totals[:, k] = run_sums(x[:, k], e.mask[0], length)
        shared = np.einsum("sk,kl,sl->s", totals, e.fit.cov_params[0], totals)
        sd = np.sqrt(np.maximum(length * e.fit.sigma2[0] - shared, 0.0))
        sums = raw / np.where(sd > 0, sd, np.inf)
        car = float(sample.sum.scar[0])
    return placebo_result("sq", car, sums, length, alternative, 1, null)


def permutation(sample: Sample, alternative: Alternative) -> Outcome:
    """Rank CAAR among the placebo CAARs of the estimation window: all runs of days as long as the window.

    All events are moved together, so that their cross-correlation is kept. Every placebo date is used: nothing is
    drawn.

    References
    ----------
    Gelbach, Helland and Klick (2013) for one firm; Chernozhukov, Wuthrich and Zhu (2021) for moving blocks.
    """
    null = "the event day is like the estimation days"
    n = int(sample.there.sum())
    if sample.evidence.split:
        return Inapplicable("permutation", sample.evidence.split, n, null)
    count = sample.mask.sum(axis=0)
    if (count == 0).any():
        return Inapplicable("permutation", "no return on a day of the window", n, null)
    caar = float((np.where(sample.mask, sample.ar, 0.0).sum(axis=0) / count).sum())
    aar = sample.evidence.mean_residual
    if flat(float(np.nanstd(aar)), float(np.sqrt(sample.evidence.fit.sigma2.mean()))):
        return Inapplicable("permutation", ADDS_TO_ZERO, n, null)
    sums = run_sums(aar, np.isfinite(aar), sample.n_days)
    return placebo_result("permutation", caar, sums, sample.n_days, alternative, n, null)


def placebo_result(
    name: str, value: float, placebo: FloatArray, length: int, alternative: Alternative, n: int, null: str
) -> Outcome:
    """Return the rank of a value among placebo values; its own counts in numerator and denominator."""
    if len(placebo) < (39 if alternative == "two-sided" else 19):
        return Inapplicable(name, f"{len(placebo)} runs of {length} estimation day(s) cannot reach p = 0.05", n, null)
    near = 1e-12 * (abs(value) + float(np.abs(placebo).max()))  # equal up to the order of summation is equal
    lower = (1 + int((placebo <= value + near).sum())) / (len(placebo) + 1)
    upper = (1 + int((placebo >= value - near).sum())) / (len(placebo) + 1)
    apart = len(placebo) // length
    note = f"overlapping runs: about {apart} are independent" if length > 1 else ""
    note += ", too few: it rejects too often" if length > 1 and apart < 30 else ""
    share, pvalue = float((placebo <= value).mean()), tails(lower, upper, alternative)
    return TestResult(name, share, pvalue, "rank", float(len(placebo)), null, alternative, n, note)


def run_sums(values: FloatArray, mask: BoolArray, length: int) -> FloatArray:
    """Return the sums over all runs of `length` consecutive days without a missing one."""
    windows = np.lib.stride_tricks.sliding_window_view
    if len(values) < length:
        return np.empty(0)
    complete = windows(mask, length).all(axis=1)
    return np.asarray(windows(np.where(mask, values, 0.0), length).sum(axis=1)[complete])


def average_ranks(values: FloatArray, mask: BoolArray) -> FloatArray:
    """Rank each row over its entries where the mask is True, 1 the smallest, ties averaged; NaN elsewhere.

    Parameters
    ----------
    values : ndarray of shape (E, n)
        Anything where the mask is False.
    mask : ndarray of shape (E, n)
        Entries to rank.
    """
    filled = np.where(mask, values, np.inf)
    order = np.argsort(filled, axis=1)  # whatever the order of ties: they are averaged
    ordered = np.take_along_axis(filled, order, axis=1)
    ranks = np.empty(values.shape)
    place = np.broadcast_to(np.arange(1.0, values.shape[1] + 1), values.shape)
    np.put_along_axis(ranks, order, place, axis=1)
    tied = (ordered[:, 1:] == ordered[:, :-1]) & np.isfinite(ordered[:, 1:])
    for row in np.flatnonzero(tied.any(axis=1)):
        _, inverse, count = np.unique(filled[row], return_inverse=True, return_counts=True)
        last = np.cumsum(count)
        ranks[row] = (last - (count - 1) / 2)[inverse]
    ranks[~mask] = np.nan
    return ranks


def signed_rank_distribution(n: int) -> FloatArray:
    """Return P(W = w) for w = 0..n(n+1)/2: every rank is positive with probability one half."""
    probability = np.ones(1)
    for rank in range(1, n + 1):
        longer = np.zeros(len(probability) + rank)
        longer[: len(probability)] += probability / 2
        longer[rank:] += probability / 2
        probability = longer
    return probability


def _ranks_by(evidence: Evidence, conventions: Conventions) -> tuple[FloatArray, FloatArray]:
    """Return the daily ranks of some events by the conventions, which do not depend on the days under test."""
    return _daily_ranks(Sample(evidence, slice(0, 0), conventions))


def _daily_ranks(sample: Sample, event_sar: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Return each day's sum over events of rank / (1 + number of ranked days) - 1/2, and its number of events.

    Both are of shape (M + L,): the estimation days, then the event days. `event_sar` stands in for the standardized
    returns of the event days, (E, L).
    """
    raw = event_sar is None and sample.conventions.ranks_of == "ar"
    total, count = DaySums(), DaySums()
    for events, part in sample.blocks():
        e = part.evidence
        if raw:
            values = np.hstack([e.estimation_ar, e.abnormal.ar])
        else:
            values = np.hstack([part.estimation_sar, part.event_sar if event_sar is None else event_sar[events]])
        mask = np.hstack([e.mask, e.event_mask])
        u = average_ranks(values, mask) / (1 + mask.sum(axis=1, keepdims=True)) - 0.5
        total.add(np.where(mask, u, 0.0))
        count.add(mask)
    return total.sums, count.sums


def _rank_test(
    name: str, sample: Sample, ranked: tuple[FloatArray, FloatArray], power: float, alternative: Alternative
) -> Outcome:
    """Test the window's days of a series of ranks, each day's sum over ``N_t ** power``, by its root mean square."""
    total, count = ranked
    kept = count > 0
    n = int(sample.there.sum())
    if sample.evidence.own_windows:
        return Inapplicable(name, "the events have windows of their own", n, MEAN_ZERO)
    with np.errstate(invalid="ignore", divide="ignore"):
        daily = np.where(kept, total / count**power, 0.0)
    event_days = slice(len(total) - sample.evidence.abnormal.ar.shape[1], None)
    window = daily[event_days][sample.days]
    if (count[event_days][sample.days] == 0).any():
        return Inapplicable(name, "no return on a day of the window", n, MEAN_ZERO)
    days = daily[kept]
    if sample.conventions.rank_moment == "population":
        sd = float(np.sqrt((days**2).mean()))
    else:
        sd = float(days.std(ddof=1))
    if flat(sd, 1.0):
        return Inapplicable(name, "the mean ranks do not vary", n, MEAN_ZERO)
    return normal_result(name, float(window.sum() / (np.sqrt(len(window)) * sd)), alternative, n)


def _generalized(sample: Sample) -> tuple[FloatArray, FloatArray, FloatArray, IntArray] | str:
    """Return by estimation day the sum of U and the number of events (M,), and by event U of the cumulated day and the
    number of days ranked (N,); or why there is none.
    """
    n = int(sample.there.sum())
    if n < 2:
        return f"needs two events or more, has {n}"
    scar = sample.standardized[sample.there]
    sd = float(scar.std(ddof=1))
    if flat(sd, float(np.abs(scar).max())):
        return "the standardized returns do not differ between events"
    total, count = DaySums(), DaySums()
    of_event: list[FloatArray] = []
    days: list[IntArray] = []
    for _, part in sample.blocks(sample.there):
        mask = part.evidence.mask
        values = np.hstack([part.estimation_sar, (part.standardized / sd)[:, None]])
        both = np.hstack([mask, np.ones((len(mask), 1), dtype=bool)])
        u = average_ranks(values, both) / (1 + both.sum(axis=1, keepdims=True)) - 0.5
        total.add(np.where(mask, u[:, :-1], 0.0))
        count.add(mask)
        of_event.append(u[:, -1])
        days.append(both.sum(axis=1))
    return total.sums, count.sums, np.concatenate(of_event), np.concatenate(days)


def _t_of_rank(name: str, z: float, total: int, alternative: Alternative, n: int) -> Outcome:
    statistic = z * np.sqrt((total - 2) / (total - 1 - z**2))
    return t_result(name, float(statistic), total - 2, alternative, n)
