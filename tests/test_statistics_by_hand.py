"""Statistics that no table and no other package gives, written out from docs/methods.md.

Eight firms of one market on eight dates whose windows overlap, complete data; days 0 and +1 are tested.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import marketshock as ms

N, M, DAYS = 8, 50, (0, 1)
FIRST, LAST = -60, -11
RTOL = 1e-9  # least squares of statsmodels against ours, then a few sums


@pytest.fixture(scope="module")
def returns() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    index = pd.bdate_range("2020-01-01", periods=140)
    market = rng.normal(0.0005, 0.01, 140)
    common = rng.normal(0, 0.008, 140)
    firms = {f"F{i}": 0.9 * market + common + 0.003 + rng.normal(0, 0.01 + 0.002 * i, 140) for i in range(N)}
    return pd.DataFrame({"m": market, **firms}, index)


@pytest.fixture(scope="module")
def events(returns) -> pd.DataFrame:
    return pd.DataFrame({"ticker": [f"F{i}" for i in range(N)], "date": returns.index[[80 + i for i in range(N)]]})


def studied(returns, events, model):
    return ms.event_study(
        events, returns=returns, model=model, window=(-2, 3), estimation=(FIRST, LAST), min_obs=M, calendar="index"
    )


@pytest.fixture(scope="module")
def study(returns, events):
    return studied(returns, events, ms.MarketModel("m"))


class ByHand:
    """One event: the market model by statsmodels, and everything the formulas below need of it."""

    def __init__(self, returns, ticker, date):
        at = returns.index.get_loc(date)
        est, window = returns.iloc[at + FIRST : at + LAST + 1], returns.iloc[at - 2 : at + 4]
        x = sm.add_constant(est["m"].to_numpy())
        fit = sm.OLS(est[ticker].to_numpy(), x).fit()
        new = sm.add_constant(window["m"].to_numpy())
        self.residuals = pd.Series(fit.resid, est.index)
        self.estimation_sar = fit.resid / np.sqrt(fit.mse_resid * (1 - fit.get_influence().hat_matrix_diag))
        expected = new @ fit.params
        self.ar = window[ticker] - expected
        factor = 1 + np.einsum("ij,jk,ik->i", new, fit.normalized_cov_params, new)
        self.sar = self.ar.to_numpy() / np.sqrt(fit.mse_resid * factor)
        total = new[2:4].sum(axis=0)
        self.car = self.ar.iloc[2:4].sum()
        self.scar = self.car / np.sqrt(fit.mse_resid * (2 + total @ fit.normalized_cov_params @ total))
        gross, expected_gross = 1 + window[ticker].iloc[2:4], 1 + expected[2:4]
        self.bhar = gross.prod() - expected_gross.prod()


@pytest.fixture(scope="module")
def hand(returns, events) -> list[ByHand]:
    return [ByHand(returns, row.ticker, row.date) for row in events.itertuples()]


def result(study, name, **options):
    return study.tests(*DAYS, which=name, **options).iloc[0]


def restandardized(hand):
    """Estimation days and the re-standardized SCAR as one more day, a row per event."""
    scar = np.array([one.scar for one in hand])
    days = np.array([one.estimation_sar for one in hand])
    return np.column_stack([days, scar / scar.std(ddof=1)])


def test_t_firm(study, hand):
    rows = study.tests(*DAYS, which="t_firm")
    np.testing.assert_allclose(rows["statistic"], [one.scar for one in hand], rtol=RTOL)
    np.testing.assert_allclose(rows["pvalue"], [2 * stats.t.sf(abs(one.scar), M - 2) for one in hand], rtol=1e-8)


def test_grank_z(study, hand):
    values = restandardized(hand)
    total = M + 1
    u = stats.rankdata(values, axis=1)[:, -1] / (total + 1) - 0.5
    expected = u.mean() / np.sqrt(N * (total - 1) / (12 * (total + 1)) / N**2)
    row = result(study, "grank_z")
    assert row["statistic"] == pytest.approx(expected, rel=RTOL)
    assert row["pvalue"] == pytest.approx(2 * stats.norm.sf(abs(expected)), rel=1e-8)


def test_sign_gsar(study, hand):
    values = restandardized(hand)
    daily = np.sign(values - np.median(values, axis=1)[:, None]).mean(axis=0)
    total = M + 1
    z = daily[-1] / np.sqrt((daily**2).mean())
    expected = z * np.sqrt((total - 2) / (total - 1 - z**2))
    row = result(study, "sign_gsar")
    assert row["statistic"] == pytest.approx(expected, rel=RTOL)
    assert row["pvalue"] == pytest.approx(2 * stats.t.sf(abs(expected), total - 2), rel=1e-8)


def test_corrado_zivney_standardized(study, hand):
    """Each event day's SARs are divided by their standard deviation over the events before they are ranked."""
    sar = np.array([one.sar for one in hand])
    values = np.column_stack([np.array([one.estimation_sar for one in hand]), sar / sar.std(axis=0, ddof=1)])
    u = stats.rankdata(values, axis=1) / (values.shape[1] + 1) - 0.5
    daily = u.sum(axis=0) / np.sqrt(N)
    expected = daily[M + 2 : M + 4].sum() / np.sqrt(2 * (daily**2).mean())
    assert result(study, "corrado_zivney_standardised")["statistic"] == pytest.approx(expected, rel=RTOL)


def test_permutation(study, hand):
    mean = np.mean([one.residuals.to_numpy() for one in hand], axis=0)
    placebo = mean[:-1] + mean[1:]
    caar = np.mean([one.car for one in hand])
    tails = (1 + (placebo <= caar).sum()) / M, (1 + (placebo >= caar).sum()) / M
    row = result(study, "permutation")
    assert row["statistic"] == pytest.approx((placebo <= caar).mean())
    assert row["pvalue"] == pytest.approx(min(1.0, 2 * min(tails)))


def test_calendar_time(study, hand):
    """Day by day: who is held, their mean, and the standard deviation of the same firms' mean residual by date."""
    ar = pd.DataFrame({i: one.ar.iloc[2:4] for i, one in enumerate(hand)})
    residuals = pd.DataFrame({i: one.residuals for i, one in enumerate(hand)})
    z = []
    for _, day in ar.iterrows():
        held = day.dropna()
        past = residuals[held.index]
        mean = past[past.notna().sum(axis=1) >= max(1, len(held) / 2)].mean(axis=1)
        z.append(held.mean() / mean.std(ddof=1))
    assert len(z) == N + 1
    row = result(study, "calendar_time")
    assert row["statistic"] == pytest.approx(np.sum(z) / np.sqrt(len(z)), rel=RTOL)


def test_skewness_adjusted(study, hand):
    """Lyon, Barber and Tsai (1999), eq. 5."""
    bhar = np.array([one.bhar for one in hand])
    s = bhar.mean() / bhar.std(ddof=1)
    g = ((bhar - bhar.mean()) ** 3).sum() / (N * bhar.std(ddof=1) ** 3)
    expected = np.sqrt(N) * (s + g * s**2 / 3 + g / (6 * N))
    assert result(study, "skewness_adjusted")["statistic"] == pytest.approx(expected, rel=RTOL)


class TestBootstraps:
    """Their p-values against the exact distributions from which they draw: 5 Monte Carlo errors of 40,000 draws."""

    DRAWS = 40_000

    def near(self, p):
        return pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / self.DRAWS) + 1 / self.DRAWS)

    @pytest.mark.parametrize("alternative", ["less", "greater"])
    def test_wild_bootstrap(self, study, hand, alternative):
        """All 2^8 patterns of signs of eight dates, each as likely."""
        scar = np.array([one.scar for one in hand])
        scale = np.sqrt((scar**2).sum())
        statistic = scar.sum() / scale
        patterns = np.array(list(product([-1, 1], repeat=N))) @ scar / scale
        share = (patterns <= statistic + 1e-12 if alternative == "less" else patterns >= statistic - 1e-12).mean()
        row = result(study, "wild_bootstrap", alternative=alternative, resampling=ms.Resampling(self.DRAWS, 5))
        assert row["statistic"] == pytest.approx(statistic, rel=RTOL)
        assert row["pvalue"] == self.near(share)

    @pytest.mark.parametrize("block", [1, 10**9])
    def test_block_bootstrap(self, returns, events, block):
        """Blocks of one day make all pairs of days; endless blocks make all pairs of neighbors, the ends joined.

        The firms drift away from the market, so that their mean residual is not zero before it is centered.
        """
        study = studied(returns, events, ms.MarketAdjusted("m"))
        at = returns.index.get_indexer(events["date"])
        excess = returns.sub(returns["m"], axis=0)
        firms = list(zip(events["ticker"], at, strict=True))
        past = np.mean([excess[name].iloc[i + FIRST : i + LAST + 1].to_numpy() for name, i in firms], axis=0)
        caar = np.mean([excess[name].iloc[i : i + 2].sum() for name, i in firms])
        past = past - past.mean()
        sums = (past[:, None] + past).ravel() if block == 1 else past + np.roll(past, -1)
        row = result(study, "block_bootstrap", alternative="greater", resampling=ms.Resampling(self.DRAWS, 5, block))
        assert row["statistic"] == pytest.approx(caar, rel=RTOL)
        assert row["pvalue"] == self.near((sums >= caar).mean())
