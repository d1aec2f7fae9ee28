"""Columns of events beyond ticker and date: clocks, own windows, traits, and names that mean one of them."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import marketshock as ms
from marketshock.catalog.table import UNSET, event_table
from marketshock.errors import ChoiceError, InputError, UnknownNameError

DAYS = pd.bdate_range("2020-01-01", periods=300)
FIRMS = [f"F{i}" for i in range(8)]
OPTIONS = {"window": (-2, 5), "estimation": (-120, -11), "min_obs": 60, "calendar": "index"}


def frame(n: int = 3, **columns) -> pd.DataFrame:
    return pd.DataFrame({"ticker": FIRMS[:n], "date": DAYS[200 : 200 + n], **columns})


@pytest.fixture(scope="module")
def returns() -> pd.DataFrame:
    draw = np.random.default_rng(1)
    market = draw.normal(0, 0.01, 300)
    return pd.DataFrame({f: market + draw.normal(0, 0.02, 300) for f in FIRMS} | {"m": market}, DAYS)


def study(events: pd.DataFrame, returns: pd.DataFrame) -> ms.StudyResult:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is excluded
        return ms.event_study(events, returns=returns, model=ms.MarketModel("m"), **OPTIONS)


def wide(returns: pd.DataFrame, **columns) -> ms.StudyResult:
    events = pd.DataFrame({"ticker": FIRMS, "date": DAYS[np.arange(150, 270, 15)], **columns})
    return study(events, returns)


class TestTable:
    def test_what_nobody_gave_is_one_value_or_none(self):
        table = event_table(frame(), None)
        for name in ("market", "benchmark", "calendar"):
            assert list(getattr(table, name)) == ["", "", ""]
            assert getattr(table, name).strides == (0,)
        assert table.own_windows is None
        assert table.traits == {}

    def test_clock_columns_are_names_without_blanks(self):
        given = frame(market=["NYSE", " XTKS ", None], Benchmark=["^GSPC", "", np.nan], CALENDAR=["a", "b", "c"])
        table = event_table(given, None)
        assert list(table.market) == ["NYSE", "XTKS", ""]
        assert list(table.benchmark) == ["^GSPC", "", ""]
        assert list(table.calendar) == ["a", "b", "c"]
        assert list(event_table(frame(benchmark=[100, 200, 100]), None).benchmark) == ["100", "200", "100"]

    @pytest.mark.parametrize(
        "days",
        [
            [-3, -5, -7],
            [-3.0, -5.0, -7.0],
            ["-3", " -5 ", "-7.0"],
            np.array([-3, -5, -7], dtype="int16"),
            pd.array([-3, -5, -7], dtype="Int64"),
        ],
    )
    def test_own_windows_are_whole_numbers_of_any_kind(self, days):
        own = event_table(frame(window_first=days), None).own_windows
        assert own.dtype == np.int64
        assert own.tolist() == [[day, UNSET, UNSET, UNSET] for day in (-3, -5, -7)]

    def test_empty_days_are_unset_one_by_one(self):
        given = frame(
            window_first=[-1, None, pd.NA],
            window_last=["", "5", None],
            estimation_first=pd.array([None, -200, None], dtype="Int64"),
            estimation_last=[np.nan, -10, np.nan],
        )
        assert event_table(given, None).own_windows.tolist() == [
            [-1, UNSET, UNSET, UNSET],
            [UNSET, 5, -200, -10],
            [UNSET, UNSET, UNSET, UNSET],
        ]
        assert event_table(frame(window_first=[None, "", np.nan]), None).own_windows is None

    @pytest.mark.parametrize(
        "bad", ["2020-10-01", pd.Timestamp("2020-10-01"), 20201001, 1.5, "x", np.inf, True, "-1 to 5", "(-1, 5)"]
    )
    @pytest.mark.parametrize("name", ["window_first", "window_last", "estimation_first", "estimation_last"])
    def test_a_day_that_is_no_trading_day_is_refused(self, name, bad):
        with pytest.raises(InputError, match=rf"column '{name}' holds .* in row 1; .*trading days relative to day 0"):
            event_table(frame(**{name: pd.Series([-1, bad, 3], dtype=object)}), None)

    def test_dates_as_days_are_refused(self):
        with pytest.raises(InputError, match=r"row 0; .*trading days relative to day 0"):
            event_table(frame(estimation_first=DAYS[:3]), None)

    def test_traits_are_kept_as_given_and_in_order(self):
        given = frame(
            Size=[1.5, np.nan, 2],
            sic=pd.array([1, None, 3], dtype="Int64"),
            sector=pd.Categorical(["a", "b", "a"]),
            seen=pd.date_range("2020-01-01", periods=3, tz="UTC"),
            listed=[True, False, True],
        )
        traits = event_table(given, None).traits
        assert list(traits) == ["Size", "sic", "sector", "seen", "listed"]
        assert [str(pd.Series(v).dtype) for v in traits.values()] == [str(t) for t in given.dtypes[2:]]
        given.loc[0, "Size"] = 99  # what the caller does to the frame stays with the caller
        assert traits["Size"][0] == 1.5

    def test_some_of_the_events_and_what_a_worker_gets(self):
        given = frame(market=["a", "b", "c"], window_last=[1, None, 3], size=[1.0, 2.0, 3.0])
        whole = event_table(given, None)
        for take in (np.array([2, 0]), np.array([True, False, True])):
            for part in (whole.take(take), whole.slim(take), pickle.loads(pickle.dumps(whole.take(take)))):
                at = np.arange(3)[take]
                assert list(part.market) == list(whole.market[at])
                assert part.own_windows.tolist() == whole.own_windows[at].tolist()
                assert list(part.traits["size"]) == list(whole.traits["size"][at])
                assert list(part.benchmark) == ["", ""]
                assert part.benchmark.strides == (0,)

    def test_a_large_table_without_them_costs_nothing_more(self):
        n = 200_000
        given = pd.DataFrame({"ticker": np.arange(n) % 500, "date": np.datetime64("2020-01-01") + np.arange(n) % 900})
        plain = len(pickle.dumps(event_table(given, None)))
        assert plain < n * 18 + 20_000  # four bytes a security and eight a date, as without these columns

    @pytest.mark.parametrize(
        ("column", "one", "other"),
        [
            ("market", "NYSE", "XTKS"),
            ("benchmark", "m", "n"),
            ("calendar", "a", "b"),
            ("window_last", 1, 2),
            ("estimation_first", -100, None),
            ("size", 1.0, np.nan),
            ("source", [1, 2], [1, 3]),
        ],
    )
    def test_rows_are_one_event_of_two_groups_if_all_else_agrees(self, column, one, other):
        twice = pd.DataFrame({"ticker": "A", "date": "2020-10-01", "group": ["x", "y"]})
        same = event_table(twice.assign(**{column: [one, one]}), None)
        assert list(same.group) == ["x; y"]
        assert list(event_table(twice.assign(**{column: [other, other]}), None).group) == ["x; y"]
        assert list(event_table(twice.assign(**{column: [one, other]}), None).group) == ["x", "y"]

    def test_columns_of_a_crossed_frame_go_with_its_events(self):
        dates = pd.DataFrame({"date": ["2025-01-27", "2025-02-03"], "market": ["a", "b"], "size": [1, 2]})
        table = event_table(dates.assign(window_first=[-1, -2]), ["NVDA", "AAPL"])
        assert list(table.market) == ["a", "a", "b", "b"]
        assert list(table.traits["size"]) == [1, 1, 2, 2]
        assert table.own_windows[:, 0].tolist() == [-1, -1, -2, -2]


class TestIndex:
    def test_dates_and_tickers_may_be_the_index(self):
        want = event_table(frame(), None)
        plain = frame()
        for given in (
            plain.set_index("date"),
            plain.set_index("date").rename_axis(None),
            plain.set_index("date").rename_axis("Date"),
            plain.set_index("ticker"),
            plain.set_index(["date", "ticker"]),
            plain.set_index("date", drop=False),
        ):
            got = event_table(given, None)
            assert list(got.given) == list(want.given)
            assert list(got.event_id) == list(want.event_id)
            assert got.traits == {}

    def test_a_zoned_index_holds_timestamps(self):
        given = pd.DataFrame({"ticker": ["A"]}, index=pd.DatetimeIndex(["2025-01-29T14:00-05:00"], name="date"))
        assert event_table(given, None).utc[0] == np.datetime64("2025-01-29T19:00")

    def test_an_index_that_contradicts_its_column_is_refused(self):
        given = frame().set_index("date", drop=False)
        with pytest.raises(InputError, match="which differ"):
            event_table(given.assign(date=DAYS[:3]), None)

    def test_a_named_index_is_a_column_as_any_other(self):
        assert list(event_table(frame().rename_axis("number"), None).traits) == ["number"]
        with pytest.raises(InputError, match="column 'permno' is not read; name it 'ticker'"):
            event_table(frame().drop(columns="ticker").set_index(pd.Index([1, 2, 3], name="permno")), ["A"])

    def test_row_numbers_that_became_a_column_are_no_trait(self):
        assert event_table(frame().reset_index(), None).traits == {}
        assert list(event_table(frame(5)[2:].reset_index(), None).traits["index"]) == [2, 3, 4]
        with pytest.raises(InputError, match="column 'index' is not read; name it 'benchmark'"):
            event_table(frame(index=["^GSPC", "^N225", ""]), None)


class TestNames:
    @pytest.mark.parametrize(
        ("column", "meant"),
        [
            *(
                (c, "date")
                for c in ("event_date", "Event Date", "EventDate", "evtdate", "event.date", "anndats", "rdq")
            ),
            *((c, "ticker") for c in ("permno", "PERMNO", "symbol", "firm_symbol", "gvkey", "ISIN", "Firm ID", "tic")),
            *((c, "benchmark") for c in ("index_symbol", "idmarket", "market_id", "Market ID", "market_index")),
            *((c, "market") for c in ("exchange", "MIC", "exchcd", "stock_exchange")),
            *((c, "window_first") for c in ("start_event_window", "event_window_start", "evwlb", "evtwins", "window")),
            *((c, "window_last") for c in ("end_event_window", "event_window_end", "evwub", "evtwine")),
            *((c, "estimation_first") for c in ("eswlb", "estimation_window_length", "estper", "estimation_start")),
            *((c, "estimation_last") for c in ("eswub", "end_of_estimation_window", "shift_estimation_window", "gap")),
            *((c, "date") for c in ("time", "tz", "TimeZone", "announcement_time")),
            *((c, "group") for c in ("grouping_variable", "grpvar", "groups")),
            *((c, "event_id") for c in ("evtid", "event_number", "id", "event")),
            *((c, "timing") for c in ("bmo_amc", "timng")),
            *((c, "benchmark") for c in ("benchmrk", "bnechmark", "bench_mark")),
            *((c, "calendar") for c in ("calender", "trading_calendar")),
            *((c, "window_first") for c in ("windowfirst", "window_frist")),
        ],
    )
    def test_a_name_that_means_one_of_ours_is_told_which(self, column, meant):
        given = frame(**{column: ["x", "y", "z"]})
        given = given.drop(columns=meant) if meant in given else given
        with pytest.raises(InputError, match="is not read") as error:
            event_table(given, ["A"])
        assert repr(meant) in error.value.remedy
        assert repr(column) in error.value.problem

    @pytest.mark.parametrize(
        "column", ["event_date", "index_symbol", "exchange", "start_event_window", "tz", "model", "currency", "weight"]
    )
    def test_an_intention_is_refused_beside_our_columns_too(self, column):
        with pytest.raises(InputError, match=f"column '{column}' is not read"):
            event_table(frame(**{column: 1}), None)

    @pytest.mark.parametrize(
        "column",
        [
            *(
                "permno",
                "company",
                "name",
                "isin",
                "size",
                "market_cap",
                "marketcap",
                "event_type",
                "event_kind",
                "title",
            ),
            *("kind", "note", "sector", "sic", "rating", "filing_date", "update", "growth", "surprise", "country"),
        ],
    )
    def test_other_names_are_traits(self, column):
        assert list(event_table(frame(**{column: ["x", "y", "z"]}), None).traits) == [column]

    def test_a_hint_is_never_absurd(self):
        with pytest.raises(InputError) as error:
            event_table(pd.DataFrame({"ticker": ["A"], "event_date": ["2025-01-27"]}), None)
        assert "'date'" in str(error.value)
        assert "event_id" not in str(error.value)
        with pytest.raises(InputError, match="'date' is there already: drop one of the two"):
            event_table(frame(event_date="2025-01-27"), None)
        with pytest.raises(UnknownNameError, match="column 'date'"):
            event_table(pd.DataFrame({"ticker": ["A"], "x": [1]}), None)

    @pytest.mark.parametrize("column", ["n_obs", "n_event_days", "day", "event"])
    def test_names_of_the_results_are_refused(self, column):
        with pytest.raises(InputError, match="rename it"):
            event_table(frame(event_id=["a", "b", "c"], **{column: [1, 2, 3]}), None)

    def test_a_name_twice(self):
        with pytest.raises(InputError, match="has the column 'size' twice"):
            event_table(frame(**{"size": 1, " size ": 2}), None)


class TestResults:
    def test_the_events_show_what_was_given(self, returns):
        events = wide(returns).events
        assert list(events)[-3:] == ["estimation_first", "estimation_last", "n_benchmark_missing"]
        sizes = np.arange(8.0)
        more = wide(returns, size=sizes, note="n").events
        assert list(more) == [*events, "size", "note"]
        assert list(more["size"]) == list(sizes)
        pd.testing.assert_frame_equal(more[list(events)], events)

    def test_tests_by_a_trait_are_those_of_its_groups(self, returns):
        sector = ["a", "b", None, "a", "b", "b", "a", "b"]
        whole, grouped = wide(returns, sector=sector), wide(returns, group=[s or "" for s in sector])
        mine, theirs = whole.tests(by="sector"), grouped.tests(by="group")
        assert mine.index.names == ["sector", "test"]
        pd.testing.assert_frame_equal(pd.DataFrame(mine).rename_axis(["group", "test"]), pd.DataFrame(theirs))
        pd.testing.assert_frame_equal(
            ms.group_differences(whole, by="sector"), ms.group_differences(grouped, by="group")
        )
        number = wide(returns, big=[1, 0, 1, 0, 1, 0, 1, 0]).tests(by="big", which="bmp")
        assert list(number.index.get_level_values("big")) == [1, 0]
        with pytest.raises(ChoiceError, match=r"'sector'.*'day'"):
            whole.tests(by="size")
        with pytest.raises(InputError, match="'note' is a column of the tests too"):
            wide(returns, note=sector).tests(by="note")

    def test_cars_on_traits_of_the_events(self, returns):
        draw = np.random.default_rng(3)
        size, age = draw.normal(size=8), draw.integers(1, 99, 8)
        whole = wide(returns, size=size, age=[str(a) for a in age], sector="x")
        car = whole.car(0, 1)["car"].to_numpy()
        fit = sm.OLS(car, sm.add_constant(np.column_stack([size, age]))).fit(cov_type="HC3", use_t=True)
        found = ms.regress_car(whole, ["size", "age"], 0, 1)
        np.testing.assert_allclose(found.table[["coefficient", "se"]].T, [fit.params, fit.bse], rtol=1e-9)
        pd.testing.assert_frame_equal(
            ms.regress_car(whole, "size", 0, 1).table,
            ms.regress_car(whole, whole.events[["size"]], 0, 1).table,
        )
        with pytest.raises(UnknownNameError, match="did you mean 'size'"):
            ms.regress_car(whole, "siz")
        with pytest.raises(InputError, match="'sector' holds 'x', which is no number"):
            ms.regress_car(whole, "sector")

    def test_a_missing_trait_leaves_its_event_out_by_name(self, returns):
        whole = wide(returns, size=["1", "", "3", "5", "7", "8", "2", "4"])
        found = ms.regress_car(whole, "size")
        assert found.n_events == 7
        assert list(found.exclusions["reason"]) == ["no size"]

    def test_a_plot_by_a_trait(self, returns):
        ax = ms.plots.caar(wide(returns, big=[True, False] * 4), by="big")
        assert len(ax.get_legend().get_texts()) == 2
