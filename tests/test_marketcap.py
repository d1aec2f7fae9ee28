"""Dollars: raw, abnormal, and the press's."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import (
    InputError,
    LookAheadError,
    NotSessionError,
    PriceError,
    ShareCountWarning,
    SharesError,
    UnknownNameError,
)


@pytest.fixture(scope="module")
def shares() -> ms.SharesTable:
    return ms.share_counts()


@pytest.fixture(scope="module")
def change(prices, shares, seven) -> ms.MarketCapChange:
    return ms.market_cap_change("2025-01-27", prices, shares, study=seven)


# change in USD bn by hand: (close - close before) x shares of the last filing before 27 January 2025
BY_HAND = {
    "NVDA": (118.42 - 142.62) * 24.49,
    "AAPL": (229.86 - 222.78) * 15.115823,
    "MSFT": (434.56 - 444.06) * 7.434880776,
    "META": (659.88 - 647.49) * (2.180000871 + 0.344487662),
    "GOOGL": (191.81 - 200.21) * (5.843 + 0.864) + (193.77 - 201.90) * 5.534,
    "AMZN": (235.42 - 234.85) * 10.515011008,
    "TSLA": (397.15 - 406.58) * 3.210059659,
}


@pytest.mark.parametrize(("firm", "billions"), BY_HAND.items())
def test_change_by_hand(change, firm, billions):
    assert change.table.loc[firm, "change_usd"] == pytest.approx(billions * 1e9, rel=1e-4)


def test_total(change):
    assert change.total["change_usd"] == pytest.approx(sum(BY_HAND.values()) * 1e9, rel=1e-4)
    assert list(change.to_frame().index) == list(ms.MAGNIFICENT_SEVEN)


def test_band_is_half_the_rounding_of_the_count(change):
    row = change.table.loc["NVDA"]
    assert row["rounding"] == 1e7
    assert row["change_high_usd"] - row["change_usd"] == pytest.approx(24.20 * 0.005e9, rel=1e-6)
    exact = change.table.loc["AAPL"]
    assert exact["change_low_usd"] == exact["change_high_usd"] == exact["change_usd"]
    printed = [line.split() for line in repr(change).splitlines()]
    bands = {cells[0]: cells[8] for cells in printed if cells and cells[0] in ("NVDA", "AAPL")}
    assert bands == {"NVDA": "±0.12", "AAPL": "exact"}


def test_abnormal_dollars_scale_the_abnormal_return_and_its_interval(change, seven):
    car = seven.car(0, 0).loc["deepseek-selloff/NVDA"]
    row = change.table.loc["NVDA"]
    cap = 142.62 * 24.49e9
    np.testing.assert_allclose(
        row[["abnormal_usd", "ci_low_usd", "ci_high_usd"]].astype(float),
        cap * car[["car", "ci_low", "ci_high"]].astype(float),
        rtol=1e-6,
    )


def test_interval_of_the_total_is_that_of_the_cap_weighted_portfolio(change, returns):
    """The seven's caps as weights: one regression of the weighted return gives the same interval."""
    caps = change.table["cap_before_usd"]
    weighted = returns.assign(CAP=returns[list(caps.index)] @ (caps / caps.sum()))
    events = pd.DataFrame({"ticker": ["CAP"], "date": ["2025-01-27"]})
    car = ms.event_study(events, returns=weighted, model=ms.MarketModel("^GSPC")).car(0, 0).iloc[0]
    got = change.total[["abnormal_usd", "ci_low_usd", "ci_high_usd"]].astype(float)
    np.testing.assert_allclose(got, caps.sum() * car[["car", "ci_low", "ci_high"]].astype(float), rtol=1e-8)


def test_last_count_filed_before_is_taken(prices, shares):
    """META filed on 30 January: the count changes between the two dates. Filed on the day is not before."""
    for day, filed in (("2025-01-27", "2024-10-31"), ("2025-01-30", "2024-10-31"), ("2025-01-31", "2025-01-30")):
        table = ms.market_cap_change(day, prices, shares, tickers=["META"]).table
        assert str(table.loc["META", "filed"].date()) == filed


def test_look_ahead_is_refused_and_marked_when_asked_for(prices, shares):
    with pytest.raises(LookAheadError, match=r"first count of NVDA was filed on 2024-08-28.*allow_lookahead=True"):
        ms.market_cap_change("2024-08-28", prices, shares, tickers=["NVDA"])
    table = ms.market_cap_change("2024-08-28", prices, shares, tickers=["NVDA"], allow_lookahead=True).table
    assert table.loc["NVDA", "lookahead"]
    assert "NVDA*" in repr(ms.market_cap_change("2024-08-28", prices, shares, tickers=["NVDA"], allow_lookahead=True))


def test_two_classes_are_one_firm(prices, shares):
    table = ms.market_cap_change("2025-01-27", prices, shares, tickers=["GOOG", "GOOGL"]).table
    assert list(table.index) == ["GOOGL"]
    assert table.loc["GOOGL", "shares"] == 5.843e9 + 0.864e9 + 5.534e9


def test_raw_closes_not_adjusted_ones(prices, shares):
    wrong = ms.Prices.from_frame(prices.adj_close)
    right = ms.market_cap_change("2025-01-27", prices, shares, tickers=["MSFT"]).table.loc["MSFT", "change_usd"]
    assert right != pytest.approx(
        ms.market_cap_change("2025-01-27", wrong, shares, tickers=["MSFT"]).table.loc["MSFT", "change_usd"], rel=1e-4
    )


def test_errors(prices, shares, seven):
    with pytest.raises(NotSessionError, match="give 2025-01-24 or 2025-01-27"):
        ms.market_cap_change("2025-01-26", prices, shares)
    with pytest.raises(PriceError, match="no close of NVDA on 2025-05-01"):
        ms.market_cap_change("2025-05-02", prices, shares, tickers=["NVDA"])
    with pytest.raises(UnknownNameError, match="no share count of IBM"):
        ms.market_cap_change("2025-01-27", prices, shares, tickers=["IBM"])
    with pytest.raises(InputError, match="has no event on 2025-01-28"):
        ms.market_cap_change("2025-01-28", prices, shares, study=seven)
    holed = prices.close.copy()
    holed.loc["2025-01-24", "NVDA"] = np.nan
    with pytest.raises(PriceError, match="no close of NVDA on 2025-01-24"):
        ms.market_cap_change("2025-01-27", ms.Prices.from_frame(holed), shares, tickers=["NVDA"])


def test_log_returns_do_not_scale_dollars(prices, shares, catalog):
    log = ms.event_study(
        catalog["deepseek-selloff"], tickers="NVDA", prices=prices, model=ms.MarketModel("^GSPC"), log=True
    )
    with pytest.raises(InputError, match="log=False"):
        ms.market_cap_change("2025-01-27", prices, shares, study=log)


def test_a_firm_of_several_classes_says_how_it_is_valued(change):
    note = change.table.loc["GOOGL", "note"]
    assert note == "sum of class A at GOOGL, class B at GOOGL, class C at GOOG; the closes shown are those of GOOGL"
    assert note in " ".join(repr(change).split())


def test_interval_of_the_total_with_gaps_is_centred_on_the_total_and_says_what_was_left_out(prices, shares):
    """Each firm lacks other days: the covariance is that of the days all share."""
    returns = prices.adj_close.pct_change(fill_method=None)
    at = returns.index.get_loc("2025-01-27")
    for i, ticker in enumerate(["NVDA", "AAPL"]):
        returns.iloc[at - 250 + 20 * i : at - 240 + 20 * i, returns.columns.get_loc(ticker)] = np.nan
    events = pd.DataFrame({"ticker": ["NVDA", "AAPL"], "date": "2025-01-27"})
    study = ms.event_study(events, returns=returns, model=ms.MarketModel("^GSPC"))
    change = ms.market_cap_change("2025-01-27", prices, shares, study=study)
    total = change.total
    assert (total["ci_low_usd"] + total["ci_high_usd"]) / 2 == pytest.approx(total["abnormal_usd"])
    assert change.note == "interval of the total estimated on the 230 days all firms share (20 left out)"
    strict = ms.event_study(events, returns=returns, model=ms.MarketModel("^GSPC"), min_obs=235)
    change = ms.market_cap_change("2025-01-27", prices, shares, study=strict)
    assert np.isnan(change.total["ci_low_usd"])
    assert change.note == "no interval of the total: the firms share 230 estimation days"


class TestSeveralFirms:
    """Five firms whose counts were counted long ago."""

    NAMES: ClassVar = ["A", "B", "C", "D", "E"]

    def change(self, n: int) -> ms.MarketCapChange:
        index = pd.to_datetime(["2025-01-24", "2025-01-27"])
        close = pd.DataFrame({name: [10.0, 9.0] for name in self.NAMES}, index=index)
        rows = {"firm": self.NAMES[:n], "shares": 1_187_500_000, "as_of": "2023-01-02", "filed": "2023-01-03"}
        return ms.market_cap_change("2025-01-27", close, pd.DataFrame(rows))

    @pytest.mark.parametrize("n", [3, 4, 5])
    def test_a_warning_spells_out_three_firms_and_counts_the_others(self, n):
        with pytest.warns(ShareCountWarning) as found:
            self.change(n)
        said = str(found[0].message)
        assert [name for name in self.NAMES if f"{name}: the count dated" in said] == ["A", "B", "C"]
        assert ("more: see the column note" in said) == (n > 3)
        assert n == 3 or f"and {n - 3} more" in said

    def test_the_warning_points_at_the_caller(self):
        with pytest.warns(ShareCountWarning) as found:
            self.change(1)
        assert found[0].filename == __file__

    def test_shares_are_printed_in_billions(self):
        """1.1875 is a tie, which goes to the even digit: any other unit than 1e9 prints 1.187."""
        with pytest.warns(ShareCountWarning):
            assert "1.188" in repr(self.change(1))


def test_frames_are_taken_for_prices_and_counts(prices, shares):
    table = ms.market_cap_change("2025-01-27", prices.close, shares.table, tickers=["NVDA"]).table
    assert table.loc["NVDA", "change_usd"] == pytest.approx(-592.66e9, rel=1e-4)


class TestSharesTable:
    ROW: ClassVar = {"firm": ["X"], "shares": [1e6], "as_of": ["2025-01-01"], "filed": ["2025-01-15"]}

    def test_least_columns(self):
        row = ms.SharesTable.from_frame(pd.DataFrame(self.ROW)).table.iloc[0]
        assert (row["priced_at"], row["share_class"], row["basis"], row["rounding"]) == ("X", "common", "cover", 1)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"shares": [0]}, "is not positive"),
            ({"shares": ["many"]}, "is not positive"),
            ({"shares": [np.inf]}, "is not positive"),
            ({"rounding": [-5]}, "rounding -5 is not positive"),
            ({"filed": [None]}, "no date"),
            ({"filed": ["2024-11"]}, "no date"),
            ({"filed": ["2025-01-15 foo"]}, "holds '2025-01-15 foo', which is no date"),
            ({"firm": [None]}, "has no firm"),
            ({"filed": ["2024-12-31"]}, "before its date"),
            ({"as_of": ["yesterday"]}, "no date"),
        ],
    )
    def test_faults(self, change, message):
        with pytest.raises(SharesError, match=message):
            ms.SharesTable.from_frame(pd.DataFrame({**self.ROW, **change}))

    def test_a_class_the_last_filing_leaves_out_keeps_its_count(self, prices):
        rows = pd.DataFrame(
            {
                "firm": "GOOGL",
                "priced_at": ["GOOGL", "GOOG", "GOOGL"],
                "share_class": ["A", "C", "A"],
                "shares": [5.8e9, 5.5e9, 5.7e9],
                "as_of": ["2024-10-20", "2024-10-20", "2025-01-10"],
                "filed": ["2024-10-30", "2024-10-30", "2025-01-15"],
            }
        )
        row = ms.market_cap_change("2025-01-27", prices, rows).table.loc["GOOGL"]
        assert row["shares"] == 5.7e9 + 5.5e9
        assert "C at GOOG (filed 2024-10-30)" in row["note"]

    def test_one_class_twice_is_not_summed(self):
        with pytest.raises(SharesError, match="two cover counts of common"):
            ms.SharesTable.from_frame(pd.concat([pd.DataFrame(self.ROW)] * 2))

    def test_missing_column(self):
        with pytest.raises(SharesError, match="columns missing: filed"):
            ms.SharesTable.from_frame(pd.DataFrame(self.ROW).drop(columns="filed"))


class TestReconcile:
    @pytest.fixture
    def nvidia(self) -> ms.types.Reconciliation:
        return ms.reconcile("NVDA", "2025-01-27")

    def row(self, result, price, count):
        table = result.table
        return table[(table["price_convention"] == price) & table["share_count"].str.contains(count)].iloc[0]

    def test_both_figures_are_reached(self, nvidia):
        preliminary = self.row(nvidia, "preliminary close", "cover count filed 2024-11-20")
        official = self.row(nvidia, "official close", "cover count filed 2024-11-20")
        assert -preliminary["change_usd"] / 1e9 == pytest.approx(588.7, abs=0.05)
        assert -official["change_usd"] / 1e9 == pytest.approx(592.7, abs=0.05)
        assert preliminary["matches"] == (589e9,)
        assert official["matches"] == (592.7e9,)

    def test_no_count_that_was_known_gives_589_with_the_official_close(self, nvidia):
        official = nvidia.table[nvidia.table["price_convention"] == "official close"]
        assert not any(589e9 in m for m in [*official["matches"], *official["within_rounding"]])

    def test_counts_filed_later_are_listed_only_when_asked_for(self, nvidia):
        assert not nvidia.table["lookahead"].any()
        later = ms.reconcile("NVDA", "2025-01-27", allow_lookahead=True).table
        assert set(later.loc[later["lookahead"], "shares"]) == {24.4e9}

    def test_it_says_that_it_is_inference(self, nvidia):
        assert "inference" in nvidia.statement
        assert "inference" in repr(nvidia)
        assert "589 = preliminary close x cover count filed 2024-11-20" in repr(nvidia)

    @pytest.mark.parametrize("unit", [0.5, 1.0, 2e8])
    def test_rounding_as_given(self, unit):
        """A unit of a dollar or less is one too."""
        assert ms.reconcile("NVDA", "2025-01-27", 592.7e9, rounding_usd=unit).reported["rounding_usd"].item() == unit

    @pytest.mark.parametrize(("reported", "unit"), [(589e9, 1e9), (592.7e9, 1e8), (593.66e9, 1e7), (600e9, 1e9)])
    def test_rounding_is_read_off_the_digits(self, reported, unit):
        assert ms.reconcile("NVDA", "2025-01-27", reported).reported["rounding_usd"].iloc[0] == pytest.approx(unit)

    @pytest.mark.parametrize(("firm", "day"), [("NVDA", "2025-02-03"), ("AAPL", "2025-01-27")])
    def test_a_printed_price_is_one_of_its_firm_and_day(self, firm, day):
        """The bundled preliminary close is NVIDIA's, of 27 January."""
        assert set(ms.reconcile(firm, day, 1e10).table["price_convention"]) == {"official close"}

    def test_a_million_is_a_loss(self):
        assert ms.reconcile("NVDA", "2025-01-27", 1e6).reported["loss_usd"].item() == 1e6

    def test_matches_are_printed_in_billions(self):
        """100.1875 is a tie of six digits, which goes to the even one: any other unit than 1e9 prints 100.187."""
        close = pd.DataFrame({"A": [10.0, 9.0]}, index=pd.to_datetime(["2025-01-24", "2025-01-27"]))
        counts = pd.DataFrame({"firm": ["A"], "shares": 100_187_500_000, "as_of": "2024-12-31", "filed": "2025-01-03"})
        listed = ms.reconcile("A", "2025-01-27", 100.1875e9, prices=close, shares=counts, printed={})
        assert listed.printout().tables[0].rows[0][6] == "100.188"

    def test_own_price(self):
        result = ms.reconcile("NVDA", "2025-01-27", 593.7e9, printed={"quoted": 118.51})
        assert set(result.table["price_convention"]) == {"official close", "quoted"}

    def test_errors(self):
        with pytest.raises(InputError, match="no reported loss of TSLA"):
            ms.reconcile("TSLA", "2025-01-27")
        with pytest.raises(InputError, match="positive"):
            ms.reconcile("NVDA", "2025-01-27", -589e9)
        with pytest.raises(InputError, match="589e9 is 589 billion"):
            ms.reconcile("NVDA", "2025-01-27", 589)
        for bad in (
            {"reported_usd": np.inf},
            {"rounding_usd": 5.0},
            {"printed": {"y": -5.0}},
            {"reported_usd": "589e9"},
        ):
            with pytest.raises(InputError):
                ms.reconcile("NVDA", "2025-01-27", **bad)
        with pytest.raises(InputError, match="confidence"):
            ms.market_cap_change("2025-01-27", confidence=5)
        with pytest.raises(InputError, match="names no firm"):
            ms.market_cap_change("2025-01-27", tickers=[])

    def test_figure_nobody_gives_is_said_to_have_no_match(self):
        assert ms.reconcile("NVDA", "2025-01-27", 700e9).matches == ["700 = no price and count listed here"]


class TestCalendarOfThePrices:
    """A market that is open on 20 January 2025 (New York is not) and closed on the 22nd (New York is open)."""

    DAYS: ClassVar = ["2025-01-16", "2025-01-17", "2025-01-20", "2025-01-21", "2025-01-23"]
    COUNTS: ClassVar = {"firm": ["X"], "shares": [1e9], "as_of": ["2024-12-31"], "filed": ["2025-01-05"]}
    NOTE = "sessions are the dates of the prices: 1 of 5 dates are no NYSE session (the first is 2025-01-20)"

    @pytest.fixture
    def prices(self) -> ms.Prices:
        close = pd.DataFrame({"X": [100.0, 100.0, 80.0, 76.0, 95.0]}, index=pd.to_datetime(self.DAYS))
        return ms.Prices.from_frame(close, adjusted=False)

    @pytest.mark.parametrize(
        ("day", "before", "usd"),
        [("2025-01-20", "2025-01-17", -20e9), ("2025-01-21", "2025-01-20", -4e9), ("2025-01-23", "2025-01-21", 19e9)],
    )
    def test_the_row_before_is_the_session_before(self, prices, day, before, usd):
        counts = pd.DataFrame(self.COUNTS)
        change = ms.market_cap_change(day, prices, counts)
        listed = ms.reconcile("X", day, 4e9, prices=prices, shares=counts, printed={})
        assert str(change.previous) == str(listed.previous) == before
        assert change.total["change_usd"] == listed.table["change_usd"].item() == pytest.approx(usd)

    def test_the_reader_is_told_which_sessions_were_taken(self, prices):
        counts = pd.DataFrame(self.COUNTS)
        change = ms.market_cap_change("2025-01-21", prices, counts)
        assert change.note.startswith(self.NOTE)
        assert self.NOTE in ms.reconcile("X", "2025-01-21", 4e9, prices=prices, shares=counts, printed={}).notes
        fitting = dataclasses.replace(
            prices, close=prices.close.iloc[[0, 1, 3]], adj_close=prices.adj_close.iloc[[0, 1, 3]]
        )
        assert "sessions" not in ms.market_cap_change("2025-01-21", fitting, counts).note

    @pytest.mark.parametrize(
        ("day", "error", "said"),
        [
            (
                "2025-01-22",
                NotSessionError,
                "2025-01-22, a Wednesday, is no date of the prices; give 2025-01-21 or 2025-01-23",
            ),
            ("2025-01-24", InputError, "2025-01-24 lies beyond the prices; give a day from 2025-01-16 to 2025-01-23"),
            ("2025-01-15", InputError, "2025-01-15 lies beyond the prices; give a day from 2025-01-16 to 2025-01-23"),
            ("2025-01-16", PriceError, "there is no session before 2025-01-16; give prices that begin earlier"),
        ],
    )
    def test_days_without_dollars(self, prices, day, error, said):
        with pytest.raises(error, match=said):
            ms.market_cap_change(day, prices, pd.DataFrame(self.COUNTS))
        with pytest.raises(error, match=said):
            ms.reconcile("X", day, 4e9, prices=prices, shares=pd.DataFrame(self.COUNTS), printed={})


class TestOwnFigure:
    """Which row of a reconciliation is the library's own figure is a column, not a text."""

    def test_the_last_cover_count_at_the_official_close(self):
        table = ms.reconcile("NVDA", "2025-01-27").table
        own = table[table["is_own"]]
        assert list(own["share_count"]) == ["cover count filed 2024-11-20"]
        assert own["change_usd"].item() == pytest.approx((118.42 - 142.62) * 24.49e9)
        assert list(table["official"]) == [name == "official close" for name in table["price_convention"]]

    def test_a_price_of_the_user_is_not_the_official_one(self):
        table = ms.reconcile("NVDA", "2025-01-27", printed={"official close": 118.42}).table
        assert table["is_own"].sum() == 1
        assert not table["official"].iloc[-1]

    def test_a_count_that_was_filed_long_before_is_listed_if_it_is_the_own_one(self):
        """A cover count of 2022 values; the vendor's of 2024 does not displace it."""
        rows = {
            "firm": "NVDA",
            "shares": [2e10, 2.4e10],
            "as_of": ["2022-01-10", "2024-12-01"],
            "basis": ["cover", "vendor"],
        }
        counts = pd.DataFrame({**rows, "filed": ["2022-01-20", "2024-12-02"]})
        bare = dataclasses.replace(ms.snapshot(), splits=None)
        table = ms.reconcile("NVDA", "2025-01-27", 5e11, prices=bare, shares=counts, printed={}).table
        assert list(table["basis"]) == ["cover", "vendor"]
        assert list(table["is_own"]) == [True, False]

    def test_a_class_that_a_filing_leaves_out_keeps_its_count(self, prices):
        rows = {
            "firm": "GOOGL",
            "priced_at": ["GOOGL", "GOOG", "GOOGL"],
            "share_class": ["A", "C", "A"],
            "shares": [5.8e9, 5.5e9, 5.7e9],
            "as_of": ["2024-10-20", "2024-10-20", "2025-01-10"],
            "filed": ["2024-10-30", "2024-10-30", "2025-01-15"],
        }
        table = ms.reconcile("GOOGL", "2025-01-27", 1e11, prices=prices, shares=pd.DataFrame(rows), printed={}).table
        assert list(table["shares"]) == [5.8e9 + 5.5e9, 5.7e9 + 5.5e9]
        assert list(table["is_own"]) == [False, True]

    def test_a_price_printed_before_a_split_is_in_old_shares(self):
        """118.58 for an old share, closes in tenths: (142.62 - 118.58) x 24.49 bn old shares all the same."""
        bundled = ms.snapshot()
        close = bundled.close.assign(NVDA=bundled.close["NVDA"] / 10)
        row = pd.DataFrame({"ticker": ["NVDA"], "date": [pd.Timestamp("2025-12-01")], "ratio": [10.0]})
        later = dataclasses.replace(bundled, close=close, splits=pd.concat([bundled.splits, row]))
        table = ms.reconcile("NVDA", "2025-01-27", prices=later, printed={"preliminary": 118.58}).table
        counted = table["share_count"] == "cover count filed 2024-11-20 x 10 for splits"
        row = table[counted & ~table["official"]].iloc[0]
        assert row["close_after"] == pytest.approx(11.858)
        assert row["change_usd"] == pytest.approx(-(142.62 - 118.58) * 24.49e9)
