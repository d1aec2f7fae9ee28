"""Where events and prices meet: nothing is dropped, moved or filled without a word."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import (
    CalendarWarning,
    ExclusionWarning,
    InputError,
    NotSessionError,
    NoUsableEventsError,
    PriceError,
    UnknownNameError,
    WindowError,
)

MODEL = ms.MarketModel("^GSPC")


def study(prices, rows, **options):
    events = pd.DataFrame(list(rows), columns=["ticker", "date"])
    return ms.event_study(events, prices=prices, **{"model": MODEL, **options})


def quietly(prices, rows, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExclusionWarning)
        return study(prices, rows, **options)


def test_left_out_events_are_recorded_with_reasons_and_warned_of(prices):
    rows = [
        ("NVDA", "2025-01-27"),
        ("NVDAA", "2025-01-27"),
        ("AAPL", "2025-02-01"),
        ("AAPL", "2019-01-02"),
        ("MSFT", "2023-03-01"),
        ("NVDA", "2025-01-27"),
    ]
    with pytest.warns(ExclusionWarning, match="5 of 6 events excluded"):
        result = study(prices, rows, on_closed="drop")
    assert list(result.exclusions["code"]) == ["unknown_ticker", "closed", "outside_prices", "too_few_obs", "duplicate"]
    reasons = list(result.exclusions["reason"])
    assert "did you mean 'NVDA'?" in reasons[0]
    assert "on_closed is 'drop'" in reasons[1]
    assert "2022-12-30 to 2025-03-31" in reasons[2]
    assert "min_obs is 120" in reasons[3]
    assert "already event 'NVDA@2025-01-27'" in reasons[4]
    assert len(result) == 1
    assert len(result.alignment) == 6


def test_duplicates_can_be_kept(prices):
    result = study(prices, [("NVDA", "2025-01-27")] * 2, duplicates="keep")
    assert list(result.events.index) == ["NVDA@2025-01-27", "NVDA@2025-01-27#2"]


def test_two_dates_that_map_to_one_session_are_a_duplicate(prices, catalog):
    """The order of Saturday and the pause of Monday are one session's return."""
    with pytest.warns(ExclusionWarning):
        result = ms.event_study(
            [catalog["tariff-order"], catalog["mexico-pause"]], tickers=["NVDA"], prices=prices, model=MODEL
        )
    assert list(result.exclusions.index) == ["mexico-pause/NVDA"]


def test_no_usable_event_raises_with_the_reasons(prices):
    with pytest.raises(NoUsableEventsError, match=r"no usable event among 1.*lies outside the prices") as caught:
        study(prices, [("NVDA", "2019-01-02")])
    assert caught.value.exclusions[0].code == "outside_prices"


def test_weekend_list_says_what_to_do(prices):
    with pytest.raises(
        NotSessionError, match=r"2025-01-25, a Saturday, is no NYSE session \(and 1 more\).*on_closed='next'"
    ):
        study(prices, [("NVDA", "2025-01-25"), ("NVDA", "2025-01-26")])


def test_alignment_of_the_documents_events(prices, catalog):
    """A holiday, a Saturday, news after the close: the table says what was done."""
    ids = ["deepseek-r1", "tariff-order", "mexico-pause", "canada-pause", "fed-hold-january", "google-call"]
    result = ms.event_study([catalog[i] for i in ids], tickers=["GOOGL"], prices=prices, model=MODEL, duplicates="keep")
    got = result.alignment.reset_index()
    assert list(got["session"].dt.strftime("%m-%d")) == ["01-21", "02-03", "02-03", "02-04", "01-29", "02-05"]
    assert list(got["moved"]) == [1, 2, 0, 1, 0, 1]
    assert got["rule"].str.contains("closed").tolist() == [True, True, False, False, False, False]


def test_estimation_window_moves_with_the_event(prices):
    """A moved event keeps its distance to the estimation window, counted in sessions."""
    result = study(prices, [("NVDA", "2025-02-01")], on_closed="next")
    direct = study(prices, [("NVDA", "2025-02-03")])
    np.testing.assert_array_equal(result.ar.to_numpy(), direct.ar.to_numpy())


def test_estimation_days_are_sessions(prices):
    """250 asked for, 250 used: not calendar days."""
    result = study(prices, [("NVDA", "2025-01-27")])
    assert result.events["n_obs"].iloc[0] == 250
    first, last = result.events.iloc[0][["estimation_first", "estimation_last"]]
    assert (str(first.date()), str(last.date())) == ("2024-01-11", "2025-01-08")


def test_event_window_does_not_touch_the_fit(prices):
    """Corrupting the event window changes no estimate."""
    close = prices.close.copy()
    clean = study(ms.Prices.from_frame(close), [("NVDA", "2025-01-27")])
    close.loc["2025-01-13":, "NVDA"] *= 3
    assert clean.params.equals(study(ms.Prices.from_frame(close), [("NVDA", "2025-01-27")]).params)


def test_another_event_of_the_firm_changes_nothing(prices):
    one = study(prices, [("NVDA", "2025-01-27")])
    two = study(prices, [("NVDA", "2025-01-27"), ("NVDA", "2025-02-03")])
    pd.testing.assert_series_equal(one.car(0, 1).iloc[0], two.car(0, 1).iloc[0])


def test_missing_price_is_never_a_zero_return(prices):
    """One missing close leaves two returns missing; the fit uses the others and says how many."""
    close = prices.adj_close.copy()
    close.loc["2024-06-03", "NVDA"] = np.nan
    result = study(ms.Prices.from_frame(close), [("NVDA", "2025-01-27")])
    assert result.events["n_obs"].iloc[0] == 248
    dropped = close.index.get_indexer(["2024-06-03", "2024-06-04"])
    returns = prices.adj_close.pct_change(fill_method=None)
    returns.iloc[dropped, returns.columns.get_loc("NVDA")] = np.nan
    by_hand = ms.event_study(pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]}), returns=returns, model=MODEL)
    np.testing.assert_allclose(result.params, by_hand.params, rtol=1e-12)


def test_missing_event_day_is_left_out_of_the_sum_and_named(prices):
    close = prices.adj_close.copy()
    close.loc["2025-01-28", "NVDA"] = np.nan
    result = study(ms.Prices.from_frame(close), [("NVDA", "2025-01-27")])
    row = result.car(0, 3).iloc[0]
    assert row["n_days"] == 2
    move = close.loc["2025-01-29", "NVDA"] / close.loc["2025-01-27", "NVDA"] - 1
    assert row["note"] == (
        "2 of 4 days without a return: 2025-01-28, 2025-01-29; "
        f"no price on day 1; the return over it, {100 * move:+.1f} %, is on day 2 and not in this sum"
    )
    np.testing.assert_allclose(row["car"], result.ar.iloc[0][[0, 3]].sum())
    empty = result.car(1, 2).iloc[0]
    assert np.isnan(empty["car"])
    assert empty["n_days"] == 0
    assert "2 of 2 days" in empty["note"]


def test_a_session_without_a_row_counts_as_a_day(prices):
    """A frame that lacks a row of an NYSE session has a missing return there, not a shorter window."""
    cut = prices.adj_close.drop(pd.Timestamp("2025-01-28"))
    holed = prices.adj_close.copy()
    holed.loc["2025-01-28"] = np.nan
    rows = [("NVDA", "2025-01-27")]
    a, b = study(ms.Prices.from_frame(cut), rows), study(ms.Prices.from_frame(holed), rows)
    pd.testing.assert_frame_equal(a.car(0, 5), b.car(0, 5))
    assert a.car(0, 5)["n_days"].iloc[0] == 4


def test_benchmark_missing_on_an_estimation_day_costs_that_day(prices):
    close = prices.adj_close.copy()
    close.loc["2024-06-03", "^GSPC"] = np.nan
    result = study(ms.Prices.from_frame(close), [("NVDA", "2025-01-27")])
    assert result.events[["n_obs", "n_benchmark_missing"]].iloc[0].tolist() == [248, 2]
    assert "2 day(s) without a return of the benchmark left out" in repr(result)
    both = close.copy()
    both.loc["2024-06-03", "NVDA"] = np.nan
    pd.testing.assert_frame_equal(result.car(), study(ms.Prices.from_frame(both), [("NVDA", "2025-01-27")]).car())


def test_too_few_days_with_a_benchmark_exclude_the_event(prices):
    close = prices.adj_close.copy()
    close.loc["2024-06-03", "^GSPC"] = np.nan
    with pytest.raises(NoUsableEventsError, match=r"2 day\(s\) of \(-260, -11\).*\^GSPC.*first 2024-06-03.*min_obs"):
        study(ms.Prices.from_frame(close), [("NVDA", "2025-01-27")], min_obs=249)
    close.loc["2025-01-24":"2025-02-04", "^GSPC"] = np.nan
    events = [("NVDA", "2025-01-27"), ("NVDA", "2025-01-10")]
    with pytest.warns(ExclusionWarning, match=r"of \(-1, 5\).*first 2025-01-24.*min_event_obs"):
        result = study(ms.Prices.from_frame(close), events)
    assert result.exclusions["code"].tolist() == ["benchmark_missing"]


def test_factor_file_that_ends_too_early_is_named(prices):
    factors = ms.french_factors().loc[:"2025-01-28"]
    model = ms.FactorModel(["Mkt-RF"], risk_free="RF")
    result = study(prices, [("NVDA", "2025-01-27")], factors=factors, model=model)
    row = result.car().iloc[0]
    assert row["n_days"] == 3
    assert "the benchmark (Mkt-RF, RF) has none on days 2 to 5" in row["note"]
    with pytest.raises(NoUsableEventsError, match=r"of \(-1, 5\).*first 2025-01-29"):
        study(prices, [("NVDA", "2025-01-27")], factors=factors, model=model, min_event_obs=7)


@pytest.mark.parametrize(
    ("ticker", "why"),
    [("CONSTANT", "no variance"), ("^GSPC", "no variance"), ("DOUBLE", "no variance")],
)
def test_constant_and_perfectly_explained_stocks_are_excluded_with_the_reason(prices, ticker, why):
    returns = prices.adj_close.pct_change(fill_method=None)
    returns = returns.assign(CONSTANT=0.001, DOUBLE=2 * returns["^GSPC"] + 0.0001)
    events = pd.DataFrame({"ticker": [ticker, "NVDA"], "date": "2025-01-27"})
    with pytest.warns(ExclusionWarning):
        result = ms.event_study(events, returns=returns, model=MODEL)
    assert list(result.exclusions["code"]) == ["not_estimable"]
    assert why in result.exclusions["reason"].iloc[0]
    assert len(result) == 1


def test_constant_market_is_excluded_with_the_reason(prices):
    returns = prices.adj_close.pct_change(fill_method=None).assign(FLAT=0.0)
    with pytest.raises(NoUsableEventsError, match="collinear"):
        ms.event_study(
            pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]}), returns=returns, model=ms.MarketModel("FLAT")
        )


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.inf, "is infinite"), (0.0, "is not positive"), (-5.0, "is not positive")],
)
def test_impossible_prices_are_refused_with_place(prices, value, message):
    close = prices.close.copy()
    close.loc["2024-06-03", "NVDA"] = value
    with pytest.raises(PriceError, match=rf"NVDA on 2024-06-03 {message}"):
        study(close, [("NVDA", "2025-01-27")])


@pytest.mark.parametrize(("value", "message"), [(np.inf, "is infinite"), (-1.5, "a loss of more than everything")])
def test_impossible_returns_are_refused(returns, value, message):
    frame = returns.copy()
    frame.loc["2024-06-03", "NVDA"] = value
    with pytest.raises(PriceError, match=message):
        ms.event_study(pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]}), returns=frame, model=MODEL)


def test_dates_of_prices_must_be_sorted_and_unique(prices):
    rows = [("NVDA", "2025-01-27")]
    with pytest.raises(PriceError, match=r"not sorted: .*; sort the rows by date, the oldest first"):
        study(prices.close.iloc[::-1], rows)
    with pytest.raises(PriceError, match="2025-01-27 stands in the index more than once"):
        study(pd.concat([prices.close, prices.close.loc[["2025-01-27"]]]).sort_index(), rows)
    with pytest.raises(InputError, match="has no column 'date'"):
        study(prices.close.reset_index(drop=True), rows)
    with pytest.raises(PriceError, match="holds text"):
        study(prices.close.astype(object).replace(142.62, "142.62"), rows)


def test_zoned_index_is_taken_by_its_own_date(prices):
    close = prices.close.copy()
    close.index = close.index.tz_localize("America/New_York")
    rows = [("NVDA", "2025-01-27")]
    pd.testing.assert_frame_equal(study(close, rows).ar, study(prices.close, rows).ar)


def test_two_level_columns_as_yfinance_gives_them(prices):
    both = pd.concat({"Close": prices.close, "Adj Close": prices.adj_close, "Volume": prices.extra["volume"]}, axis=1)
    rows = [("NVDA", "2025-01-27")]
    expected = study(prices, rows).ar
    pd.testing.assert_frame_equal(study(both, rows).ar, expected)
    pd.testing.assert_frame_equal(study(both.swaplevel(axis=1), rows).ar, expected)


def test_unknown_names_are_errors_with_a_hint(prices, catalog):
    event = catalog["deepseek-selloff"]
    with pytest.raises(UnknownNameError, match=r"'NVDAA' \(did you mean 'NVDA'\?\)"):
        ms.event_study(event, tickers=["NVDAA"], prices=prices, model=MODEL)
    with pytest.raises(UnknownNameError, match=r"'GSPC' \(did you mean '\^GSPC'\?\)"):
        ms.event_study(event, tickers=["NVDA"], prices=prices, model=ms.MarketModel("GSPC"))
    with pytest.raises(UnknownNameError, match="did you mean 'deepseek-selloff'"):
        catalog["deepseek-sell-off"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"window": (5, -1)}, WindowError, "after its end"),
        ({"window": (-1, 2.5)}, WindowError, "two whole numbers"),
        ({"window": "ab"}, WindowError, "two whole numbers"),
        ({"window": (-11, 5)}, WindowError, "end it on day -12 or before"),
        ({"estimation": (-260, 0)}, WindowError, "reaches into the event window"),
        ({"min_obs": 0}, InputError, "min_obs: got 0"),
        ({"min_obs": 251}, InputError, r"from 1 to 250 \(the days of the window"),
        ({"on_closed": "slide"}, InputError, "allowed are 'raise', 'next', 'previous', 'drop'"),
        ({"calendar": "LSE"}, InputError, "allowed are"),
    ],
)
def test_options_are_checked(prices, options, error, message):
    with pytest.raises(error, match=message):
        study(prices, [("NVDA", "2025-01-27")], **options)


def test_prices_or_returns_but_not_both(prices, returns):
    events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]})
    with pytest.raises(InputError, match="both"):
        ms.event_study(events, prices=prices, returns=returns, model=MODEL)
    with pytest.raises(InputError, match="neither"):
        ms.event_study(events, model=MODEL)


def with_foreign_days(close):
    """Closes of a market that trades on every weekday."""
    every = close.reindex(pd.bdate_range(close.index[0], close.index[-1])).ffill()
    return every * np.linspace(1.0, 1.1, len(every))[:, None]


class TestCalendar:
    def test_a_stray_row_changes_nothing_and_is_noted(self, prices):
        close = prices.close.copy()
        close.loc[pd.Timestamp("2024-06-01")] = close.loc["2024-05-31"]
        result = study(close.sort_index(), [("NVDA", "2025-01-27")])
        market = result.panel.returns
        assert market.sessions.name == "NYSE"
        assert market.off_days.astype(str).tolist() == ["2024-06-01"]
        assert market.off.all()
        assert np.array_equal(result.abnormal.ar, study(prices.close, [("NVDA", "2025-01-27")]).abnormal.ar)

    def test_days_of_another_market_are_the_sessions_of_its_benchmark(self, prices):
        close = with_foreign_days(prices.close)
        with pytest.warns(CalendarWarning, match=r"dates are no NYSE session \(the first is 2023-01-02\)"):
            result = study(close, [("NVDA", "2025-01-27")])
        assert result.panel.returns.sessions.name == "index"

    def test_nyse_can_be_insisted_on(self, prices):
        with pytest.raises(PriceError, match="calendar='index'"):
            study(with_foreign_days(prices.close), [("NVDA", "2025-01-27")], calendar="NYSE")

    def test_weekly_prices_are_no_daily_series(self, prices):
        with pytest.warns(CalendarWarning, match="are no daily series"):
            study(prices.close.iloc[::5], [("NVDA", "2025-01-30")], estimation=(-80, -11), min_obs=30, on_closed="next")

    def test_index_calendar_takes_no_timestamps(self, prices, catalog):
        with pytest.raises(InputError, match="closing times"):
            ms.event_study(catalog["fed-hold-january"], tickers=["NVDA"], prices=prices, model=MODEL, calendar="index")


def test_inputs_are_not_changed(prices):
    close, events = prices.close.copy(), pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]})
    before = close.copy(deep=True), events.copy(deep=True)
    ms.event_study(events, prices=close, model=MODEL)
    pd.testing.assert_frame_equal(close, before[0])
    pd.testing.assert_frame_equal(events, before[1])


def test_log_returns(prices):
    log = study(prices, [("NVDA", "2025-01-27")], log=True)
    np.testing.assert_allclose(log.to_frame().loc[("NVDA@2025-01-27", 0), "return"], np.log(118.42 / 142.62), rtol=1e-3)
    returns = np.log(prices.adj_close).diff()
    given = ms.event_study(
        pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]}), returns=returns, model=MODEL, log=True
    )
    np.testing.assert_allclose(given.ar, log.ar, rtol=1e-9, atol=1e-15)


def test_levels_or_percentages_are_no_returns(prices):
    events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]})
    with pytest.raises(PriceError, match="look like prices or percentages"):
        ms.event_study(events, returns=prices.close, model=MODEL)
    with pytest.raises(PriceError, match="look like prices or percentages"):
        ms.event_study(events, returns=100 * prices.close.pct_change(fill_method=None), model=MODEL, log=True)


@pytest.mark.parametrize("model", [None, "market", ms.MarketModel])
def test_a_model_is_a_model(prices, model):
    with pytest.raises(InputError, match=r"model: got .*ms\.MarketModel"):
        study(prices, [("NVDA", "2025-01-27")], model=model)


def test_incomplete_windows_are_marked_where_they_are_printed(prices):
    close = prices.adj_close.copy()
    close.loc["2025-01-28", "NVDA"] = np.nan
    result = study(close, [("NVDA", "2025-01-27")])
    assert "%*" in repr(result)
    assert "* 1 event(s) lack days of the window" in repr(result)
    assert "%*" in repr(result.car(0, 2))
    assert "lack days of the window" in result.tests(0, 2, which="t_firm")["note"].iloc[0]
    assert np.isnan(result.bhar(0, 2)["bhar"].iloc[0])


def test_log_returns_are_not_compounded(prices):
    with pytest.raises(InputError, match="log=False"):
        study(prices, [("NVDA", "2025-01-27")], log=True).bhar(0, 1)


class TestBenchmarks:
    """Benchmarks without the firm they are held against."""

    EVENTS = (("NVDA", "2025-01-27"), ("AAPL", "2025-01-27"))

    def test_leave_one_out_is_the_rest_of_the_index(self, prices, returns):
        weights = {"NVDA": 0.065, "AAPL": 0.07}
        result = study(prices, self.EVENTS, model=ms.MarketModel(ms.LeaveOneOut("^GSPC", weights)))
        for ticker, w in weights.items():
            rest = (returns["^GSPC"] - w * returns[ticker]) / (1 - w)
            plain = study(
                None, [(ticker, "2025-01-27")], returns=returns.assign(REST=rest), model=ms.MarketModel("REST")
            )
            np.testing.assert_allclose(result.ar.loc[f"{ticker}@2025-01-27"], plain.ar.iloc[0], rtol=1e-9)
        assert "no one system" in result.tests(0, 0, which="joint_f")["note"].iloc[0]

    def test_leaving_all_out_gives_one_benchmark_and_keeps_the_joint_tests(self, prices, returns):
        weights = {"NVDA": 0.065, "AAPL": 0.07}
        model = ms.MarketModel(ms.LeaveOneOut("^GSPC", weights, leave_out="all"))
        result = study(prices, self.EVENTS, model=model)
        rest = (returns["^GSPC"] - 0.065 * returns["NVDA"] - 0.07 * returns["AAPL"]) / 0.865
        plain = study(None, self.EVENTS, returns=returns.assign(REST=rest), model=ms.MarketModel("REST"))
        np.testing.assert_allclose(result.ar, plain.ar, rtol=1e-9)
        assert result.tests(0, 0, which="joint_f")["pvalue"].iloc[0] < 0.01
        ar = study(prices, self.EVENTS).ar
        assert result.ar.loc["NVDA@2025-01-27", 0] < ar.loc["NVDA@2025-01-27", 0]  # part of its fall was its benchmark

    def test_equal_weighted_without_the_firm(self, prices, returns):
        names = ["AAPL", "MSFT", "NVDA", "META"]
        holed = prices.adj_close.copy()
        holed.loc["2024-06-03", "META"] = np.nan
        result = study(holed, [("NVDA", "2025-01-27")], model=ms.MarketModel(ms.EqualWeighted(names)))
        others = holed.pct_change(fill_method=None)[["AAPL", "MSFT", "META"]].mean(axis=1)
        plain = study(None, [("NVDA", "2025-01-27")], returns=returns.assign(REST=others), model=ms.MarketModel("REST"))
        np.testing.assert_allclose(result.ar, plain.ar, rtol=1e-9)

    def test_market_adjusted_takes_them_too(self, prices, returns):
        model = ms.MarketAdjusted(ms.LeaveOneOut("^GSPC", {"NVDA": 0.065}))
        result = study(prices, [("NVDA", "2025-01-27")], model=model)
        rest = (returns["^GSPC"] - 0.065 * returns["NVDA"]) / 0.935
        expected = (returns["NVDA"] - rest).loc["2025-01-27"]
        np.testing.assert_allclose(result.ar[0].iloc[0], expected, rtol=1e-9)

    @pytest.mark.parametrize("weights", [{}, {"NVDA": 7}, {"NVDA": -0.1}, {"NVDA": 0.6, "AAPL": 0.6}])
    def test_impossible_weights(self, weights):
        with pytest.raises(InputError, match="weights"):
            ms.LeaveOneOut("^GSPC", weights)

    @pytest.mark.parametrize("tickers", [[], ["NVDA"], "NVDA", ["NVDA", "NVDA"]])
    def test_impossible_baskets(self, tickers):
        with pytest.raises(InputError, match="two securities or more"):
            ms.EqualWeighted(tickers)


class TestHunted:
    """Inputs that once gave a wrong number, or a traceback."""

    EVENT = (("NVDA", "2025-01-27"),)

    def test_prices_are_checked_when_made(self, prices):
        with pytest.raises(InputError, match="other dates or tickers"):
            ms.Prices(prices.close, prices.adj_close[prices.tickers[::-1]])
        with pytest.raises(InputError, match="other dates or tickers"):
            ms.Prices(prices.close.iloc[:-1], prices.adj_close.iloc[1:])
        with pytest.raises(PriceError, match="not sorted"):
            ms.Prices(prices.close.iloc[::-1], prices.adj_close.iloc[::-1])

    def test_a_factor_that_bears_the_name_of_a_stock_studied_is_refused(self, prices):
        close = prices.adj_close.assign(CMA=prices.adj_close["IBM"])
        model = ms.FactorModel(["Mkt-RF", "SMB"], risk_free="RF")
        with pytest.raises(InputError, match="'CMA' is a factor and a security studied"):
            study(close, [("CMA", "2025-01-27")], factors=ms.french_factors(), model=model)
        assert len(study(close, self.EVENT, factors=ms.french_factors(), model=model)) == 1

    def test_an_unknown_weight_is_no_zero_weight(self, prices):
        with pytest.raises(UnknownNameError, match="did you mean 'NVDA'"):
            study(prices, self.EVENT, model=ms.MarketModel(ms.LeaveOneOut("^GSPC", {"nvda": 0.07})))

    def test_abnormal_returns_that_add_to_zero_are_not_tested(self, prices):
        seven = [(t, "2025-01-27") for t in ms.MAGNIFICENT_SEVEN]
        basket = ms.EqualWeighted(ms.MAGNIFICENT_SEVEN, leave_one_out=False)
        for model in (ms.MarketModel(basket), ms.MarketAdjusted(ms.EqualWeighted(ms.MAGNIFICENT_SEVEN))):
            result = study(prices, seven, model=model)
            for test in ("portfolio", "brown_warner", "calendar_time", "permutation"):
                row = result.tests(0, 0, which=test).iloc[0]
                assert np.isnan(row["pvalue"]), test
                assert "does not apply" in row["note"]

    def test_identical_events_have_no_dispersion(self, prices):
        result = study(prices, list(self.EVENT) * 3, duplicates="keep")
        for test in (
            "t_cross_sectional",
            "bmp",
            "kolari_pynnonen",
            "corrado_zivney_standardised",
            "grank_t",
            "sign_gsar",
        ):
            assert "does not apply" in result.tests(-1, 5, which=test)["note"].iloc[0], test

    def test_every_test_runs_on_every_kind_of_model(self, prices):
        for model in (ms.MarketAdjusted("^GSPC"), ms.ConstantMean(), ms.FactorModel(["^GSPC", "QQQ"])):
            tests = study(prices, self.EVENT, model=model).tests(-1, 5, which="all")
            assert set(tests.index) == set(ms.TESTS)

    def test_sentinel_dates_stay_what_they_are(self, prices):
        result = quietly(prices, [("NVDA", "2025-01-27"), ("MSFT", "9999-12-31")])
        assert str(result.exclusions["date"].iloc[0])[:10] == "9999-12-31"
        assert str(result.alignment["given"].iloc[1])[:10] == "9999-12-31"

    def test_exclusions_show_the_date_given(self, prices):
        events = pd.DataFrame({"ticker": ["^GSPC", "NVDA"], "date": "2025-01-25"})
        with pytest.warns(ExclusionWarning):
            result = ms.event_study(events, prices=prices, model=MODEL, on_closed="next")
        assert str(result.exclusions["date"].iloc[0].date()) == "2025-01-25"

    def test_results_cannot_be_changed_from_outside(self, prices, returns):
        result = study(prices, self.EVENT)
        with pytest.raises(ValueError, match="read-only"):
            result.sample().ar[:] = 0
        before = result.car()["car"].iloc[0]
        frame = result.ar
        frame.iloc[0, :] = 0
        assert result.car()["car"].iloc[0] == before
        mine = returns.copy()
        held = study(None, self.EVENT, returns=mine)
        mine.iloc[:, :] = 0
        assert held.panel.returns.values.any()

    def test_tickers_of_any_kind(self, prices, catalog):
        event = catalog["deepseek-selloff"]
        for tickers in (prices.close.columns[:3], np.array(["NVDA"]), ["NVDA"], "NVDA"):
            assert len(ms.event_study(event, tickers=tickers, prices=prices, model=MODEL)) >= 1
        numbered = prices.adj_close.rename(columns={"NVDA": "7203"})
        events = pd.DataFrame({"ticker": [7203], "date": ["2025-01-27"]})
        assert len(ms.event_study(events, prices=numbered, model=MODEL)) == 1

    def test_columns_that_are_one_name(self, prices):
        close = prices.adj_close.copy()
        close[1], close["1"] = close["IBM"], close["PM"]
        with pytest.raises(InputError, match="column '1' stands there twice"):
            study(close, self.EVENT)

    @pytest.mark.parametrize("window", [(0, 10**12), (-(10**9), 0)])
    def test_windows_have_a_bound(self, prices, window):
        with pytest.raises(WindowError, match="trading days"):
            study(prices, self.EVENT, window=window, estimation=(-(10**9) - 500, -(10**9) - 10))

    def test_errors_travel_between_processes(self, prices):
        for bad in (lambda: ms.load_catalog()["zz"], lambda: study(prices, [("X", "2019-01-01")])):
            with pytest.raises(ms.errors.MarketShockError) as caught:
                bad()
            copy = pickle.loads(pickle.dumps(caught.value))
            assert str(copy) == str(caught.value)
            assert type(copy) is type(caught.value)

    @pytest.mark.parametrize(
        "options", [{"min_obs": "120"}, {"model": ms.ConstantMean}, {"estimation": None}, {"window": (0,)}]
    )
    def test_options_of_the_wrong_kind(self, prices, options):
        with pytest.raises(InputError):
            study(prices, self.EVENT, **options)

    def test_requests_of_the_wrong_kind(self, prices):
        result = study(prices, self.EVENT)
        for call in (
            lambda: result.tests(which=[]),
            lambda: result.car(confidence="0.95"),
            lambda: result.tests(conventions={"window": "csar"}),
            lambda: ms.Resampling(seed=-1),
            lambda: ms.Resampling(draws=10.5),
            lambda: ms.MarketModel(["^GSPC"]).terms,
            lambda: ms.FactorModel(None),
            lambda: ms.LeaveOneOut("^GSPC", ["NVDA"]),
        ):
            with pytest.raises(InputError):
                call()

    def test_a_changed_table_prints_as_pandas_prints_it(self, prices):
        tests = study(prices, self.EVENT).tests()
        del tests["note"]
        assert "rows x" in repr(tests)
