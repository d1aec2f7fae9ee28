"""What existing event-study software gets wrong: one test a trap, which fails on the trap.

Each expected value is computed here from the definition; next to it stands what the trap would have given, and the
two differ. Traps that have a home elsewhere: event joins, moved and dropped dates, duplicates (test_panel.py), dates
as numbers (test_events.py), look-ahead counts and share classes (test_marketcap.py).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import marketshock as ms
from marketshock.inference.ranks import average_ranks

N, M, L = 6, 60, 4
INDEX = pd.bdate_range("2022-01-03", periods=300)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    market = rng.normal(0, 0.01, len(INDEX))
    firms = market[:, None] * rng.uniform(0.5, 1.6, N) + rng.normal(0, 0.015, (len(INDEX), N))
    firms[rng.random(firms.shape) < 0.05] = np.nan
    firms[[150, 161, 177, 183, 190], 0] = np.nan
    firms[200:210] = np.where(np.isnan(firms[200:210]), 0.01, firms[200:210])
    return pd.DataFrame(np.column_stack([market, firms]), index=INDEX, columns=["m", *"ABCDEF"])


def run(frame, days=(200,) * N, **options) -> ms.StudyResult:
    events = pd.DataFrame({"ticker": list("ABCDEF")[: len(days)], "date": INDEX[list(days)]})
    settings = {"window": (0, L - 1), "estimation": (-M, -1), "min_obs": 30, "calendar": "index", **options}
    return ms.event_study(events, returns=frame, model=ms.MarketModel("m"), **settings)


@pytest.fixture(scope="module")
def study(frame) -> ms.StudyResult:
    return run(frame)


def pieces(frame, ticker: str, at: int = 200):
    """Return (y, x, theta, s, X'X^-1, event y, event x) of one event from the definitions."""
    part = frame.iloc[at - M : at][["m", ticker]].dropna()
    x = np.column_stack([np.ones(len(part)), part["m"]])
    theta, rss, *_ = np.linalg.lstsq(x, part[ticker].to_numpy(), rcond=None)
    s = np.sqrt(rss[0] / (len(part) - 2))
    event = frame.iloc[at : at + L]
    ex = np.column_stack([np.ones(L), event["m"]])
    return part[ticker].to_numpy(), x, theta, s, np.linalg.inv(x.T @ x), event[ticker].to_numpy(), ex


def differ(right, wrong) -> None:
    """Assert that the trap would be seen."""
    assert not np.allclose(right, wrong, rtol=1e-4), "the trap gives the same number: this test could not fail"


class TestMissingData:
    def test_a_missing_return_is_not_a_zero(self, frame, study):
        y, _, theta, *_ = pieces(frame, "A")
        assert study.params["m"].iloc[0] == pytest.approx(theta[1], rel=1e-10)
        filled = frame.iloc[200 - M : 200].fillna(0)
        differ(theta[1], np.polyfit(filled["m"], filled["A"], 1)[0])
        assert study.params["n_obs"].iloc[0] == len(y) < M

    def test_one_missing_day_does_not_drop_the_event_nor_blank_its_row(self, frame):
        holed = frame.copy()
        holed.iloc[201, 1] = np.nan
        car = run(holed).car(0, L - 1)
        assert car["n_days"].tolist() == [L - 1] + [L] * (N - 1)
        assert car["car"].notna().all()
        assert "1 of 4 days" in car["note"].iloc[0]

    def test_moments_of_the_market_are_those_of_the_days_the_firm_has(self, frame, study):
        _, _, _, s, inverse, _, ex = pieces(frame, "A")
        right = s * np.sqrt(1 + ex[0] @ inverse @ ex[0])
        assert study.ar[0].iloc[0] / study.sar[0].iloc[0] == pytest.approx(right, rel=1e-9)
        market = frame["m"].iloc[200 - M : 200]
        wrong = s * np.sqrt(1 + 1 / M + (ex[0, 1] - market.mean()) ** 2 / ((market - market.mean()) ** 2).sum())
        assert abs(right / wrong - 1) > 1e-6

    def test_ranks_divide_by_the_days_that_are_there(self, study):
        e = study.evidence
        mask = np.hstack([e.mask, e.event_mask])
        values = np.hstack([e.residuals, e.abnormal.ar])
        days = mask.sum(axis=1)
        u = average_ranks(values, mask) / (1 + days[:, None]) - 0.5
        k = np.nanmean(u, axis=0)
        z = k[M] / np.sqrt((k**2).mean())
        assert study.tests(0, 0, which="corrado")["statistic"].iloc[0] == pytest.approx(z, rel=1e-9)
        wrong = np.nanmean(average_ranks(values, mask) / (1 + mask.shape[1]) - 0.5, axis=0)
        differ(z, wrong[M] / np.sqrt((wrong**2).mean()))

    def test_patell_counts_the_events_that_have_a_return(self, frame):
        holed = frame.copy()
        holed.iloc[200, 1] = np.nan
        study = run(holed)
        sar, m = study.sar[0].dropna(), study.params["n_obs"].iloc[1:]
        right = sar.sum() / np.sqrt(((m - 2) / (m - 4)).sum())
        row = study.tests(0, 0, which="patell").iloc[0]
        assert row["statistic"] == pytest.approx(right, rel=1e-9)
        assert row["n_events"] == N - 1
        every = study.params["n_obs"]
        differ(right, sar.sum() / np.sqrt(((every - 2) / (every - 4)).sum()))

    def test_a_zero_is_not_a_negative_return(self):
        flat = pd.DataFrame(np.random.default_rng(1).normal(0, 0.01, (120, 4)), index=INDEX[:120], columns=list("ABCD"))
        flat -= flat.iloc[40:100].mean()
        flat.iloc[100] = [0.0, 0.02, 0.03, 0.01]
        events = pd.DataFrame({"ticker": list("ABCD"), "date": INDEX[100]})
        study = ms.event_study(
            events, returns=flat.assign(Z=0.0), model=ms.MarketAdjusted("Z"), window=(0, 0), estimation=(-60, -1),
            min_obs=30, calendar="index",
        )  # fmt: skip
        row = study.tests(0, 0, which="sign").iloc[0]
        assert row["n_events"] == 3
        assert row["statistic"] == pytest.approx(np.sqrt(3))


class TestFormulas:
    def test_forecast_error_is_in_the_sar_and_not_inverted(self, frame, study):
        _, _, theta, s, inverse, ey, ex = pieces(frame, "B")
        ar = ey - ex @ theta
        c = 1 + np.einsum("tk,kl,tl->t", ex, inverse, ex)
        np.testing.assert_allclose(study.sar.iloc[1], ar / (s * np.sqrt(c)), rtol=1e-9)
        for wrong in (ar / s, ar / (s / np.sqrt(c)), ar / (s * c**0.25)):
            differ(study.sar.iloc[1], wrong)

    def test_its_denominator_is_the_estimation_windows(self, frame, study):
        _, x, _, s, inverse, _, ex = pieces(frame, "B")
        right = 1 + ex[0] @ inverse @ ex[0]
        market = ex[:, 1]
        wrong = 1 + 1 / len(x) + (market[0] - market.mean()) ** 2 / ((market - market.mean()) ** 2).sum()
        assert (study.ar[0] / study.sar[0]).iloc[1] == pytest.approx(s * np.sqrt(right), rel=1e-9)
        differ(right, wrong)

    def test_sigma_divides_by_the_days_less_the_parameters(self, frame, study):
        y, x, theta, s, *_ = pieces(frame, "C")
        e = y - x @ theta
        assert study.params["sigma"].iloc[2] == pytest.approx(np.sqrt((e**2).sum() / (len(y) - 2)), rel=1e-10)
        differ(s, e.std(ddof=1))
        differ(s, e.std(ddof=0))
        assert study.params["df"].iloc[2] == len(y) - 2

    def test_variance_of_a_car_sums_the_regressors_before_it_squares(self, frame, study):
        _, _, _, s, inverse, _, ex = pieces(frame, "D")
        total = ex.sum(axis=0)
        right = s * np.sqrt(L + total @ inverse @ total)
        assert study.car(0, L - 1)["se"].iloc[3] == pytest.approx(right, rel=1e-9)
        daily = s * np.sqrt((1 + np.einsum("tk,kl,tl->t", ex, inverse, ex)).sum())
        differ(right, daily)
        differ(right, s * np.sqrt(L))

    def test_a_95_percent_interval_covers_95(self, study):
        row = study.car(0, 0).iloc[0]
        half = (row["ci_high"] - row["ci_low"]) / 2
        assert half / row["se"] == pytest.approx(stats.t.ppf(0.975, row["df"]), rel=1e-9)
        differ(half, row["se"] * stats.t.ppf(0.95, row["df"]))

    def test_two_sided_is_two_sided(self, study):
        row = study.car(0, 0).iloc[0]
        assert row["pvalue"] == pytest.approx(2 * stats.t.sf(abs(row["t"]), row["df"]), rel=1e-9)

    def test_small_samples_have_their_t(self, study):
        """Seven firms have no normal distribution."""
        row = study.tests(0, 0, which="bmp").iloc[0]
        assert row["df"] == N - 1
        assert row["pvalue"] == pytest.approx(2 * stats.t.sf(abs(row["statistic"]), N - 1), rel=1e-9)
        differ(row["pvalue"], 2 * stats.norm.sf(abs(row["statistic"])))

    def test_a_car_is_cumulated_once(self, study):
        for last in range(L):
            np.testing.assert_allclose(study.car(0, last)["car"], study.ar.loc[:, :last].sum(axis=1), rtol=1e-12)

    def test_bhar_of_several_days_is_compounded_once(self, study):
        tidy = study.to_frame()
        grown = (1 + tidy[["return", "expected"]]).groupby("event_id", sort=False).prod()
        np.testing.assert_allclose(study.bhar(0, L - 1)["bhar"], grown["return"] - grown["expected"], rtol=1e-9)
        daily = sum(study.bhar(0, d)["bhar"] for d in range(L))
        differ(study.bhar(0, L - 1)["bhar"], daily)

    def test_scar_is_restandardised_by_the_standard_deviation(self, study):
        """Not by the standard error: GRANK t was 4.15 instead of 1.98 there."""
        e, scar = study.evidence, study.sample(0, L - 1).standardized
        values = np.hstack([e.own_sar, (scar / scar.std(ddof=1))[:, None]])
        mask = np.hstack([e.mask, np.ones((N, 1), dtype=bool)])
        u = average_ranks(values, mask) / (1 + mask.sum(axis=1, keepdims=True)) - 0.5
        count = mask.sum(axis=0)
        mean = np.nansum(u, axis=0) / count
        total = M + 1
        z = mean[-1] / np.sqrt((count / N * mean**2).sum() / total)
        t = z * np.sqrt((total - 2) / (total - 1 - z**2))
        row = study.tests(0, L - 1, which="grank_t").iloc[0]
        assert row["statistic"] == pytest.approx(t, rel=1e-9)
        assert row["df"] == M - 1

    def test_each_day_has_its_own_rank_statistic(self, study):
        z = study.tests(0, L - 1, which=["corrado", "grank_t"], by="day")["statistic"]
        assert z.nunique() == 2 * L

    def test_mean_correlation_is_of_dates_not_of_places(self, frame):
        """Events of two dates, twenty days apart: their residuals are matched by date, and share no event day."""
        common = frame.copy()
        rng = np.random.default_rng(9)
        common[list("ABCDEF")] = common[list("ABCDEF")].add(rng.normal(0, 0.02, len(INDEX)), axis=0)
        study = run(common.fillna(0.001), days=(200, 200, 200, 220, 220, 220))
        r = study.sample(0, 0).correlation_by_date
        e = study.evidence.residuals
        within = [np.corrcoef(e[:3])[np.triu_indices(3, 1)].mean(), np.corrcoef(e[3:])[np.triu_indices(3, 1)].mean()]
        assert r == pytest.approx(np.mean(within) * 12 / 30, rel=1e-6)  # 6 of the 15 pairs share a date
        by_place = np.corrcoef(e)[np.triu_indices(6, 1)].mean()
        differ(r, by_place)

    def test_a_correlation_is_no_dot_product(self, study):
        e = study.evidence.residuals[:, study.evidence.mask.all(axis=0)]
        r = study.sample(0, 0).correlation_by_date
        assert -1 / (N - 1) <= r <= 1
        differ(r, (e @ e.T)[np.triu_indices(N, 1)].mean())

    def test_calendar_time_does_not_read_its_variance_off_the_event_window(self, frame):
        quiet = frame.copy()
        quiet.iloc[200:204, 1:] = quiet["m"].to_numpy()[200:204, None]  # an event window that hardly varies
        a, b = run(frame), run(quiet)
        spread = a.evidence.mean_residual.std(ddof=1)
        for study in (a, b):
            z = study.aar()["aar"].to_numpy() / study.evidence.mean_residual.std(ddof=1)
            got = study.tests(0, L - 1, which="calendar_time")["statistic"].iloc[0]
            assert got == pytest.approx(z.sum() / np.sqrt(L), rel=0.02)
        assert b.evidence.mean_residual.std(ddof=1) == pytest.approx(spread)

    def test_doubling_all_weights_of_a_mean_changes_nothing(self, frame, study):
        """Every event twice is not more evidence: duplicates are left out, and the statistic stays."""
        twice = pd.DataFrame({"ticker": list("ABCDEF") * 2, "date": INDEX[200]})
        with pytest.warns(ms.errors.ExclusionWarning, match="6 of 12"):
            again = ms.event_study(
                twice, returns=frame, model=ms.MarketModel("m"), window=(0, L - 1), estimation=(-M, -1), min_obs=30,
                calendar="index",
            )  # fmt: skip
        for test in ("bmp", "patell", "corrado", "portfolio"):
            a, b = (s.tests(0, 0, which=test)["statistic"].iloc[0] for s in (study, again))
            assert a == pytest.approx(b)


class TestEvents:
    def test_a_second_event_of_a_firm_joins_nothing(self, frame):
        one = run(frame, days=(200,))
        events = pd.DataFrame({"ticker": ["A", "A"], "date": INDEX[[200, 240]]})
        two = ms.event_study(
            events, returns=frame, model=ms.MarketModel("m"), window=(0, L - 1), estimation=(-M, -1), min_obs=30,
            calendar="index",
        )  # fmt: skip
        assert len(two.to_frame()) == 2 * L
        np.testing.assert_array_equal(two.ar.iloc[0], one.ar.iloc[0])

    def test_estimation_window_is_counted_in_sessions_and_ends_before_the_event(self, study):
        event = study.events.iloc[0]
        at = INDEX.get_loc(event["date"])
        assert event["estimation_first"] == INDEX[at - M]
        assert event["estimation_last"] == INDEX[at - 1]
