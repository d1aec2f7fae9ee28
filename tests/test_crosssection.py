"""Adjusted p-values, power, groups and regressions against statsmodels and scipy."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

import marketshock as ms
from marketshock.errors import InputError
from marketshock.inference import adjust

RTOL = 1e-10


@pytest.fixture(scope="module")
def many() -> ms.StudyResult:
    """Sixty events of six securities on sixty dates, in two groups."""
    rng = np.random.default_rng(11)
    index = pd.bdate_range("2018-01-01", periods=900)
    market = rng.normal(0, 0.01, 900)
    firms = market[:, None] * rng.uniform(0.5, 1.5, 6) + rng.normal(0, 0.015, (900, 6))
    frame = pd.DataFrame(np.column_stack([market, firms]), index=index, columns=["m", *"ABCDEF"])
    days = rng.choice(np.arange(200, 890), 60, replace=False)
    events = pd.DataFrame(
        {"ticker": rng.choice(list("ABCDEF"), 60), "date": index[days], "group": rng.choice(["x", "y", "z"], 60)}
    )
    return ms.event_study(
        events,
        returns=frame,
        model=ms.MarketModel("m"),
        window=(0, 5),
        estimation=(-150, -11),
        min_obs=100,
        calendar="index",
    )


class TestAdjusted:
    def test_by_their_definitions(self):
        """Holm: the k-th smallest times n - k + 1, never below a smaller one; BH: times n / k, from the largest."""
        p = np.random.default_rng(0).random(50) ** 3
        holm = [max((50 - (p < q).sum()) * q for q in p[p <= one]) for one in p]
        bh = [min(50 / (p <= q).sum() * q for q in p[p >= one]) for one in p]
        np.testing.assert_allclose(ms.adjust_pvalues(p, "holm"), np.minimum(holm, 1), rtol=RTOL)
        np.testing.assert_allclose(ms.adjust_pvalues(p, "bh"), np.minimum(bh, 1), rtol=RTOL)

    def test_of_none(self):
        assert ms.adjust_pvalues([]).shape == (0,)
        assert np.isnan(ms.adjust_pvalues([np.nan, np.nan])).all()

    def test_missing_ones_do_not_count(self):
        got = ms.adjust_pvalues([0.01, np.nan, 0.04], "holm")
        np.testing.assert_allclose(got, [0.02, np.nan, 0.04])

    def test_column_of_car(self, seven):
        car = seven.car(0, 0, adjust="holm")
        assert str(car).splitlines()[0].endswith("p adjusted")
        np.testing.assert_allclose(car["pvalue_adjusted"], multipletests(car["pvalue"], method="holm")[1], rtol=RTOL)

    @pytest.mark.parametrize(("p", "method"), [([0.5, 1.2], "holm"), ([0.5], "sidak")])
    def test_errors(self, p, method):
        with pytest.raises(InputError):
            ms.adjust_pvalues(p, method)

    def test_docstring(self):
        assert doctest.testmod(adjust).failed == 0


class TestPower:
    def test_equals_the_noncentral_t_of_scipy(self):
        for delta, df in ((0.5, 10), (2.8, 248), (4, 5)):
            critical = stats.t.ppf(0.975, df)
            expected = stats.nct.sf(critical, df, delta) + stats.nct.cdf(-critical, df, delta)
            assert float(ms.power_of_t(delta, 1.0, df)) == pytest.approx(expected, rel=1e-8)
            one = stats.nct.sf(stats.t.ppf(0.95, df), df, delta)
            assert float(ms.power_of_t(delta, 1.0, df, alternative="greater")) == pytest.approx(one, rel=1e-8)

    @pytest.mark.parametrize(
        ("n", "effect", "power"),
        [(20, 0.01, 0.61), (25, 0.01, 0.71), (50, 0.01, 0.94), (1, 0.01, 0.08), (5, 0.02, 0.61)],
    )
    def test_table_2_of_mackinlay(self, n, effect, power):
        """MacKinlay (1997), table 2: 5 % two-sided, sigma 2 %."""
        assert float(ms.power_of_t(effect, 0.02 / np.sqrt(n), np.inf)) == pytest.approx(power, abs=0.006)

    def test_smallest_effect_is_found_with_the_power_asked_for(self):
        se, df = np.array([0.01, 0.03]), np.array([20.0, np.inf])
        for power in (0.5, 0.8, 0.99):
            mde = ms.minimum_detectable(se, df, 0.05, power)
            np.testing.assert_allclose(ms.power_of_t(mde, se, df), power, rtol=1e-6)

    def test_of_the_study_at_hand(self, seven):
        """NVIDIA's day would have to be about 7 % to be found in four cases of five."""
        table = seven.power(0, 0, effect=0.05)
        assert table.loc["deepseek-selloff/NVDA", "mde"] == pytest.approx(0.072, abs=0.001)
        np.testing.assert_allclose(table["se"].iloc[:7], seven.car(0, 0)["se"])
        portfolio = seven.tests(0, 0, which="portfolio")["statistic"].iloc[0]
        np.testing.assert_allclose(seven.aar()["aar"][0] / table["se"]["(mean)"], portfolio, rtol=1e-9)
        assert table["mde"]["(mean)"] < table["mde"].iloc[:7].min()

    def test_errors(self):
        with pytest.raises(InputError, match="level"):
            ms.power_of_t(0.01, 0.01, 10, level=1.5)
        with pytest.raises(InputError, match="power"):
            ms.minimum_detectable(0.01, 10, power=0.01)


class TestGroups:
    def test_welch_of_independent_events(self, many):
        table = ms.group_differences(many, 0, 2)
        car, group = many.car(0, 2)["car"], many.events["group"]
        for (a, b), row in table.iterrows():
            t, p = stats.ttest_ind(car[group == a], car[group == b], equal_var=False)
            np.testing.assert_allclose([row["t"], row["pvalue"]], [t, p], rtol=1e-9)
        assert len(table) == 3

    def test_contrast_on_one_date_is_the_t_of_the_spread_portfolio(self, prices, returns):
        events = pd.DataFrame(
            {
                "ticker": ["NVDA", "AVGO", "AAPL", "MRK"],
                "date": "2025-01-27",
                "group": ["chips", "chips", "other", "other"],
            }
        )
        study = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
        row = ms.group_differences(study, 0, 1).loc[("chips", "other")]
        spread = returns.assign(SPREAD=returns[["NVDA", "AVGO"]].mean(axis=1) - returns[["AAPL", "MRK"]].mean(axis=1))
        one = (
            ms.event_study(
                pd.DataFrame({"ticker": ["SPREAD"], "date": ["2025-01-27"]}),
                returns=spread,
                model=ms.MarketModel("^GSPC"),
            )
            .car(0, 1)
            .iloc[0]
        )
        np.testing.assert_allclose(
            row[["difference", "se", "t", "pvalue"]].astype(float),
            one[["car", "se", "t", "pvalue"]].astype(float),
            rtol=1e-9,
        )
        assert row["df"] == 248

    def test_errors(self, seven):
        with pytest.raises(InputError, match="all events are of one group"):
            ms.group_differences(seven)
        with pytest.raises(InputError, match="got 'sector'; allowed are 'ticker'"):
            ms.group_differences(seven, by="sector")

    def test_dates_are_printed_without_a_time_of_day(self, seven):
        printed = str(seven.tests(0, 0, which="joint_f", by="date"))
        assert "2025-01-27 joint F" in printed
        assert "00:00" not in printed

    def test_tests_by_group_and_day(self, many):
        by_group = many.tests(0, 1, which="bmp", by="group")
        part = many.events["group"] == "x"
        z = many.sample(0, 1).standardized[part.to_numpy()]
        np.testing.assert_allclose(
            by_group.loc[("x", "bmp"), "statistic"], np.sqrt(len(z)) * z.mean() / z.std(ddof=1), rtol=RTOL
        )
        by_day = many.tests(0, 2, which=["corrado", "bmp"], by="day")
        for day in range(3):
            one = many.tests(day, day, which=["corrado", "bmp"])
            np.testing.assert_allclose(by_day.loc[day, "statistic"], one["statistic"], rtol=RTOL)


class TestRegression:
    @pytest.fixture(scope="class")
    @classmethod
    def traits(cls):
        rng = np.random.default_rng(5)
        return pd.DataFrame({"size": rng.normal(size=6), "age": rng.normal(size=6)}, index=list("ABCDEF"))

    @pytest.mark.parametrize("cov", ["HC3", "HC1", "HC0", "classic"])
    def test_equals_statsmodels(self, many, traits, cov):
        result = ms.regress_car(many, traits, 0, 2, cov=cov)
        x = sm.add_constant(traits.loc[many.panel.ticker].to_numpy())
        y = many.car(0, 2)["car"].to_numpy()
        fit = sm.OLS(y, x).fit(cov_type="nonrobust" if cov == "classic" else cov, use_t=True)
        np.testing.assert_allclose(
            result.table[["coefficient", "se", "pvalue"]].T, [fit.params, fit.bse, fit.pvalues], rtol=1e-9
        )
        assert result.n_events == 60
        assert f"{cov} errors" in repr(result)

    def test_clusters_by_date(self, many, traits):
        result = ms.regress_car(many, traits, 0, 0, cov="cluster")
        assert (result.table["df"] == many.events["date"].nunique() - 1).all()

    def test_traits_by_event_and_missing_ones_are_told(self, many):
        traits = pd.DataFrame({"x": np.arange(60.0)}, index=many.events.index)
        traits.iloc[3, 0] = np.nan
        result = ms.regress_car(many, traits, 0, 0)
        assert list(result.exclusions.index) == [many.events.index[3]]
        assert "1 left out" in repr(result)

    def test_errors(self, many, seven, traits):
        with pytest.raises(InputError, match="matches no event"):
            ms.regress_car(many, traits.set_axis(list("uvwxyz")))
        with pytest.raises(InputError, match="numeric columns"):
            ms.regress_car(many, traits.assign(name="a"))
        with pytest.raises(InputError, match="twice"):
            ms.regress_car(many, pd.concat([traits, traits]))
        seven_traits = pd.DataFrame({"x": range(7)}, index=list(ms.MAGNIFICENT_SEVEN))
        with pytest.raises(InputError, match="too few clusters"):
            ms.regress_car(seven, seven_traits, cov="cluster")
        with pytest.raises(InputError, match="give more events"):
            ms.regress_car(seven, pd.DataFrame(np.eye(7)[:, :6], index=list(ms.MAGNIFICENT_SEVEN)))
