"""Events of many markets and with windows of their own in one study, against reference numbers made elsewhere.

The numbers of `reference_b` were computed by two routes each, market by market, before this library could join markets.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import ChoiceError, InputError, UnknownNameError, WindowError

HERE = Path(__file__).parent / "reference_b"
BENCHMARKS = {"NYC": "NYX", "FRA": "FRX", "TYO": "TYX", "BTC": "BTX"}
WINDOWS = [(0, 0), (-1, 1), (0, 3), (-5, 5)]
FOLDERS = {"missing": "gaps", "span": "gaps/span", "trade_to_trade": "gaps/trade_to_trade"}
CASES = [("complete", "missing", "complete"), *((f"gaps, {g}", g, folder) for g, folder in FOLDERS.items())]
TESTS = ["t_cross_sectional", "patell", "bmp", "mackinlay", "generalized_sign", "corrado_zivney"]
CLOSE = {"rtol": 1e-10, "atol": 1e-13}


def table(*parts: str) -> pd.DataFrame:
    return pd.read_csv(HERE.joinpath(*parts))


def the_events() -> pd.DataFrame:
    return pd.read_csv(HERE / "1_markets" / "events.csv", keep_default_na=False)


def the_prices(folder: str) -> pd.DataFrame:
    wide = "complete" if folder == "complete" else "gaps"
    return table("1_markets", wide, "prices_wide.csv").set_index("date").pipe(dated)


def dated(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis(pd.to_datetime(frame.index))


def the_markets() -> list[ms.Market]:
    sessions = table("1_markets", "sessions.csv")
    return [
        ms.Market(
            name, BENCHMARKS[name], sessions=part[["session", "close_utc"]], zone=part["zone"].iloc[0],
            currency=part["currency"].iloc[0],
        )
        for name, part in sessions.groupby("market", sort=False)
    ]  # fmt: skip


def pooled(folder: str = "complete", gaps: str = "missing", prices: pd.DataFrame | None = None, **options):
    held = the_prices(folder) if prices is None else prices
    options = {"events": the_events(), "window": (-5, 5), "estimation": (-120, -11), "min_obs": 50} | options
    events = options.pop("events")
    return ms.event_study(events, prices=held, model=ms.MarketModel("NYX"), markets=the_markets(), gaps=gaps, **options)


@pytest.fixture(scope="module", params=CASES, ids=[case[0] for case in CASES])
def made(request):
    _, gaps, folder = request.param
    return pooled(folder, gaps), folder


class TestAgainstTheReference:
    def test_alignment(self):
        expected = table("1_markets", "expected_alignment.csv").set_index("event_id")
        assert pooled().alignment["session"].astype(str).to_dict() == expected["session"].to_dict()

    def test_models(self, made):
        study, folder = made
        expected = table("1_markets", folder, "expected_model.csv").set_index("event_id")
        for ours, theirs in (
            ("alpha", "alpha"),
            ("benchmark", "beta"),
            ("sigma", "sigma"),
            ("df", "dof"),
            ("n_obs", "n_obs"),
        ):
            np.testing.assert_allclose(study.params[ours], expected[theirs], **CLOSE)

    @pytest.mark.parametrize("window", WINDOWS)
    def test_cars(self, made, window):
        study, folder = made
        car, expected = study.car(*window), window_of(table("1_markets", folder, "expected_car.csv"), window)
        expected = expected.set_index("event_id").reindex(car.index)
        pairs = {"car": "car", "se": "se", "df": "df", "pvalue": "p", "n_days": "n_returns", "n_sessions": "n_sessions"}
        for ours, theirs in pairs.items():
            here = expected["car"].notna() if ours != "car" else slice(None)
            np.testing.assert_allclose(car.loc[here, ours], expected.loc[here, theirs], **CLOSE)

    def test_averages(self, made):
        study, folder = made
        expected = table("1_markets", folder, "expected_aar.csv")
        np.testing.assert_allclose(study.aar()["aar"], expected["aar"], **CLOSE)
        assert study.aar()["n_events"].tolist() == expected["n"].tolist()

    @pytest.mark.parametrize("window", WINDOWS)
    def test_pooled_tests(self, made, window):
        study, folder = made
        expected = window_of(table("1_markets", folder, "expected_tests.csv"), window).set_index("test")["statistic"]
        kept = ms.Conventions(halted="keep")  # the reference leaves no event out of a mean for a halt
        found = study.tests(*window, conventions=kept)["statistic"]
        np.testing.assert_allclose(found[TESTS], expected[TESTS], **CLOSE)
        labels = study.tests(*window, conventions=ms.Conventions(correlation="label", halted="keep"))["statistic"]
        for ours, theirs in (
            (found["kolari_pynnonen"], "kolari_pynnonen, r over overlapping intervals"),
            (labels["kolari_pynnonen"], "kolari_pynnonen, r over equal dates"),
            (labels["patell_adjusted"], "patell_adjusted, r over equal dates"),
        ):
            np.testing.assert_allclose(ours, expected[theirs], **CLOSE)

    def test_everything_in_dollars(self):
        prices = the_prices("complete")
        rates = table("1_markets", "fx.csv")
        study = pooled(prices=in_dollars(prices, rates))
        expected = table("1_markets", "usd", "expected_car.csv")
        for window in WINDOWS:
            rows = window_of(expected, window).set_index("event_id")
            np.testing.assert_allclose(study.car(*window)["car"], rows["car"], rtol=1e-9, atol=1e-12)


def window_of(frame: pd.DataFrame, window: tuple[int, int]) -> pd.DataFrame:
    return frame[(frame["first"] == window[0]) & (frame["last"] == window[1])]


def in_dollars(prices: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """Convert all prices by the last rate at or before each session."""
    currency = table("1_markets", "sessions.csv").groupby("market")["currency"].first()
    markets = {name: market for market, name in BENCHMARKS.items()}
    fx = dated(rates.set_index("date"))
    out = prices.copy()
    for name in prices:
        market = markets.get(name, {"N": "NYC", "F": "FRA", "T": "TYO", "B": "BTC"}[name[0]])
        unit = currency[market]
        if unit == "USD":
            continue
        column = next(c for c in fx.columns if unit in c)
        rate = fx[column].reindex(fx.index.union(prices.index)).ffill().reindex(prices.index)
        out[name] = prices[name] * rate
    return out


class TestTheUnionOfMarkets:
    def test_is_the_single_studies_bit_for_bit(self, made):
        study, folder = made
        gaps = study.spec.gaps
        for market, events in the_events().groupby("market", sort=False):
            alone = pooled(folder, gaps, events=events.drop(columns=["market", "benchmark"]).assign(market=market))
            at = study.panel.event_id.tolist().index
            places = [at(name) for name in alone.panel.event_id]
            assert np.array_equal(study.abnormal.ar[places], alone.abnormal.ar, equal_nan=True)
            assert np.array_equal(study.fit.params[places], alone.fit.params)
            columns = ["car", "se", "t", "pvalue", "ci_low", "ci_high"]
            pd.testing.assert_frame_equal(
                study.car().loc[alone.car().index, columns], alone.car()[columns], check_exact=True
            )

    def test_the_order_of_the_events_is_kept(self):
        shuffled = the_events().sample(frac=1, random_state=3)
        study = pooled(events=shuffled)
        assert study.car().index.tolist() == shuffled["event_id"].tolist()
        pd.testing.assert_frame_equal(study.car().sort_index(), pd.DataFrame(pooled().car()).sort_index())

    def test_what_needs_common_days_says_why_it_does_not_apply(self):
        tests = pooled().tests(0, 0, which="all")
        for name in ("joint_f", "portfolio", "permutation", "calendar_time"):
            assert "4 markets with different sessions" in tests.loc[name, "note"]

    def test_a_market_by_itself_is_tested_as_ever(self):
        by = pooled().tests(0, 0, by="market")
        alone = pooled(events=the_events().query("market == 'NYC'")).tests(0, 0)
        pd.testing.assert_series_equal(by.loc["NYC", "statistic"], alone["statistic"], check_exact=True)

    def test_parts_and_explanations(self):
        study = pooled()
        assert [len(part) for part in study.parts] == [4, 3, 3, 2]
        assert study.part_of("e04").spec.model.benchmark == "FRX"
        assert "Rm: return of FRX" in str(study.explain("e04"))
        assert study.part_of("e04").parts == ()

    def test_survives_pickling(self):
        study = pooled()
        pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(study)).car(), study.car())

    def test_prints_all_benchmarks_and_calendars(self):
        title = repr(pooled()).splitlines()
        assert "NYX, FRX, TYX, BTX" in title[0]
        assert "NYC, FRA, TYO, BTC" in title[1]


class TestColumnsOfEvents:
    def test_a_benchmark_alone_says_whose_days_are_the_sessions(self):
        events = the_events().drop(columns=["market", "on_closed"])
        events["date"] = table("1_markets", "expected_alignment.csv")["session"]
        study = ms.event_study(
            events.assign(timing=""), prices=the_prices("complete"), model=ms.MarketModel("NYX"),
            window=(-5, 5), estimation=(-120, -11), min_obs=50,
        )  # fmt: skip
        pd.testing.assert_frame_equal(study.ar, pooled().ar)

    def test_an_unknown_market_is_refused_by_name(self):
        events = the_events().assign(market="Frankfurt", benchmark="")
        with pytest.raises(UnknownNameError, match="'Frankfurt'"):
            pooled(events=events)

    def test_an_unknown_benchmark_is_refused_by_name(self):
        with pytest.raises(UnknownNameError, match="'DAX'"):
            pooled(events=the_events().assign(benchmark="DAX"))

    def test_a_calendar_that_is_none(self):
        with pytest.raises(ChoiceError, match="'Frankfurt'"):
            ms.event_study(
                the_events(), prices=the_prices("complete"), model=ms.MarketModel("NYX"), calendar="Frankfurt"
            )

    def test_exchanges_by_their_code(self):
        pytest.importorskip("exchange_calendars")
        days = pd.bdate_range("2023-01-02", "2024-12-30")
        rng = np.random.default_rng(1)
        close = pd.DataFrame(100 * np.exp(np.cumsum(rng.normal(0, 0.01, (len(days), 2)), axis=0)), days, ["SAP", "DAX"])
        events = pd.DataFrame({"ticker": "SAP", "date": ["2024-06-07T18:00:00+02:00"], "calendar": "XETR"})
        study = ms.event_study(events, prices=close, model=ms.MarketModel("DAX"), on_findings="ignore")
        assert str(study.alignment["session"].iloc[0])[:10] == "2024-06-10"
        assert study.panel.calendars == ("XETR",)
        off = study.panel.returns.off_days.astype(str).tolist()
        assert "2023-05-01" in off
        assert "2023-07-04" not in off

    def test_bitcoin_is_always_open(self):
        days = pd.date_range("2023-01-01", "2024-12-30")
        rng = np.random.default_rng(1)
        close = pd.DataFrame(100 * np.exp(np.cumsum(rng.normal(0, 0.01, (len(days), 2)), axis=0)), days, ["BTC", "ETH"])
        events = pd.DataFrame({"ticker": "BTC", "date": ["2024-03-03T23:59:59Z", "2024-03-09"], "calendar": "24/7"})
        study = ms.event_study(events, prices=close, model=ms.MarketModel("ETH"))
        assert study.alignment["session"].astype(str).tolist() == ["2024-03-03", "2024-03-09"]

    def test_a_closing_time_of_a_market_without_a_table(self):
        frankfurt = ms.Market("FRA", "FRX", close="17:30", zone="Europe/Berlin")
        events = the_events().query("market == 'FRA'")
        study = ms.event_study(
            events, prices=the_prices("complete"), model=ms.MarketModel("NYX"), markets=[frankfurt],
            window=(-5, 5), estimation=(-120, -11), min_obs=50,
        )  # fmt: skip
        pd.testing.assert_frame_equal(study.ar, pooled().ar.loc[study.ar.index])

    @pytest.mark.parametrize(
        ("made", "why"),
        [
            (lambda: ms.Market(""), "name"),
            (lambda: ms.Market("FRA", close="17:30"), "without a zone"),
            (lambda: ms.Market("FRA", close="5 pm", zone="Europe/Berlin"), "'5 pm'"),
            (lambda: ms.Market("FRA", zone="Europe/Bonn"), "no time zone"),
            (lambda: ms.Market("FRA", sessions=["2024-01-02", "2024-01-02"]), "increasing"),
            (lambda: ms.Market("FRA", calendar="XETR", sessions=["2024-01-02"]), "named too"),
            (lambda: ms.Market("FRA", sessions=pd.DataFrame({"day": ["2024-01-02"]})), "session"),
            (lambda: pooled(events=the_events().assign(market="X")), "'X'"),
        ],
    )
    def test_a_market_that_is_none_is_refused(self, made, why):
        with pytest.raises(InputError, match=why):
            made()


def own_windows(folder: str, **options):
    events = table("2_windows", "events.csv").drop(columns=["row0"])
    returns = dated(table("2_windows", folder, "returns.csv").set_index("date"))
    options = {"model": ms.MarketModel("market"), "calendar": "index", "min_obs": 60} | options
    return ms.event_study(options.pop("events", events), returns=returns, **options)


@pytest.mark.parametrize("folder", ["complete", "gaps"])
class TestOwnWindows:
    def test_cars(self, folder):
        car, expected = own_windows(folder).car(), table("2_windows", folder, "expected_car.csv").set_index("event_id")
        pairs = {name: name for name in ("first", "last", "n_days", "car", "se", "t", "df")} | {"pvalue": "p"}
        for ours, theirs in pairs.items():
            np.testing.assert_allclose(car[ours], expected[theirs], **CLOSE)

    def test_tests(self, folder):
        rows = table("2_windows", folder, "expected_tests.csv").set_index("test")
        study = own_windows(folder)
        found = study.tests(conventions=ms.Conventions(correlation="label", halted="keep"), which="all")
        names = {name: name for name in ("t_cross_sectional", "patell", "bmp", "mackinlay", "generalized_sign")}
        names |= {"kolari_pynnonen": "kolari_pynnonen, r weighted by overlap of the own windows"}
        names |= {"brown_warner": "brown_warner, weights N_t/N"}
        for ours, theirs in names.items():
            np.testing.assert_allclose(found.loc[ours, "statistic"], rows.loc[theirs, "statistic"], **CLOSE)
            np.testing.assert_allclose(found.loc[ours, "pvalue"], rows.loc[theirs, "p"], **CLOSE)
        assert found.loc["corrado", "note"] == "does not apply: the events have windows of their own"

    def test_averages(self, folder):
        expected = table("2_windows", folder, "expected_aar.csv").set_index("rel")
        found = own_windows(folder).aar()
        np.testing.assert_allclose(found["aar"], expected["aar"], **CLOSE)
        assert found["n_events"].tolist() == expected["n_events"].tolist()

    def test_named_windows(self, folder):
        events = table("2_windows", "events.csv")[["event_id", "ticker", "date"]]
        study = own_windows(folder, events=events, window=(-10, 10), estimation=(-110, -21))
        expected = table("2_windows", folder, "expected_named_windows.csv")
        inside = expected[(expected["first"] >= -10) & (expected["last"] <= 10)]
        tests = {(r["first"], r["last"]): study.tests(r["first"], r["last"], conventions=ms.Conventions(halted="keep"))
                 for _, r in inside.iterrows()}  # fmt: skip
        for _, row in inside.iterrows():
            one = tests[row["first"], row["last"]]
            for name, theirs in (("t_cross_sectional", "t_cross_sectional"), ("patell", "z_patell"), ("bmp", "t_bmp")):
                np.testing.assert_allclose(one.loc[name, "statistic"], row[theirs], **CLOSE)
        if len(inside) == len(expected):
            p = np.array([one.loc["bmp", "pvalue"] for one in tests.values()])
            np.testing.assert_allclose(ms.adjust_pvalues(p, "holm"), expected["p_bmp_holm"], **CLOSE)

    def test_days_that_nobody_asked_for_are_not_missing(self, folder):
        study = own_windows("complete")
        assert (study.car()["note"] == "").all()
        assert "lack days" not in repr(study)


def test_windows_that_overlap_are_refused_by_event():
    events = table("2_windows", "events.csv").drop(columns=["row0"])
    events.loc[2, "estimation_last"] = 0
    with pytest.raises(WindowError, match="event 'x03'"):
        own_windows("complete", events=events)


def test_an_estimation_window_of_its_own_below_min_obs_is_an_exclusion():
    with pytest.warns(ms.errors.ExclusionWarning):
        study = own_windows("complete", min_obs=120)
    assert set(study.exclusions["code"]) == {"too_few_obs"}


class TestTimestampsWhereNoMarketIsStated:
    """A frame with dates in common fits New York's table, and nobody said whose closing times count."""

    @pytest.fixture
    def close(self):
        snap = ms.snapshot().close[["NVDA", "^GSPC"]]
        return snap.assign(**{"SAP.DE": snap["NVDA"] * 1.1, "SIE": snap["NVDA"] * 0.9})

    def run(self, close, ticker, date, **options):
        events = pd.DataFrame({"ticker": [ticker], "date": [date]})
        return ms.event_study(events, prices=close, model=ms.MarketModel("^GSPC"), **options)

    def test_a_security_of_another_exchange_is_refused(self, close):
        with pytest.raises(InputError, match=r"closing times of 'SAP\.DE' are not known.*column market or calendar"):
            self.run(close, "SAP.DE", "2025-01-24T18:00:00+01:00")

    def test_a_timestamp_of_another_zone_is_warned_of(self, close):
        with pytest.warns(ms.errors.CalendarWarning, match="whose closing times are used"):
            self.run(close, "SIE", "2025-01-24T18:00:00+01:00")

    @pytest.mark.parametrize("date", ["2025-01-24T16:30:00-05:00", "2025-01-24T21:30:00Z", "2025-01-24"])
    @pytest.mark.parametrize("ticker", ["NVDA", "SIE"])
    def test_new_york_and_utc_are_what_they_say(self, close, ticker, date):
        self.run(close, ticker, date)

    def test_what_is_stated_is_taken(self, close):
        self.run(close, "SAP.DE", "2025-01-24T18:00:00+01:00", calendar="NYSE", on_findings="ignore")
        pytest.importorskip("exchange_calendars")
        study = self.run(close, "SAP.DE", "2025-01-24T18:00:00+01:00", calendar="XETR", on_findings="ignore")
        assert str(study.alignment["session"].iloc[0])[:10] == "2025-01-27"

    def test_a_date_of_another_exchange_needs_no_clock(self, close):
        self.run(close, "SAP.DE", "2025-01-24", on_findings="ignore")


class TestCurrencies:
    def long(self, **units):
        wide = the_prices("complete")[["N1", "NYX", "F1", "FRX"]]
        long = wide.rename_axis("date").reset_index().melt("date", None, "ticker", "close").dropna()
        return long.assign(currency=long["ticker"].map({"N1": "USD", "NYX": "USD", "F1": "EUR", "FRX": "EUR"} | units))

    def run(self, prices, benchmark, **options):
        events = pd.DataFrame({"ticker": ["F1"], "date": ["2023-11-20"], "benchmark": [benchmark]})
        return ms.event_study(events, prices=prices, model=ms.MarketModel("NYX"), min_obs=50, **options)

    def test_a_benchmark_in_another_currency_is_warned_of(self):
        with pytest.warns(ms.errors.PriceWarning, match="F1: quoted in EUR, its benchmark NYX in USD"):
            study = self.run(self.long(), "NYX")
        assert "currency" in study.findings["rule"].tolist()

    def test_a_benchmark_in_the_same_currency_is_not(self):
        assert "currency" not in self.run(self.long(), "FRX").findings["rule"].tolist()

    def test_the_market_may_say_it(self):
        frankfurt = ms.Market("FRA", "FRX", currency="CHF")
        prices = self.long().query("ticker != 'FRX'")
        more = self.long().query("ticker == 'FRX'").assign(currency=None)
        with pytest.warns(ms.errors.PriceWarning, match="its benchmark FRX in CHF"):
            self.run(pd.concat([prices, more]), "FRX", markets=frankfurt)


class TestWhatIsSaidInOtherWords:
    """One event twice, one market in two words, and arguments that nobody reads."""

    def events(self, **columns):
        return pd.DataFrame({"ticker": ["NVDA", "AAPL"], "date": ["2025-01-27", "2025-02-03"], **columns})

    def run(self, events, **options):
        return ms.event_study(events, prices=ms.snapshot(), model=ms.MarketModel("^GSPC"), **options)

    def test_one_market_in_several_words_is_one(self):
        study = self.run(self.events(market=["NYSE", ""]))
        assert study.parts == ()
        assert self.run(self.events(calendar=["NASDAQ", ""])).parts == ()
        assert np.array_equal(study.abnormal.ar, self.run(self.events()).abnormal.ar)

    @pytest.mark.parametrize("columns", [{"benchmark": ["^GSPC", "SPY"]}, {"window_last": [5, 4]}])
    def test_an_event_counts_once_whatever_its_benchmark_and_windows(self, columns):
        twice = self.events(**columns).assign(ticker="NVDA", date="2025-01-27", event_id=["first", "second"])
        prices = ms.snapshot().close.assign(SPY=lambda p: p["^GSPC"] * 1.01)
        with pytest.warns(ms.errors.ExclusionWarning, match="already event 'first', with another benchmark or other"):
            study = ms.event_study(twice, prices=prices, model=ms.MarketModel("^GSPC"))
        assert study.exclusions["code"].to_dict() == {"second": "duplicate"}
        kept = ms.event_study(twice, prices=prices, model=ms.MarketModel("^GSPC"), duplicates="keep")
        assert len(kept) == 2

    def test_a_single_market_is_that_of_all_events(self):
        market = ms.Market("US", "^GSPC", calendar="NYSE")
        assert self.run(self.events(benchmark="^GSPC"), markets=market).panel.calendars == ("NYSE",)

    def test_markets_that_no_event_names(self):
        two = [ms.Market("XETR", "^GDAXI"), ms.Market("NYSE", "^GSPC")]
        with pytest.raises(InputError, match="2 are given, and no event says which is its own"):
            self.run(self.events(), markets=two)

    def test_a_market_of_a_zone_alone(self):
        with pytest.raises(InputError, match="'Frankfurt' has neither a benchmark nor a calendar"):
            self.run(self.events(), markets=ms.Market("Frankfurt", close="17:30", zone="Europe/Berlin"))

    def test_a_benchmark_made_of_securities_is_not_replaced_in_silence(self):
        model = ms.MarketModel(ms.EqualWeighted(["AAPL", "MSFT", "AMZN"]))
        with pytest.raises(InputError, match="it is made for one market"):
            ms.event_study(self.events(benchmark=["^GSPC", ""]), prices=ms.snapshot(), model=model)

    def test_sessions_with_a_zone_are_dates_in_that_zone(self):
        days = ms.snapshot().dates
        plain, zoned = (ms.Market("US", "^GSPC", sessions=d) for d in (days, days.tz_localize("Europe/Berlin")))
        one, other = (self.run(self.events(), markets=m) for m in (plain, zoned))
        assert np.array_equal(one.abnormal.ar, other.abnormal.ar)

    def test_a_calendar_that_is_not_known_so_far(self):
        pytest.importorskip("exchange_calendars")
        with pytest.raises(InputError, match="the calendar 'XTKS' is not known from 1960"):
            ms.markets.named_sessions("calendar", "XTKS", np.datetime64("1960-01-01"), np.datetime64("1961-01-01"))

    def test_sums_of_different_days_are_not_compared(self):
        events = table("2_windows", "events.csv").drop(columns=["row0"]).assign(size=range(12), group=["a", "b"] * 6)
        study = own_windows("complete", events=events)
        with pytest.raises(InputError, match="sums of different days"):
            ms.regress_car(study, "size")
        with pytest.raises(InputError, match="sums of different days"):
            ms.group_differences(study)

    def test_an_event_whose_own_window_lacks_day_0_is_written_out(self, tmp_path):
        study = self.run(self.events(window_first=[1, -1]))
        assert "CAR(1, 5)" in str(study.explain("NVDA@2025-01-27"))
        assert ms.report.html(study, tmp_path / "page.html").exists()
        assert "windows of their own within window (-1, 5)" in repr(study)
