"""Tests against independent computations: dummy-variable regressions, hand-ranked residuals, simulated size."""

from __future__ import annotations

import io
import pickle
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import marketshock as ms
from marketshock.errors import ChoiceError, UnknownNameError, WindowError
from marketshock.inference.outcome import Inapplicable, TestResult
from marketshock.inference.ranks import placebo_result, run_sums, sq
from marketshock.inference.registry import rank_of
from marketshock.inference.sample import Sample
from marketshock.study import inferred

from .conftest import ROOT

RTOL = 1e-10
SEVEN = list(ms.MAGNIFICENT_SEVEN)


def window_rows(returns: pd.DataFrame, last: int = 0):
    at = returns.index.get_loc("2025-01-27")
    return returns.iloc[at - 260 : at - 10], returns.iloc[at : at + last + 1]


def binder(returns: pd.DataFrame, last: int):
    """Run the multivariate regression with event-day dummies (Binder 1985) as one OLS system by statsmodels.

    Returns the sum of each firm's dummy coefficients, the residual covariance, and the variance factor of the sum.
    """
    est, event = window_rows(returns, last)
    both = pd.concat([est, event])
    x = sm.add_constant(both[["^GSPC"]].to_numpy())
    dummies = np.vstack([np.zeros((len(est), last + 1)), np.eye(last + 1)])
    full = np.column_stack([x, dummies])
    fits = [sm.OLS(both[t].to_numpy(), full).fit() for t in SEVEN]
    gamma = np.array([f.params[2:].sum() for f in fits])
    residuals = np.column_stack([f.resid for f in fits])
    covariance = residuals.T @ residuals / fits[0].df_resid
    ones = np.r_[0, 0, np.ones(last + 1)]
    return gamma, covariance, ones @ fits[0].normalized_cov_params @ ones, int(fits[0].df_resid)


@pytest.mark.parametrize("last", [0, 3])
class TestJoint:
    """The multivariate regression with dummies is the outside truth: its coefficients are the abnormal returns."""

    def test_joint_f(self, seven, returns, last):
        gamma, covariance, factor, dof = binder(returns, last)
        n = len(gamma)
        f = gamma @ np.linalg.inv(covariance) @ gamma / factor * (dof - n + 1) / (dof * n)
        row = seven.tests(0, last, which="joint_f").iloc[0]
        np.testing.assert_allclose(row["statistic"], f, rtol=1e-9)
        assert (row["df"], row["df2"]) == (n, dof - n + 1) == (7, 242)
        np.testing.assert_allclose(row["pvalue"], stats.f.sf(f, 7, 242), rtol=1e-8)

    def test_joint_equal(self, seven, returns, last):
        gamma, covariance, factor, dof = binder(returns, last)
        contrast = np.column_stack([np.ones(6), -np.eye(6)])  # each firm against the first: the same hypothesis
        moved = contrast @ gamma
        f = moved @ np.linalg.inv(contrast @ covariance @ contrast.T) @ moved / factor * (dof - 5) / (dof * 6)
        row = seven.tests(0, last, which="joint_equal").iloc[0]
        np.testing.assert_allclose(row["statistic"], f, rtol=1e-8)
        assert (row["df"], row["df2"]) == (6, dof - 5)

    def test_portfolio_is_the_one_firm_t_of_the_portfolio(self, seven, returns, last):
        mean = returns.assign(EW=returns[SEVEN].mean(axis=1))
        events = pd.DataFrame({"ticker": ["EW"], "date": ["2025-01-27"]})
        one = ms.event_study(events, returns=mean, model=ms.MarketModel("^GSPC")).car(0, last).iloc[0]
        row = seven.tests(0, last, which="portfolio").iloc[0]
        np.testing.assert_allclose(
            [row["statistic"], row["df"], row["pvalue"]], one[["t", "df", "pvalue"]].astype(float), rtol=1e-9
        )

    def test_t_firm_and_car_agree(self, seven, last):
        rows = seven.tests(0, last, which="t_firm").set_index("event_id")
        car = seven.car(0, last)
        np.testing.assert_allclose(rows["statistic"], car["t"], rtol=RTOL)
        np.testing.assert_allclose(rows["pvalue"], car["pvalue"], rtol=RTOL)


def test_joint_f_of_one_firm_is_its_t_squared(prices, catalog):
    one = ms.event_study(catalog["deepseek-selloff"], tickers="NVDA", prices=prices, model=ms.MarketModel("^GSPC"))
    tests = one.tests(0, 0)
    np.testing.assert_allclose(tests.loc["joint_f", "statistic"], tests.loc["t_firm", "statistic"] ** 2, rtol=1e-9)
    np.testing.assert_allclose(tests.loc["joint_f", "pvalue"], tests.loc["t_firm", "pvalue"], rtol=1e-8)


def test_joint_f_does_not_care_about_units_or_order(seven, prices, catalog):
    turned = ms.event_study(
        catalog["deepseek-selloff"], tickers=SEVEN[::-1], prices=prices, model=ms.MarketModel("^GSPC")
    )
    which = ["joint_f", "joint_equal", "portfolio", "t_cross_sectional"]
    np.testing.assert_allclose(
        turned.tests(0, 0, which=which)["statistic"], seven.tests(0, 0, which=which)["statistic"], rtol=1e-9
    )


def test_joint_tests_with_gaps_use_the_days_all_share(returns):
    holed = returns.copy()
    at = returns.index.get_loc("2025-01-27")
    holed.iloc[at - 100, returns.columns.get_loc("NVDA")] = np.nan
    holed.iloc[at - 90, returns.columns.get_loc("AAPL")] = np.nan
    events = pd.DataFrame({"ticker": SEVEN, "date": "2025-01-27"})
    study = ms.event_study(events, returns=holed, model=ms.MarketModel("^GSPC"))
    shared = returns.copy()
    shared.iloc[[at - 100, at - 90]] = np.nan
    cut = ms.event_study(events, returns=shared, model=ms.MarketModel("^GSPC"))
    row, expected = study.tests(0, 0, which="joint_f").iloc[0], cut.tests(0, 0, which="joint_f").iloc[0]
    np.testing.assert_allclose(row["statistic"], expected["statistic"], rtol=1e-9)
    assert (row["df"], row["df2"]) == (7, 240)
    assert "estimated on the 248 days all firms share (2 left out)" in row["note"]


def test_market_adjusted_joint_tests_take_the_variance_about_the_mean(returns):
    events = pd.DataFrame({"ticker": SEVEN, "date": "2025-01-27"})
    study = ms.event_study(events, returns=returns, model=ms.MarketAdjusted("^GSPC"))
    est, day = window_rows(returns)
    excess = est[SEVEN].sub(est["^GSPC"], axis=0)
    ar = (day[SEVEN].iloc[0] - day["^GSPC"].iloc[0]).to_numpy()
    f = ar @ np.linalg.inv(excess.cov().to_numpy()) @ ar * (249 - 6) / (249 * 7)
    np.testing.assert_allclose(study.tests(0, 0, which="joint_f")["statistic"].iloc[0], f, rtol=1e-9)


def test_joint_rank_judges_every_day_as_the_event_day_is_judged(seven, returns):
    """Each estimation day is left out, the system estimated on the others, and its F computed as of an event day."""
    est, _ = window_rows(returns)
    x, y = sm.add_constant(est[["^GSPC"]].to_numpy()), est[SEVEN].to_numpy()
    past = []
    for day in range(len(est)):
        others = np.arange(len(est)) != day
        fits = [sm.OLS(y[others, i], x[others]).fit() for i in range(7)]
        ar = y[day] - np.array([x[day] @ f.params for f in fits])
        e = np.column_stack([f.resid for f in fits])
        factor = 1 + x[day] @ fits[0].normalized_cov_params @ x[day]
        t2 = ar @ np.linalg.inv(e.T @ e / 247) @ ar / factor
        past.append(t2 * (247 - 6) / (247 * 7))
    row = seven.tests(0, 0, which="joint_rank").iloc[0]
    f = seven.tests(0, 0, which="joint_f").iloc[0]
    assert row["statistic"] == pytest.approx(f["statistic"], rel=1e-9)
    assert row["pvalue"] == pytest.approx((1 + (np.array(past) >= row["statistic"]).sum()) / 251)
    assert "one day" in seven.tests(0, 1, which="joint_rank")["note"].iloc[0]


class TestSq:
    def test_equals_ranks_counted_by_hand(self, seven, returns):
        est, day = window_rows(returns)
        for ticker in SEVEN:
            fit = sm.OLS(est[ticker].to_numpy(), sm.add_constant(est["^GSPC"].to_numpy())).fit()
            ar = day[ticker].iloc[0] - fit.params @ [1, day["^GSPC"].iloc[0]]
            below, above = (fit.resid <= ar).sum(), (fit.resid >= ar).sum()
            expected = {"less": (1 + below) / 251, "greater": (1 + above) / 251}
            expected["two-sided"] = min(1, 2 * min(expected.values()))
            for alternative, pvalue in expected.items():
                rows = seven.tests(0, 0, which="sq", alternative=alternative).set_index("event_id")
                assert rows.loc[f"deepseek-selloff/{ticker}", "pvalue"] == pytest.approx(pvalue, rel=1e-12)

    def test_runs_skip_missing_days(self):
        values = np.array([1.0, 2.0, 4.0, np.nan, 8.0, 16.0])
        mask = ~np.isnan(values)
        assert list(run_sums(values, mask, 2)) == [3, 6, 24]
        assert list(run_sums(values, mask, 1)) == [1, 2, 4, 8, 16]
        assert len(run_sums(values, mask, 7)) == 0

    def test_a_rank_survives_any_monotone_map(self, seven):
        sample = seven.sample(0, 0).take(np.array([4]))
        result = sq(sample, "less")
        assert isinstance(result, TestResult)
        cubed = (sample.evidence.residuals[0] ** 3 <= sample.sum.car[0] ** 3).sum()
        assert result.pvalue == (1 + cubed) / 251

    def test_several_days_are_ranked_in_units_of_their_own_errors(self, seven, returns):
        """Runs of residuals vary less than a CAR does: L - s'(X'X)^-1 s against L + s'(X'X)^-1 s."""
        est, event = window_rows(returns, 4)
        x = sm.add_constant(est["^GSPC"].to_numpy())
        fit = sm.OLS(est["NVDA"].to_numpy(), x).fit()
        sums = []
        for start in range(246):
            s = x[start : start + 5].sum(axis=0)
            spread = np.sqrt(fit.mse_resid * (5 - s @ fit.normalized_cov_params @ s))
            sums.append(fit.resid[start : start + 5].sum() / spread)
        s = np.array([5, event["^GSPC"].sum()])
        car = (event["NVDA"] - fit.params[0] - fit.params[1] * event["^GSPC"]).sum()
        scar = car / np.sqrt(fit.mse_resid * (5 + s @ fit.normalized_cov_params @ s))
        row = seven.tests(0, 4, which="sq", alternative="less").set_index("event_id").loc["deepseek-selloff/NVDA"]
        assert row["pvalue"] == pytest.approx((1 + (np.array(sums) <= scar).sum()) / 247, rel=1e-12)
        assert "about 49 are independent" in row["note"]

    def test_ties_count_in_both_tails(self):
        result = placebo_result("sq", 0.1 + 0.2, np.array([0.3] * 20 + [0.4] * 20), 1, "less", 1, "")
        assert result.pvalue == 21 / 41

    def test_two_sided_needs_39_days(self):
        for days, applies in ((38, False), (39, True)):
            result = placebo_result("sq", 9.0, np.arange(days) / 10, 1, "two-sided", 1, "")
            assert isinstance(result, TestResult) == applies

    def test_too_few_runs_cannot_reach_five_percent(self, returns):
        events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]})
        study = ms.event_study(
            events, returns=returns, model=ms.MarketModel("^GSPC"), estimation=(-28, -11), min_obs=10
        )
        assert isinstance(sq(study.sample(0, 0), "less"), Inapplicable)


class TestTable:
    def test_what_applies_comes_first_and_reasons_are_given(self, prices, catalog):
        both = [catalog["deepseek-selloff"], catalog["tariff-pause"]]
        study = ms.event_study(both, tickers=SEVEN, prices=prices, model=ms.MarketModel("^GSPC"))
        tests = study.tests(0, 0)
        ranks = [rank_of(note) for note in tests["note"]]
        assert ranks == sorted(ranks)
        assert tests.loc["joint_f", "note"].startswith("does not apply: the events fall on 2 dates")
        assert np.isnan(tests.loc["joint_f", "pvalue"])

    def test_a_few_dates_with_many_firms_mislead_like_one(self, prices, catalog):
        both = [catalog["deepseek-selloff"], catalog["tariff-pause"]]
        study = ms.event_study(both, tickers=SEVEN, prices=prices, model=ms.MarketModel("^GSPC"))
        note = study.tests(0, 0, which="t_cross_sectional")["note"].iloc[0]
        assert note.startswith("misleads here: 14 events on 2 dates")

    def test_prints_as_a_table_and_is_a_frame(self, seven):
        tests = seven.tests(0, 0)
        text = repr(tests)
        assert max(map(len, text.splitlines())) <= 125
        assert "joint F" in text
        assert "p (two-sided)" in text
        assert type(tests[tests["pvalue"] < 0.05]) is pd.DataFrame
        assert "<table" in tests._repr_html_()
        assert "95 % interval" in repr(seven.car(0, 1))
        assert isinstance(pickle.loads(pickle.dumps(tests)), pd.DataFrame)

    def test_by_event_tests_each_date(self, prices, catalog, seven):
        both = [catalog["deepseek-selloff"], catalog["tariff-pause"]]
        study = ms.event_study(both, tickers=SEVEN, prices=prices, model=ms.MarketModel("^GSPC"))
        tests = study.tests(0, 0, which="joint_f", by="event")
        assert list(tests.index.get_level_values("event")) == ["deepseek-selloff", "tariff-pause"]
        np.testing.assert_allclose(tests["statistic"].iloc[0], seven.tests(0, 0, which="joint_f")["statistic"].iloc[0])

    def test_common_date_leads_with_firms_and_names_what_misleads(self, seven):
        tests = seven.tests(0, 0)
        leading = ["t_firm", "sq", "joint_f", "joint_rank", "joint_equal", "portfolio", "kolari_pynnonen"]
        assert list(dict.fromkeys(tests.index))[:7] == leading
        assert "fat tails (excess kurtosis up to" in tests.loc["joint_f", "note"]
        assert "misleads here: the events share one date" in tests.loc["t_cross_sectional", "note"]
        assert "effects of both signs cancel" in tests.loc["portfolio", "note"]

    def test_each_row_says_null_alternative_and_reference(self, seven):
        tests = seven.tests(0, 1)
        assert (tests[["null", "alternative", "assumptions", "reference"]] != "").all().all()
        assert tests.loc["bmp", "assumptions"] == "normal residuals, independent events, effects of one sign"

    @pytest.mark.parametrize("window", [(0, 0), (-1, 5)])
    def test_degrees_of_freedom_are_numbers(self, seven, window):
        table = seven.tests(*window, which="all")
        assert table[["df", "df2"]].dtypes.tolist() == [np.float64, np.float64]
        second = table[table["df2"].notna()]
        assert set(second.index) == {"joint_f", "joint_equal"}
        np.testing.assert_allclose(stats.f.sf(second["statistic"], second["df"], second["df2"]), second["pvalue"])
        t = table[table["distribution"] == "t"]
        np.testing.assert_allclose(2 * stats.t.sf(abs(t["statistic"]), t["df"]), t["pvalue"], rtol=1e-8)
        assert table.loc[table["distribution"].isin(["normal", "exact", ""]), ["df", "df2"]].isna().all(axis=None)

    def test_survives_files(self, seven, tmp_path):
        table = pd.DataFrame(seven.tests(0, 0))
        table.to_parquet(tmp_path / "t.parquet")
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table)
        flat = table.reset_index()
        flat.to_csv(tmp_path / "t.csv", index=False)
        back = pd.read_csv(tmp_path / "t.csv", keep_default_na=False, na_values={"df": [""], "df2": [""]})
        pd.testing.assert_frame_equal(back[["test", "df", "df2"]], flat[["test", "df", "df2"]])
        read = pd.read_json(io.StringIO(flat.to_json(orient="records", double_precision=15)))
        np.testing.assert_allclose(read[["df", "df2"]].astype(float), flat[["df", "df2"]])
        polars = pytest.importorskip("polars")
        schema = polars.from_pandas(flat).schema
        assert (schema["df"], schema["df2"]) == (polars.Float64, polars.Float64)

    def test_is_computed_once(self, monkeypatch, prices, catalog):
        """A second call copies; another window, test, direction, group, convention or draw computes again."""
        study = ms.event_study(catalog["deepseek-selloff"], tickers=SEVEN, prices=prices, model=ms.MarketModel("^GSPC"))
        calls, made = [], inferred.test_rows
        monkeypatch.setattr(inferred, "test_rows", lambda *args: calls.append(args) or made(*args))
        first = study.tests(0, 0, which=["bmp", "portfolio"])
        kept = pd.DataFrame(first).copy(deep=True)
        first.loc["bmp", "statistic"] = 99.0
        first["note"] = "mine"
        second = study.tests(0, 0, which=["bmp", "portfolio"])
        assert len(calls) == 1
        pd.testing.assert_frame_equal(pd.DataFrame(second), kept)
        assert "BMP t" in str(second)
        average = study.aar()
        average.loc[0, "aar"] = 99.0
        assert study.aar().loc[0, "aar"] != 99.0
        others = [
            {"which": "bmp"}, {"alternative": "less"}, {"by": "date"}, {"conventions": ms.Conventions(window="csar")},
            {"which": "block_bootstrap", "resampling": ms.Resampling(draws=99)},
            {"which": "block_bootstrap", "resampling": ms.Resampling(draws=99, seed=1)},
        ]  # fmt: skip
        for n, options in enumerate(others, 2):
            study.tests(-1, 1, **options)
            assert len(calls) == n
        loaded = pickle.loads(pickle.dumps(study))
        pd.testing.assert_frame_equal(loaded.tests(0, 0), study.tests(0, 0))

    def test_directions(self, seven):
        two = seven.tests(0, 0, which=["t_firm", "t_cross_sectional", "portfolio"])
        less = seven.tests(0, 0, which=["t_firm", "t_cross_sectional", "portfolio"], alternative="less")
        greater = seven.tests(0, 0, which=["t_firm", "t_cross_sectional", "portfolio"], alternative="greater")
        np.testing.assert_allclose(less["pvalue"] + greater["pvalue"], 1)
        np.testing.assert_allclose(two["pvalue"], 2 * np.minimum(less["pvalue"], greater["pvalue"]))
        assert "no direction" in seven.tests(0, 0, which="joint_f", alternative="less")["note"].iloc[0]

    def test_bad_requests(self, seven):
        with pytest.raises(UnknownNameError, match="did you mean 'joint_f'"):
            seven.tests(0, 0, which="joint_ff")
        with pytest.raises(ChoiceError, match="two-sided"):
            seven.tests(0, 0, alternative="both")
        with pytest.raises(ChoiceError, match="event"):
            seven.tests(0, 0, by="sector")
        with pytest.raises(WindowError, match="widen window="):
            seven.tests(0, 6)
        with pytest.raises(WindowError, match="after its end"):
            seven.car(3, 0)

    def test_one_event(self, prices, catalog):
        one = ms.event_study(catalog["deepseek-selloff"], tickers="NVDA", prices=prices, model=ms.MarketModel("^GSPC"))
        tests = one.tests(0, 0)
        assert "needs two events or more, has 1" in tests.loc["t_cross_sectional", "note"]
        assert tests.loc["portfolio", "pvalue"] == pytest.approx(tests.loc["t_firm", "pvalue"], rel=1e-9)

    def test_one_firm_twice_is_named(self, prices):
        events = pd.DataFrame({"ticker": ["NVDA", "NVDA"], "date": "2025-01-27"})
        study = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"), duplicates="keep")
        assert "linearly dependent" in study.tests(0, 0, which="joint_f")["note"].iloc[0]


def short_windows(n_dates: int, days: int) -> ms.StudyResult:
    """Forty events whose forecast error is large: few estimation days, twelve event days, two factors."""
    rng = np.random.default_rng(3)
    index = pd.bdate_range("2020-01-01", periods=450)
    names = [f"F{k}" for k in range(40)]
    frame = pd.DataFrame(rng.normal(0, 0.02, (450, 42)), index=index, columns=[*names, "m", "n"])
    events = pd.DataFrame({"ticker": names, "date": index[80 + 30 * (np.arange(40) % n_dates)]})
    return ms.event_study(
        events, returns=frame, model=ms.FactorModel(["m", "n"]), window=(0, 11), estimation=(-days, -1), min_obs=15,
        calendar="index",
    )  # fmt: skip


class TestForecastError:
    """``Conventions(forecast_error=False)`` reaches the tests that docs/methods.md lists, and no other."""

    @staticmethod
    def samples() -> list[Sample]:
        few, many, one = short_windows(1, 15), short_windows(10, 15), short_windows(1, 60)
        parts = [few.sample(0, last).take(np.arange(4)) for last in (0, 11)]
        parts += [many.sample(0, last) for last in range(12)]
        parts += [one.sample(0, 0).take(np.arange(4))]
        return parts + [one.sample(0, last).take(np.array([at])) for last in (0, 11) for at in range(3)]

    def changed(self) -> set[str]:
        off, found = ms.Conventions(forecast_error=False), set()
        for sample in self.samples():
            for name, test in ms.TESTS.items():
                if test.scope == "event" and len(sample) > 1:
                    continue
                pair = [test.run(one, "two-sided") for one in (sample, replace(sample, conventions=off))]
                if all(isinstance(one, TestResult) for one in pair) and pair[0].statistic != pair[1].statistic:
                    found.add(name)
        return found

    def test_reaches_what_the_docs_list(self):
        text = (ROOT / "docs" / "methods.md").read_text("utf-8")
        line = re.search(r"`forecast_error=False` reaches ((?:`\w+`[^`.]*?)+)\.", text)
        assert line is not None
        assert self.changed() == set(re.findall(r"`(\w+)`", line[1]))

    def test_ranks_of_standardized_returns(self):
        sample = short_windows(10, 15).sample(0, 3, conventions=ms.Conventions(ranks_of="sar"))
        off = replace(sample, conventions=ms.Conventions(ranks_of="sar", forecast_error=False))
        for name in ("corrado", "corrado_zivney"):
            assert ms.TESTS[name].run(sample, "less").statistic != ms.TESTS[name].run(off, "less").statistic

    def test_is_the_variance_without_the_estimation_error(self, seven, returns):
        """By hand: sigma of the regression alone, times the root of the number of days."""
        est, event = window_rows(returns, 2)
        x, x_event = (sm.add_constant(part[["^GSPC"]].to_numpy()) for part in (est, event))
        fits = [sm.OLS(est[t].to_numpy(), x).fit() for t in SEVEN]
        car = np.array([(event[t].to_numpy() - x_event @ f.params).sum() for t, f in zip(SEVEN, fits, strict=True)])
        sigma2 = np.array([f.mse_resid for f in fits])
        residuals = np.column_stack([f.resid for f in fits])
        covariance = residuals.T @ residuals / fits[0].df_resid
        off = {"conventions": ms.Conventions(forecast_error=False)}
        tests = seven.tests(0, 2, which=["t_firm", "mackinlay", "portfolio", "joint_f"], **off)
        one = tests.loc["t_firm"].set_index("event_id").loc[[f"deepseek-selloff/{t}" for t in SEVEN], "statistic"]
        np.testing.assert_allclose(one, car / np.sqrt(3 * sigma2), rtol=1e-9)
        np.testing.assert_allclose(
            tests.loc["mackinlay", "statistic"], car.sum() / np.sqrt(3 * sigma2.sum()), rtol=1e-9
        )
        np.testing.assert_allclose(
            tests.loc["portfolio", "statistic"], car.sum() / np.sqrt(3 * covariance.sum()), rtol=1e-9
        )
        f = car @ np.linalg.inv(covariance) @ car / 3 * (248 - 6) / (248 * 7)
        np.testing.assert_allclose(tests.loc["joint_f", "statistic"], f, rtol=1e-8)


def test_size_of_the_exact_tests_under_the_null():
    """Correlated normal residuals, one date: joint F, equality F, portfolio and one-firm t reject 5 % of the time.

    2,000 samples: a Monte Carlo error is 0.5 points, and the tests are exact, so that three are a fair bound.
    The cross-sectional t, which ignores the correlation, must reject far more often: a test that cannot fail
    proves nothing.
    """
    rng = np.random.default_rng(20250127)
    n_samples, n_firms, n_days = 2000, 5, 60
    names = [f"F{i}" for i in range(n_firms)]
    index = pd.bdate_range("2020-01-01", periods=n_days + 1)
    common = np.sqrt(0.5)
    rejected = dict.fromkeys(["joint_f", "joint_equal", "portfolio", "t_cross_sectional", "t_firm"], 0)
    events = pd.DataFrame({"ticker": names, "date": index[-1]})
    for _ in range(n_samples):
        market = rng.normal(0, 0.01, n_days + 1)
        noise = common * rng.normal(size=(n_days + 1, 1)) + common * rng.normal(size=(n_days + 1, n_firms))
        frame = pd.DataFrame(
            np.column_stack([market, market[:, None] + 0.02 * noise]), index=index, columns=["m", *names]
        )
        study = ms.event_study(
            events,
            returns=frame,
            model=ms.MarketModel("m"),
            window=(0, 0),
            estimation=(-n_days, -1),
            min_obs=50,
            calendar="index",
        )
        sample = study.sample(0, 0)
        for name in ("joint_f", "joint_equal", "portfolio", "t_cross_sectional"):
            rejected[name] += ms.TESTS[name].run(sample, "two-sided").pvalue < 0.05
        rejected["t_firm"] += study.car(0, 0)["pvalue"].iloc[0] < 0.05
    rate = {name: count / n_samples for name, count in rejected.items()}
    error = np.sqrt(0.05 * 0.95 / n_samples)
    for name in ("joint_f", "joint_equal", "portfolio", "t_firm"):
        assert abs(rate[name] - 0.05) < 3 * error, (name, rate)
    assert rate["t_cross_sectional"] > 0.3, rate
