"""A security held against another market's benchmark is said to be so; carried prices are no sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError, NotSessionError, PriceError, PriceWarning
from marketshock.sessions import nyse

FIRST, LAST = np.datetime64("2023-01-02"), np.datetime64("2024-12-30")


def german_days() -> pd.DatetimeIndex:
    """Weekdays without the closed days of Xetra, written out: no package is asked."""
    closed = """2023-04-07 2023-04-10 2023-05-01 2023-12-25 2023-12-26 2024-01-01 2024-03-29 2024-04-01 2024-05-01
    2024-12-24 2024-12-25 2024-12-26"""
    return pd.bdate_range(FIRST, LAST).difference(pd.DatetimeIndex(closed.split()))


def walks(days: pd.DatetimeIndex, names: list[str], seed: int) -> pd.DataFrame:
    """Return closes to the cent around a common factor."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 0.008, len(days))
    moves = common[:, None] * rng.uniform(0.7, 1.3, len(names)) + rng.normal(0, 0.01, (len(days), len(names)))
    levels = np.array([15000.0 if name.startswith("^") else 120.0 for name in names])
    return pd.DataFrame(levels * np.exp(moves.cumsum(axis=0)), days, names).round(2)


def american() -> pd.DataFrame:
    return walks(pd.DatetimeIndex(nyse().between(FIRST, LAST)), ["^GSPC", "NVDA"], 1)


def german() -> pd.DataFrame:
    return walks(german_days(), ["^GDAXI", "SAP.DE", "SIE.DE"], 2)


@pytest.fixture(scope="module")
def both() -> pd.DataFrame:
    return american().join(german(), how="outer").rename_axis("date")


def xetra(**options) -> ms.Market:
    return ms.Market("XETR", sessions=list(german_days()), **options)


def run(prices, events=None, **options):
    options = {"model": ms.MarketModel("^GSPC"), "on_findings": "ignore"} | options
    frame = pd.DataFrame({"ticker": ["SAP.DE"], "date": ["2024-06-12"], **(events or {})})
    return ms.event_study(frame, prices=prices, **options)


def long(wide: pd.DataFrame, **units: str) -> pd.DataFrame:
    out = wide.reset_index().melt("date", None, "ticker", "close").dropna()
    return out.assign(currency=out["ticker"].map(units))


def rules(study, severity: str = "warn") -> dict[str, str]:
    found = study.findings[study.findings["severity"] == severity]
    return dict(zip(found["ticker"] + " " + found["rule"], found["cause"], strict=True))


class TestAForgottenBenchmark:
    def test_it_lacks_sessions_of_the_stated_market(self, both):
        with pytest.warns(PriceWarning, match=r"\^GSPC: no price on 8 of the 266 sessions of XETR: another market's"):
            study = run(both, {"market": ["XETR"]}, markets=[xetra()], on_findings="warn")
        days = german_days()
        at = days.get_loc("2024-06-12")
        read = days[at - 260 : at + 6]
        lacks = (~np.isin(read.to_numpy().astype("datetime64[D]"), nyse().days)).sum()
        assert f"no price on {lacks} of" in rules(study)["^GSPC other_market"]
        assert "column benchmark" in rules(study)["^GSPC other_market"]

    def test_its_own_index_lacks_none(self, both):
        study = run(both, {"market": ["XETR"]}, markets=[xetra(benchmark="^GDAXI", currency="EUR")])
        assert rules(study) == {}

    @pytest.mark.parametrize("hole", [slice(200, 260), slice(250, 251)])
    def test_a_hole_of_its_own_index_is_no_other_market(self, both, hole):
        days = german_days()
        holed = both.copy()
        holed.loc[days[hole], "^GDAXI"] = np.nan
        study = run(holed, {"market": ["XETR"]}, markets=[xetra(benchmark="^GDAXI")], min_obs=50)
        assert "^GDAXI other_market" not in rules(study)

    def test_the_currency_of_its_own_market(self, both):
        study = run(
            both, {"market": ["XETR"]}, markets=[xetra(currency="EUR"), ms.Market("US", "^GSPC", currency="USD")]
        )
        assert rules(study)["SAP.DE currency"].startswith("quoted in EUR, its benchmark ^GSPC in USD")

    def test_currencies_of_a_long_frame(self, both):
        units = {"^GSPC": "USD", "NVDA": "USD", "SAP.DE": "EUR", "SIE.DE": "EUR", "^GDAXI": "EUR"}
        for prices in (long(both, **units), ms.Prices.from_frame(long(both, **units))):
            assert "SAP.DE currency" in rules(run(prices))
            assert "SAP.DE currency" not in rules(run(prices, {"benchmark": ["^GDAXI"]}))

    def test_currencies_of_a_file(self, both, tmp_path):
        units = {"^GSPC": "USD", "NVDA": "USD", "SAP.DE": "EUR", "SIE.DE": "EUR", "^GDAXI": "EUR"}
        long(both, **units).to_csv(tmp_path / "prices.csv", index=False)
        assert "SAP.DE currency" in rules(run(ms.read_prices(tmp_path / "prices.csv")))

    def test_the_suffix_where_nothing_else_tells(self, both):
        common = both.dropna()
        assert "by its suffix" in rules(run(common))["SAP.DE other_market"]
        assert rules(run(common, {"benchmark": ["^GDAXI"]})) == {}
        assert rules(run(common.rename(columns={"SAP.DE": "BRK.B"}), {"ticker": ["BRK.B"]})) == {}


class TestClosedDays:
    def test_trading_on_them_is_a_warning(self, both):
        study = run(both, calendar="NYSE")
        days = nyse().days
        at = np.searchsorted(days, np.datetime64("2024-06-12"))
        open_here = german_days().to_numpy().astype("datetime64[D]")
        n = int(((open_here >= days[at - 260]) & (open_here <= days[at + 5]) & ~np.isin(open_here, days)).sum())
        found = rules(study)["SAP.DE closed_day"]
        assert found.startswith(f"its market (NYSE) was closed on {n} days, the last 2024-06-19, on which SAP.DE moved")

    def test_prices_carried_over_them_are_a_note(self, both):
        study = run(both.ffill(), {"market": ["XETR"]}, markets=[xetra(benchmark="^GDAXI")])
        assert "SAP.DE closed_day" in rules(study, "note")
        assert rules(study) == {}


class TestDollars:
    """A market cap in euros is not printed as dollars."""

    counts = pd.DataFrame({"firm": ["SAP.DE"], "shares": [1.2e9], "as_of": ["2024-01-31"], "filed": ["2024-02-29"]})

    def study(self, both, **market):
        prices = ms.Prices.from_frame(both, adjusted=False)
        return run(prices, {"market": ["XETR"]}, markets=[xetra(benchmark="^GDAXI", **market)])

    def test_the_currency_of_the_market_is_refused(self, both):
        with pytest.raises(PriceError, match=r"SAP\.DE is quoted in EUR, and market caps are in USD"):
            ms.market_cap_change("2024-06-12", study=self.study(both, currency="EUR"), shares=self.counts)

    def test_also_of_other_prices(self, both):
        prices = ms.Prices.from_frame(both, adjusted=False)
        with pytest.raises(PriceError, match="quoted in EUR"):
            ms.market_cap_change("2024-06-12", prices, self.counts, study=self.study(both, currency="EUR"))

    def test_a_derivation_has_no_dollars(self, both):
        study = self.study(both, currency="EUR")
        assert "quoted in EUR" in str(study.explain("SAP.DE@2024-06-12", shares=self.counts))

    @pytest.mark.parametrize("market", [{}, {"currency": "USD"}])
    def test_dollars_and_what_nobody_says_are_taken(self, both, market):
        change = ms.market_cap_change("2024-06-12", study=self.study(both, **market), shares=self.counts)
        assert change.table["cap_before_usd"].iloc[0] == pytest.approx(1.2e9 * both["SAP.DE"].loc["2024-06-11"])

    def test_of_several_markets_each_has_its_own(self, both):
        events = pd.DataFrame({"ticker": ["SAP.DE", "NVDA"], "date": "2024-06-12", "market": ["XETR", "US"]})
        markets = [xetra(benchmark="^GDAXI", currency="EUR"), ms.Market("US", "^GSPC", currency="USD")]
        study = ms.event_study(events, prices=both, model=ms.MarketModel("^GSPC"), markets=markets)
        known = study.currencies
        assert {name: known[name] for name in both if name in known} == {
            "^GSPC": "USD",
            "NVDA": "USD",
            "^GDAXI": "EUR",
            "SAP.DE": "EUR",
        }


class TestCarriedPrices:
    """A file filled forward has rows on days without trading: the days of an index are those on which it traded."""

    def car(self, prices, **options):
        events = {"ticker": ["SAP.DE"], "date": ["2024-06-12"], "benchmark": ["^GDAXI"]}
        return run(prices, events, **({"calendar": "index"} | options)).car(-1, 5)

    @pytest.fixture
    def right(self):
        return self.car(german())

    def filled(self, freq: str) -> pd.DataFrame:
        whole = german()
        return whole.reindex(pd.date_range(whole.index[0], whole.index[-1], freq=freq)).ffill()

    @pytest.mark.parametrize("freq", ["D", "B"])
    @pytest.mark.parametrize("calendar", ["index", "auto"])
    def test_filled_over_weekends_and_holidays(self, right, freq, calendar):
        pd.testing.assert_frame_equal(self.car(self.filled(freq), calendar=calendar), right)

    def test_filled_over_the_days_of_another_market(self, both, right):
        pd.testing.assert_frame_equal(self.car(both.ffill()), right)

    def test_as_returns(self, right):
        returns = german().pct_change(fill_method=None).iloc[1:]
        filled = returns.reindex(pd.date_range(returns.index[0], returns.index[-1])).fillna(0.0)
        events = pd.DataFrame({"ticker": ["SAP.DE"], "date": ["2024-06-12"]})
        options = {"model": ms.MarketModel("^GDAXI"), "calendar": "index"}
        car = ms.event_study(events, returns=filled, **options).car(-1, 5)
        np.testing.assert_allclose(car["car"], right["car"])

    def test_the_rows_left_out_are_notes(self):
        events = {"ticker": ["SAP.DE"], "date": ["2024-06-12"], "benchmark": ["^GDAXI"]}
        study = run(self.filled("D"), events)
        days = study.panel.returns.days
        assert np.isin(days, german_days().to_numpy().astype("datetime64[D]")).all()
        assert {"SAP.DE closed_day", "^GDAXI closed_day"} <= set(rules(study, "note"))

    def test_another_column_changes_nothing(self, right):
        coin = walks(pd.date_range(FIRST, LAST), ["BTC"], 5)
        pd.testing.assert_frame_equal(self.car(self.filled("D").join(coin, how="outer")), right)

    @pytest.mark.parametrize("trades", [range(7), [6, 0, 1, 2, 3]])
    def test_coins_and_markets_open_on_sundays(self, trades):
        days = pd.date_range(FIRST, LAST)
        days = days[np.isin(days.day_of_week, list(trades))]
        own = walks(days, ["^X", "A"], 3)
        events = {"ticker": ["A"], "date": ["2024-06-12"]}
        options = {"model": ms.MarketModel("^X"), "calendar": "index"}
        right = run(own, events, **options)
        assert (right.panel.returns.days == days.to_numpy().astype("datetime64[D]")).all()
        filled = own.reindex(pd.date_range(FIRST, LAST)).ffill().dropna()
        pd.testing.assert_frame_equal(run(filled, events, **options).car(), right.car())

    def test_a_benchmark_that_often_repeats_keeps_its_days(self):
        rough = german().assign(**{"^GDAXI": (german()["^GDAXI"] / 800).round(0)})
        events = {"ticker": ["SAP.DE"], "date": ["2024-06-12"], "benchmark": ["^GDAXI"]}
        study = run(rough, events, calendar="index")
        assert len(study.panel.returns.off_days) == 0

    def test_a_day_on_which_only_the_index_repeats_is_a_session(self):
        own = german()
        own.loc["2024-03-13", "^GDAXI"] = own.loc["2024-03-12", "^GDAXI"]
        events = {"ticker": ["SAP.DE"], "date": ["2024-06-12"], "benchmark": ["^GDAXI"]}
        study = run(own, events, calendar="index")
        assert np.datetime64("2024-03-13") in study.panel.returns.days


class TestMessages:
    def test_no_session_says_whose(self, both):
        events = {"ticker": ["SAP.DE"], "date": ["2024-05-01"], "benchmark": ["^GDAXI"]}
        with pytest.raises(NotSessionError, match=r"2024-05-01, a Wednesday, is no index session of \^GDAXI"):
            run(german(), events, calendar="index")

    def test_a_timestamp_without_closing_times_names_the_event(self):
        events = {"date": ["2024-06-12T18:00:00+02:00"], "market": ["Frankfurt"]}
        with pytest.raises(
            InputError, match=r"event 'SAP\.DE@2024-06-12' of market 'Frankfurt'.*\^GDAXI.*column timing"
        ):
            run(german(), events, markets=[ms.Market("Frankfurt", "^GDAXI", calendar="index")])

    def test_two_calendars_of_one_event_are_refused(self, both):
        with pytest.raises(InputError, match=r"market 'XETR', whose calendar is 'XETR', and the calendar 'NYSE'"):
            run(both, {"market": ["XETR"], "calendar": ["NYSE"], "benchmark": ["^GDAXI"]})
        study = run(american(), {"ticker": ["NVDA"], "market": ["XNAS"], "calendar": ["NYSE"]})
        assert study.panel.calendars == ("NYSE",)

    def test_halts_of_several_markets(self, both):
        holed = both.copy()
        holed.loc["2024-06-12", "SAP.DE"] = np.nan
        events = {"ticker": ["SAP.DE", "NVDA"], "date": "2024-06-12", "benchmark": ["^GDAXI", "^GSPC"]}
        study = ms.event_study(pd.DataFrame(events), prices=holed, model=ms.MarketModel("^GSPC"))
        assert [note.partition(":")[0] for note in study.halts()] == ["SAP.DE@2024-06-12"]

    def test_a_wrong_price_that_is_tolerated_is_starred_wherever_it_lies(self, both):
        wrong = american()
        wrong.loc["2024-02-07":, "NVDA"] *= 100
        study = run(wrong, {"ticker": ["NVDA"]}, tolerate=["unit", "split_8plus"])
        assert "[unit]" in study.car(0, 0)["note"].iloc[0]

    def test_a_specification_names_all_benchmarks(self, both):
        events = pd.DataFrame({"ticker": ["SAP.DE", "NVDA"], "date": "2024-06-12", "benchmark": ["^GDAXI", "^GSPC"]})
        models = [ms.MarketModel("^GSPC"), ms.MarketAdjusted("^GSPC")]
        curve = ms.specification_curve(events, prices=both, models=models, windows=[(0, 0), (0, 1)])
        assert curve.to_frame()["model"].unique()[0] == "market model (^GDAXI, ^GSPC)"
