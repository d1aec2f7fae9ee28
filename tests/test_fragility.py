"""Fragility: hand-computed, by convention on the bundled members, as of each day, and not silent on what is lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

import marketshock as ms
from marketshock.errors import ChoiceError, InputError, NotSessionError, PriceError, UnknownNameError

PERIOD = ("2025-01-01", "2025-02-12")
DAYS = ms.snapshot().dates[:60]


@pytest.fixture(scope="module")
def members() -> ms.types.IndexMembers:
    return ms.datasets.sp500()


@pytest.fixture(scope="module")
def measured(members) -> ms.Fragility:
    return ms.fragility(members.prices)


@pytest.fixture(scope="module")
def top50(members) -> ms.Membership:
    return ms.Membership.top(50, members.market_caps())


def returns_frame(seed=0, n_days=60, tickers="ABCD") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.standard_t(3, (n_days, len(tickers))) * 0.01, DAYS[:n_days], list(tickers))


class TestByHand:
    FRAME = pd.DataFrame({"A": [0.01, -0.02, 0.02, 0.06, -0.10], "B": [0.01, 0.01, np.nan, 0.02, 0.30]}, index=DAYS[:5])

    def test_about_zero(self):
        z = ms.fragility(returns=self.FRAME, log=False, window=3).z
        assert z["A"].iloc[:3].isna().all()
        assert z["A"].iloc[3] == pytest.approx(0.06 / np.sqrt((0.01**2 + 0.02**2 + 0.02**2) / 3))  # 3.4641
        assert z["A"].iloc[4] == pytest.approx(-0.10 / np.sqrt((0.02**2 + 0.02**2 + 0.06**2) / 3))  # -2.6112
        assert z["B"].isna().all()

    def test_about_the_mean_with_a_gap(self):
        z = ms.fragility(returns=self.FRAME, log=False, window=3, about="mean", min_obs=2).z
        assert z["A"].iloc[3] == pytest.approx(0.06 / np.std([0.01, -0.02, 0.02], ddof=1))
        assert z["B"].iloc[4] == pytest.approx(0.30 / np.std([0.01, 0.02], ddof=1))
        assert np.isnan(z["B"].iloc[3])  # 0.01 twice: it stood at one rate

    def test_tables(self):
        measured = ms.fragility(returns=self.FRAME, log=False, window=3, min_obs=2)
        events = measured.events()
        assert events[["ticker", "direction"]].values.tolist() == [["A", "up"], ["B", "up"]]
        assert list(events.columns) == ["date", "ticker", "return", "volatility", "z", "direction"]
        counts = measured.counts(DAYS[3], DAYS[4])
        assert counts["n_events"].tolist() == [1, 1]
        assert counts["n_securities"].tolist() == [2, 2]
        assert counts["share"].tolist() == [0.5, 0.5]
        assert measured.counts(DAYS[0], DAYS[0])["share"].isna().all()

    def test_prices_give_log_returns_unless_told_otherwise(self):
        closes = pd.DataFrame({"A": [100, 101, 99, 100, 110.0]}, index=DAYS[:5])
        log, simple = ms.fragility(closes, window=3), ms.fragility(closes, window=3, log=False)
        assert log.returns["A"].iloc[4] == pytest.approx(np.log(1.1))
        assert simple.returns["A"].iloc[4] == pytest.approx(0.1)
        seen = np.diff(np.log(closes["A"].to_numpy()))
        assert log.z["A"].iloc[4] == pytest.approx(seen[3] / np.sqrt(np.mean(seen[:3] ** 2)))


class TestTheDocument:
    """What the figures of the document come out as, by convention."""

    @pytest.mark.parametrize(
        ("options", "firms", "listings", "ibm"),
        [
            ({}, 70, 71, 14.18),
            ({"about": "mean"}, 69, 70, 13.90),
            ({"log": False}, 68, 69, 15.07),
            ({"log": False, "about": "mean"}, 67, 68, 14.77),
        ],
        ids=["log, about zero", "log, about the mean", "simple, about zero", "simple, about the mean"],
    )
    def test_count_of_27_january_and_ibm(self, members, options, firms, listings, ibm):
        measured = ms.fragility(members.prices, **options)
        assert measured.count("2025-01-27") == firms
        assert measured.count("2025-01-27", by="listing") == listings
        assert measured.z.loc["2025-01-30", "IBM"] == pytest.approx(ibm, abs=0.005)
        on_the_day = measured.counts("2025-01-27", "2025-01-27").iloc[0]
        assert on_the_day["n_securities"] == 500

    @pytest.mark.parametrize(
        ("options", "merck"),
        [({}, 2), ({"log": False}, 2), ({"about": "mean"}, 3), ({"log": False, "about": "mean"}, 3)],
    )
    def test_ranks_among_the_fifty_largest(self, members, top50, options, merck):
        """About the mean Cisco's -7.84 of 27 January comes before Merck: the document's ranks are those about zero."""
        measured = ms.fragility(members.prices, members=top50, **options)
        absolute, up, down = (measured.ranking(*PERIOD, direction=way, n=3) for way in ("absolute", "up", "down"))
        assert absolute["ticker"].iloc[0] == "IBM"
        assert up["ticker"].tolist()[:2] == ["IBM", "PM"]
        assert down["ticker"].iloc[0] == "AVGO"
        assert down.index[down["ticker"] == "MRK"].tolist() == [merck]

    def test_sizes_by_the_default(self, measured, top50):
        z = measured.z
        for day, ticker, expected in (
            ("2025-02-04", "MRK", -7.82),
            ("2025-02-06", "PM", 7.64),
            ("2025-01-27", "AVGO", -9.04),
        ):
            assert z.loc[day, ticker] == pytest.approx(expected, abs=0.005)
        assert measured.counts(*PERIOD, members=top50)["n_securities"].eq(50).all()

    @pytest.mark.parametrize(
        ("n", "merck", "philip_morris"),
        [(45, 2, None), (46, 2, 2), (50, 2, 2), (52, 2, 2), (53, 3, 2), (55, 3, 2), (60, 4, 2)],
    )
    def test_how_far_the_ranks_depend_on_the_fifty(self, measured, members, n, merck, philip_morris):
        """Danaher (-8.56 on 29 January) and Arista (-11.75 on the 27th) come in below, Philip Morris goes out above."""
        top = ms.Membership.top(n, members.market_caps())
        down = measured.ranking(*PERIOD, direction="down", members=top)["ticker"].tolist()
        up = measured.ranking(*PERIOD, direction="up", members=top)
        assert down.index("MRK") + 1 == merck
        assert up["ticker"].iloc[0] == "IBM"
        pm = up.index[(up["ticker"] == "PM") & (up["date"] == "2025-02-06")].tolist()
        assert pm == ([] if philip_morris is None else [philip_morris])


def test_the_same_by_pandas_alone(members, measured):
    """An independent way to the same z: rolling windows of pandas, shifted by a day."""
    log = np.log(members.prices.adj_close).diff()
    z = log / np.sqrt((log**2).rolling(21).mean().shift(1))
    np.testing.assert_allclose(measured.z, z, rtol=1e-9)
    firms = z.loc["2025-01-27"].drop(["GOOG", "FOX", "NWS"])
    assert (firms.abs() >= 3).sum() == 70
    assert (firms.abs() >= 5).sum() == 26


class TestNoLookAhead:
    def test_later_prices_change_nothing(self, members, measured):
        prices = members.prices.adj_close.copy()
        prices.loc["2025-01-27":] *= np.random.default_rng(0).uniform(0.5, 2, prices.loc["2025-01-27":].shape)
        changed = ms.fragility(prices)
        pd.testing.assert_frame_equal(changed.volatility[:"2025-01-27"], measured.volatility[:"2025-01-27"])
        pd.testing.assert_frame_equal(changed.z[:"2025-01-24"], measured.z[:"2025-01-24"])

    def test_the_day_itself_moves_its_z_through_its_return_alone(self):
        frame = returns_frame()
        changed = frame.copy()
        changed.iloc[40] *= 2
        a, b = (ms.fragility(returns=f, log=True) for f in (frame, changed))
        np.testing.assert_allclose(b.z.iloc[40], 2 * a.z.iloc[40], rtol=1e-15)
        assert (b.z.iloc[41] != a.z.iloc[41]).all()


class TestByYear:
    def test_frequency_and_size(self, measured):
        table = measured.by_year()
        events = measured.events()
        for year, row in table.iterrows():
            own = events[events["date"].dt.year == year]
            assert row["n_events"] == len(own)
            assert row["mean_size"] == pytest.approx(own["z"].abs().mean())
            assert row["per_stock_year"] == pytest.approx(252 * len(own) / row["n_stock_days"])
            assert row["fragility"] == pytest.approx(row["per_stock_year"] * row["mean_size"])
        assert table["partial"].tolist() == [True, False, True]

    def test_fragility_rose_among_the_fifty_largest(self, measured, top50):
        table = measured.by_year(members=top50)
        assert table["per_stock_year"].is_monotonic_increasing
        assert (table["expected_per_stock_year"] < table["per_stock_year"]).all()

    @pytest.mark.parametrize(("about", "df"), [("zero", 21), ("mean", 20)])
    def test_expected_is_students_t(self, about, df):
        """Checked by simulation: normal returns reach the threshold as often as said."""
        rng = np.random.default_rng(0)
        days = ms.snapshot().dates[:300]
        frame = pd.DataFrame(rng.normal(0, 0.02, (300, 500)), days, [f"S{i}" for i in range(500)])
        table = ms.fragility(returns=frame, log=True, about=about).by_year(by="listing")
        expected = 252 * 2 * special.stdtr(df, -3)
        np.testing.assert_allclose(table["expected_per_stock_year"], expected)
        seen = table["n_events"].sum() / table["n_stock_days"].sum() * 252
        assert seen == pytest.approx(expected, rel=0.08)


class TestLost:
    def test_every_day_has_a_z_or_a_reason(self, measured):
        assert measured.without_z.sum() == measured.z.isna().to_numpy().sum()
        assert "10,563 fewer than 21 returns before" in " ".join(repr(measured).split())

    def test_a_stock_that_stands_still(self):
        frame = returns_frame()
        frame["A"] = 0.0
        measured = ms.fragility(returns=frame, log=True)
        assert measured.z["A"].isna().all()
        assert measured.without_z["volatility zero before"] == 60 - 21
        assert measured.without_z.sum() == measured.z.isna().to_numpy().sum()

    def test_a_column_without_any_value(self):
        frame = returns_frame()
        frame["A"] = np.nan
        measured = ms.fragility(returns=frame, log=True)
        assert measured.without_z["no return"] == 60
        assert measured.counts()["n_securities"].max() == 3


@given(st.integers(0, 2**31), st.floats(0.01, 100))
def test_scaling_prices_changes_nothing(seed, unit):
    closes = 100 * np.exp(returns_frame(seed).cumsum())
    a, b = ms.fragility(closes), ms.fragility(closes * unit)
    np.testing.assert_allclose(a.z, b.z, rtol=1e-9)


@given(st.integers(0, 2**31), st.permutations(range(4)))
def test_permuting_tickers_permutes_columns(seed, order):
    frame = returns_frame(seed)
    a = ms.fragility(returns=frame, log=True)
    b = ms.fragility(returns=frame.iloc[:, list(order)], log=True)
    pd.testing.assert_frame_equal(a.z.iloc[:, list(order)], b.z)
    pd.testing.assert_frame_equal(a.counts(), b.counts())
    pd.testing.assert_frame_equal(a.events(), b.events())


@given(st.integers(0, 2**31))
@pytest.mark.parametrize("about", ["zero", "mean"])
def test_z_turns_with_the_sign_and_not_with_the_unit(about, seed):
    frame = returns_frame(seed)
    z = ms.fragility(returns=frame, log=True, about=about).z
    turned = ms.fragility(returns=-frame / 2, log=True, about=about).z
    np.testing.assert_allclose(turned, -z, rtol=1e-12)


class TestTables:
    def test_tables_agree_with_each_other(self, measured):
        counts, events = measured.counts(), measured.events()
        per_day = events.groupby("date").size().reindex(counts.index, fill_value=0)
        np.testing.assert_array_equal(counts["n_events"], per_day)
        np.testing.assert_array_equal(counts["n_events"], counts["n_up"] + counts["n_down"])
        assert measured.count("2025-01-27") == counts.loc["2025-01-27", "n_events"]
        assert events["date"].is_monotonic_increasing
        assert (events["z"].abs() >= 3).all()

    def test_classes_of_one_firm(self, measured):
        firms, listings = (measured.events("2025-01-27", "2025-01-27", by=by)["ticker"] for by in ("firm", "listing"))
        assert set(listings) - set(firms) == {"GOOG"}
        of = ms.Membership.of(["GOOG", "NVDA"])
        assert measured.events("2025-01-27", "2025-01-27", members=of)["ticker"].tolist() == ["GOOGL", "NVDA"]
        assert measured.events("2025-01-27", "2025-01-27", members=of, by="listing")["ticker"].tolist() == [
            "GOOG",
            "NVDA",
        ]

    def test_ranking_counts_moves_not_firms(self, measured):
        table = measured.ranking(n=None, members=ms.Membership.of(["NVDA"]))
        assert len(table) == measured.z["NVDA"].notna().sum()
        assert table.index.name == "rank"
        assert table["z"].abs().is_monotonic_decreasing
        assert table["is_event"].sum() == len(measured.events(members=ms.Membership.of(["NVDA"])))
        down = measured.ranking(direction="down", n=None, members=ms.Membership.of(["NVDA"]))
        assert (down["z"] < 0).all()

    def test_frames_are_copies_and_prices_stay(self, members):
        held = members.prices.adj_close.copy()
        measured = ms.fragility(members.prices)
        frame = measured.z
        frame.iloc[:] = 0
        assert measured.count("2025-01-27") == 70
        assert np.nanmax(measured.z) > 10
        pd.testing.assert_frame_equal(members.prices.adj_close, held)

    def test_printed(self, measured, top50):
        text = repr(measured)
        for words in (
            "log return / realized volatility about zero of the 21 sessions that end the day before",
            "an event is |z| >= 3",
            "2025-01-27      70  25    45  500  14.0 %",
            "one per firm",
        ):
            assert words in " ".join(text.split()) or words in text, words
        assert "2025-01-27" in measured._repr_html_()
        assert "* partial year" in repr(measured.by_year(members=top50))
        assert "+14.18" in repr(measured.ranking(*PERIOD, members=top50))
        simple = ms.fragility(returns=returns_frame(), log=False, about="mean", min_obs=10)
        assert "simple return / standard deviation about the mean" in repr(simple)
        assert "(at least 10 returns)" in " ".join(repr(simple).split())


class TestBadInput:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"window": 0}, "window: got 0; give a whole number from 1"),
            ({"window": 2.5}, "window: got 2.5"),
            ({"window": True}, "window: got True"),
            ({"window": 1, "about": "mean"}, "whole number from 2"),
            ({"threshold": -3}, "threshold: got -3; give a positive number"),
            ({"threshold": float("nan")}, "threshold"),
            ({"threshold": "3"}, "threshold: got '3'"),
            ({"min_obs": 22}, "min_obs: got 22; give a whole number from 1 to 21"),
            ({"about": "median"}, "allowed are 'zero', 'mean'"),
            ({"log": None}, "log=False for simple returns"),
            ({"log": "yes"}, "log: got 'yes'"),
            ({"calendar": "LSE"}, "calendar"),
            ({"prices": returns_frame()}, "both of prices= and returns= given"),
        ],
    )
    def test_options(self, options, words):
        with pytest.raises(InputError) as error:
            ms.fragility(**{"returns": returns_frame(), "log": True, **options})
        assert words in str(error.value)

    def test_nothing_given(self):
        with pytest.raises(InputError, match=r"the bundled ones are ms\.datasets\.sp500\(\)\.prices"):
            ms.fragility(log=True)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda f: f.assign(A=np.inf), "infinite"),
            (lambda f: f.assign(A=-1.0), "not positive"),
            (lambda f: f.assign(A="x"), "text"),
            (lambda f: f.iloc[:0], "empty"),
            (lambda f: f.iloc[[0, 1, 1, 2]], "more than once"),
            (lambda f: f.iloc[::-1], "not sorted"),
        ],
    )
    def test_prices(self, change, words):
        closes = 100 * np.exp(returns_frame().cumsum())
        with pytest.raises(InputError, match=words):
            ms.fragility(change(closes))

    def test_infinite_returns(self):
        with pytest.raises(PriceError, match="infinite"):
            ms.fragility(returns=returns_frame().replace(returns_frame().iloc[3, 0], np.inf), log=True)

    def test_periods_and_days(self, measured):
        with pytest.raises(NotSessionError, match="give 2025-01-24 or 2025-01-27"):
            measured.count("2025-01-25")
        with pytest.raises(InputError, match="they cover 2023-01-03"):
            measured.count("2026-01-05")
        with pytest.raises(InputError, match="no counted stock has a z on 2023-01-05"):
            measured.count("2023-01-05")
        with pytest.raises(InputError, match="is no date"):
            measured.counts("January")
        with pytest.raises(InputError, match="swap them"):
            measured.counts("2025-01-28", "2025-01-27")
        with pytest.raises(InputError, match="no session from 2025-01-25"):
            measured.counts("2025-01-25", "2025-01-26")
        for table in (measured.counts, measured.events, measured.by_year, measured.ranking, measured.clustering):
            with pytest.raises(ChoiceError, match="by"):
                table(by="class")
        with pytest.raises(ChoiceError, match="direction"):
            measured.ranking(direction="sideways")
        with pytest.raises(InputError, match="n: got 0"):
            measured.ranking(n=0)
        with pytest.raises(UnknownNameError, match="did you mean 'NVDA'"):
            measured.counts(members=ms.Membership.of(["NVDAA"]))


def test_frames_of_other_shapes():
    frame = returns_frame()
    long = frame.rename_axis("date").reset_index().melt("date", var_name="ticker", value_name="return")
    a, b = (ms.fragility(returns=f, log=True) for f in (frame, long))
    np.testing.assert_allclose(a.z, b.z[a.tickers])
    two = pd.DataFrame({"A": np.arange(1.0, 61)}, index=pd.date_range("2020-01-01", periods=60))
    assert ms.fragility(two, calendar="index").z["A"].notna().sum() == 60 - 22
