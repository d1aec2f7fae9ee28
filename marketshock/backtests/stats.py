"""Statistics of an equity curve and of trade returns, computed from arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from .._typing import BoolArray, FloatArray, IntArray
from ..inference.outcome import t_pvalue
from ..models._covariance import sandwich
from ..models._ols import ols
from ..sessions import MONTH, YEAR

_EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class CurveStats:
    """Statistics of the returns of sessions (decimal); NaN where they are not defined.

    Attributes
    ----------
    n_sessions : int
        Sessions from the first fill to the last exit.
    total_return : float
        Return over all sessions.
    sessions_per_year : float
        Sessions of a year on the calendar of the prices; NaN if their dates do not tell, and so are the annual figures.
    annual_return : float
        Compound return of a year of sessions. It, the volatility and the ratios are NaN below 21 sessions.
    volatility : float
        Annual standard deviation.
    sharpe, sharpe_se : float
        Annual Sharpe ratio (mean excess return over its standard deviation), and its standard error, which uses the
        skewness and kurtosis of the returns.
    sortino : float
        Annual Sortino ratio: mean excess return over the root of the mean squared shortfall below the risk-free rate.
    max_drawdown : float
        Largest fall from a peak, not positive.
    drawdown_sessions : int
        Longest run of sessions below a peak.
    skewness, kurtosis : float
        Of the excess returns of sessions (population moments; the kurtosis of a normal distribution is 3).

    References
    ----------
    Mertens (2002), Comments on variance of the IID estimator in Lo (2002); Lo (2002), Financial Analysts Journal 58;
    Sortino and van der Meer (1991), Journal of Portfolio Management 17.
    """

    n_sessions: int
    total_return: float
    sessions_per_year: float
    annual_return: float
    volatility: float
    sharpe: float
    sharpe_se: float
    sortino: float
    max_drawdown: float
    drawdown_sessions: int
    skewness: float
    kurtosis: float


def curve_stats(returns: FloatArray, risk_free: float = 0.0, year: float = YEAR) -> CurveStats:
    """Return the statistics of the returns of sessions, (n,); `risk_free` is annual, `year` the sessions of a year."""
    n, nan = len(returns), math.nan
    if not n:
        return CurveStats(0, nan, year, nan, nan, nan, nan, nan, nan, 0, nan, nan)
    growth = np.cumprod(1 + returns)
    peak = np.maximum(np.maximum.accumulate(growth), 1.0)
    total, drawdown, longest = float(growth[-1] - 1), float((growth / peak - 1).min()), _longest_run(growth < peak)
    if not (growth > 0).all():  # ratios are not defined once equity is zero or less
        return CurveStats(n, total, year, nan, nan, nan, nan, nan, drawdown, longest, nan, nan)
    excess = returns - (0.0 if math.isnan(year) else risk_free / year)  # skewness and kurtosis do not depend on it
    ratio, se, skewness, kurtosis = sharpe_ratio(excess)
    if n < MONTH or math.isnan(year):
        return CurveStats(n, total, year, nan, nan, nan, nan, nan, drawdown, longest, skewness, kurtosis)
    shortfall, root = math.sqrt(float((np.minimum(excess, 0.0) ** 2).mean())), math.sqrt(year)
    return CurveStats(
        n,
        total,
        year,
        (1 + total) ** (year / n) - 1,
        float(returns.std(ddof=1)) * root,
        ratio * root,
        se * root,
        float(excess.mean()) / shortfall * root if shortfall > 0 else nan,
        drawdown,
        longest,
        skewness,
        kurtosis,
    )


def sharpe_ratio(excess: FloatArray) -> tuple[float, float, float, float]:
    """Return (ratio, its standard error, skewness, kurtosis) of excess returns, per period; NaN where undefined.

    Notes
    -----
    se^2 = (1 + S^2 / 2 - g S + (k - 3) S^2 / 4) / n, with g the skewness and k the kurtosis (population moments).

    References
    ----------
    Mertens (2002); Bailey and Lopez de Prado (2012), Journal of Risk 15.
    """
    n = len(excess)
    sd = float(excess.std(ddof=1)) if n > 1 else math.nan
    if not sd > 1e-15:
        return math.nan, math.nan, math.nan, math.nan
    centered = (excess - excess.mean()) / excess.std()
    skewness, kurtosis = float((centered**3).mean()), float((centered**4).mean())
    ratio = float(excess.mean()) / sd
    spread = 1 + ratio**2 / 2 - skewness * ratio + (kurtosis - 3) * ratio**2 / 4
    return ratio, math.sqrt(max(spread, 0.0) / n), skewness, kurtosis


def _longest_run(under: BoolArray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], under.astype(np.int64), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


@dataclass(frozen=True, slots=True)
class BenchmarkRegression:
    """Regression of the excess returns of sessions on those of a benchmark, with HAC standard errors.

    Attributes
    ----------
    alpha, alpha_se : float
        Annual: the constant times the sessions of a year (decimal); NaN if these are unknown.
    alpha_t, alpha_pvalue : float
        t(n - 2), two-sided; NaN if the sessions of a year are unknown and there is a risk-free rate.
    beta, beta_se : float
    r_squared : float
    n_obs, lags : int
        Sessions with both returns, and the lags of Newey and West, floor(4 (n/100)^(2/9)).
    """

    alpha: float
    alpha_se: float
    alpha_t: float
    alpha_pvalue: float
    beta: float
    beta_se: float
    r_squared: float
    n_obs: int
    lags: int


def benchmark_regression(
    returns: FloatArray, benchmark: FloatArray, risk_free: float = 0.0, year: float = YEAR
) -> BenchmarkRegression | None:
    """Regress the returns of sessions on those of a benchmark, (n,) each; `year` is the sessions of a year.

    None if fewer than 21 sessions have both returns, or if the benchmark is constant.
    """
    mask = (np.isfinite(returns) & np.isfinite(benchmark))[None]
    n = int(mask.sum())
    if n < MONTH:
        return None
    daily = 0.0 if math.isnan(year) else risk_free / year  # has no effect on beta
    y, x = (returns - daily)[None], np.stack([np.ones(len(returns)), benchmark - daily], axis=1)[None]
    fit = ols(y, x, mask)
    if not fit.full_rank[0]:
        return None
    lags = int(4 * (n / 100) ** (2 / 9))
    residuals = y - np.einsum("emk,ek->em", x, fit.params)
    se = np.sqrt(np.diag(sandwich(x, residuals, mask, fit, "HAC", lags)[0]))
    centered = y[mask] - y[mask].mean()
    alpha, beta = (float(p) for p in fit.params[0])
    t = alpha / se[0] if se[0] > 0 and not (math.isnan(year) and risk_free) else math.nan
    total = float(centered @ centered)
    return BenchmarkRegression(
        alpha * year,
        float(se[0]) * year,
        float(t),
        float(t_pvalue(np.array(t), n - 2, "two-sided")),
        beta,
        float(se[1]),
        1 - float(fit.rss[0]) / total if total > 0 else math.nan,
        n,
        lags,
    )


@dataclass(frozen=True, slots=True)
class TradeStats:
    """Statistics of trade returns; a return is the profit after costs over the event's stake (decimal).

    Attributes
    ----------
    n_trades, n_dates : int
        Traded events, and their distinct sessions (day 0).
    mean, se : float
        Mean return and its standard error, clustered by session: events of one date are one draw.
    t, pvalue : float
        mean / se against t(n_dates - 1), two-sided; NaN for one date.
    median : float
    hit_rate : float
        Share of trades with a profit.
    mean_win, mean_loss : float
    profit_factor : float
        Sum of profits over sum of losses; infinite without a loss, NaN without either.
    best, worst : float

    Notes
    -----
    se^2 = G/(G - 1) sum over dates of (sum of (r - mean))^2 / n^2, G dates.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73, for the clustered error.
    """

    n_trades: int
    n_dates: int
    mean: float
    se: float
    t: float
    pvalue: float
    median: float
    hit_rate: float
    mean_win: float
    mean_loss: float
    profit_factor: float
    best: float
    worst: float


def trade_stats(returns: FloatArray, date: IntArray) -> TradeStats:
    """Return the statistics of trades, (n,) each; `date` is a number for the session of the event."""
    n = len(returns)
    if not n:
        return TradeStats(0, 0, *([math.nan] * (len(fields(TradeStats)) - 2)))
    mean, se, n_dates = clustered_mean(returns, date)
    t = mean / se if se > 0 else math.nan
    win, loss = returns[returns > 0], returns[returns < 0]
    gained, lost = float(win.sum()), float(-loss.sum())
    return TradeStats(
        n,
        n_dates,
        mean,
        se,
        t,
        float(t_pvalue(np.array(t), max(n_dates - 1, 1), "two-sided")),
        float(np.median(returns)),
        len(win) / n,
        float(win.mean()) if len(win) else math.nan,
        float(loss.mean()) if len(loss) else math.nan,
        gained / lost if lost else math.inf if gained else math.nan,
        float(returns.max()),
        float(returns.min()),
    )


def clustered_mean(values: FloatArray, cluster: IntArray) -> tuple[float, float, int]:
    """Return the mean of values, (n,), its clustered standard error, and the number of clusters.

    The standard error is NaN for one cluster, and the mean as well for no value.
    """
    if not len(values):
        return math.nan, math.nan, 0
    _, place = np.unique(cluster, return_inverse=True)
    mean = float(values.mean())
    sums = np.bincount(place, values - mean)
    g = len(sums)
    return mean, (math.sqrt(g / (g - 1) * float(sums @ sums)) / len(values) if g > 1 else math.nan), g


def bootstrap_by_date(
    returns: FloatArray, date: IntArray, draws: int, level: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the percentile interval of the mean return; dates are drawn with replacement. NaN for one date.

    References
    ----------
    Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90, for the bootstrap of clusters.
    """
    _, place = np.unique(date, return_inverse=True)
    total, count = np.bincount(place, returns), np.bincount(place).astype(float)
    g = len(total)
    if g < 2:
        return math.nan, math.nan
    means = np.empty(draws)
    step = max(1, 2**22 // g)
    for lo in range(0, draws, step):
        chosen = rng.integers(0, g, (min(step, draws - lo), g))
        means[lo : lo + step] = total[chosen].sum(axis=1) / count[chosen].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def deflated_sharpe(
    sharpe: float, n_obs: int, skewness: float, kurtosis: float, n_trials: int, sd_trials: float
) -> tuple[float, float]:
    """Return the deflated Sharpe ratio: the probability that a rule beats the best of several rules without an edge.

    Parameters
    ----------
    sharpe : float
        Sharpe ratio per session, not annual.
    n_obs : int
        Sessions.
    skewness, kurtosis : float
        Of the returns (the kurtosis of a normal distribution is 3).
    n_trials : int
        Rules tried.
    sd_trials : float
        Standard deviation of their Sharpe ratios, per session.

    Returns
    -------
    probability : float
        P(true ratio > threshold); a test at the 5 % level requires 0.95.
    threshold : float
        Expected largest ratio of `n_trials` rules without an edge, per session; 0 for one rule.

    Notes
    -----
    threshold = sd ((1 - g) z(1 - 1/N) + g z(1 - 1/(N e))), g Euler's constant, z the normal quantile; probability =
    Phi((S - threshold) sqrt(n - 1) / sqrt(1 - skew S + (kurt - 1)/4 S^2)).

    References
    ----------
    Bailey and Lopez de Prado (2014), Journal of Portfolio Management 40, 94-107.
    """
    threshold = 0.0
    if n_trials > 1:
        z = special.ndtri([1 - 1 / n_trials, 1 - 1 / (n_trials * math.e)])
        threshold = sd_trials * ((1 - _EULER) * z[0] + _EULER * z[1])
    spread = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if not spread > 0:
        return math.nan, float(threshold)
    return float(special.ndtr((sharpe - threshold) * math.sqrt(n_obs - 1) / math.sqrt(spread))), float(threshold)
