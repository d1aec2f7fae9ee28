"""Frames of other libraries and of every shape: read alike, or refused with the remedy."""

from __future__ import annotations

import builtins
import dataclasses
import datetime as dt
import decimal
import sys

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import marketshock as ms
from marketshock._native import as_pandas
from marketshock.errors import InputError, PriceError
from marketshock.providers.fetch import long_frame

nw = pytest.importorskip("narwhals")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

NAMES = ["NVDA", "AAPL", "^GSPC"]
MODEL = ms.MarketModel("^GSPC")
EVENTS = pd.DataFrame({"ticker": ["NVDA", "AAPL"], "date": ["2025-01-27", "2025-02-03"]})
DATES = pd.to_datetime(["2025-01-24", "2025-01-27"])


def to_polars(frame: pd.DataFrame):
    """A polars frame of a wide pandas one, its dates in a column."""
    columns = {str(name): frame[name].astype(object).where(frame[name].notna(), None).to_list() for name in frame}
    if isinstance(frame.index, pd.DatetimeIndex):
        columns = {"date": [day.date() for day in frame.index], **columns}
    return pl.DataFrame(columns)


def to_lazy(frame: pd.DataFrame):
    return to_polars(frame).lazy()


def to_arrow(frame: pd.DataFrame):
    return pa.Table.from_pandas(frame)


def to_narwhals(frame: pd.DataFrame):
    return nw.from_native(to_polars(frame))


KINDS = pytest.mark.parametrize("other", [to_polars, to_lazy, to_arrow, to_narwhals])


@pytest.fixture(scope="module")
def wide(prices) -> pd.DataFrame:
    return prices.adj_close[NAMES]


@pytest.fixture(scope="module")
def expected(prices) -> pd.DataFrame:
    return ms.event_study(EVENTS, prices=prices, model=MODEL).ar


class TestDoor:
    def test_every_kind_of_column(self):
        columns = {
            "whole": [1, 2],
            "holed": [1, None],
            "float": [1.5, None],
            "text": ["a", None],
            "day": [dt.date(2025, 1, 27), None],
            "old": [dt.date(1850, 3, 1), dt.date(2025, 1, 27)],
            "exact": [decimal.Decimal("1.25"), None],
            "flag": [True, False],
            "flags": [True, None],
            "nothing": [None, None],
            "category": pl.Series(["x", None], dtype=pl.Categorical),
            "choice": pl.Series(["x", None], dtype=pl.Enum(["x", "y"])),
        }
        got = as_pandas("frame", pl.DataFrame(columns))
        assert list(got.columns) == list(columns)
        assert list(got.index) == [0, 1]
        assert got["whole"].dtype == np.int64
        for name in ("holed", "float", "exact"):
            assert got[name].dtype == np.float64
            assert np.isnan(got[name][1])
        assert (got["holed"][0], got["float"][0], got["exact"][0]) == (1.0, 1.5, 1.25)
        assert list(got["day"]) == [pd.Timestamp("2025-01-27"), pd.NaT]
        assert got["old"][0] == pd.Timestamp("1850-03-01")
        assert got["flag"].dtype == bool
        for name, first in (("text", "a"), ("category", "x"), ("choice", "x"), ("flags", True), ("nothing", None)):
            assert list(got[name]) == [first, None], name

    @pytest.mark.parametrize("unit", ["ms", "us", "ns"])
    def test_times_keep_their_zone(self, unit):
        stamp = dt.datetime(2025, 1, 29, 14)
        frame = pl.DataFrame({"at": pl.Series([stamp, None], dtype=pl.Datetime(unit))})
        zoned = frame.with_columns(pl.col("at").dt.replace_time_zone("America/New_York"))
        for native in (zoned, zoned.to_arrow()):
            got = as_pandas("frame", native)["at"]
            assert got[0] == pd.Timestamp("2025-01-29 14:00", tz="America/New_York")
            assert got[0].date() == dt.date(2025, 1, 29)
            assert got[1] is pd.NaT
        assert as_pandas("frame", frame)["at"][0] == pd.Timestamp("2025-01-29 14:00")

    def test_pyarrow_is_not_needed_for_polars(self, monkeypatch, wide):
        frame = to_polars(wide)
        plain = builtins.__import__

        def without(name, *rest, **named):
            if name.startswith("pyarrow"):
                raise ImportError(name)
            return plain(name, *rest, **named)

        monkeypatch.setattr(builtins, "__import__", without)
        monkeypatch.setattr(type(frame), "to_pandas", lambda _: pytest.fail("needs pyarrow"))
        monkeypatch.setattr(type(frame), "to_arrow", lambda _: pytest.fail("needs pyarrow"))
        assert as_pandas("prices", frame).shape == (len(wide), 4)

    def test_without_narwhals_the_error_says_what_to_install(self, monkeypatch, wide):
        frame = to_polars(wide)
        plain = builtins.__import__

        def without(name, *rest, **named):
            if name.startswith("narwhals"):
                raise ImportError(name)
            return plain(name, *rest, **named)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(InputError, match=r"^prices: got a frame of polars.*pip install 'marketshock\[polars\]'"):
            as_pandas("prices", frame)

    def test_what_is_no_frame_passes_or_is_told(self, wide):
        for thing in (None, [1], "text", wide, ms.snapshot()):
            assert as_pandas("thing", thing) is thing
        with pytest.raises(InputError, match="got a Series of polars; pass a DataFrame"):
            as_pandas("prices", pl.Series([1.0]))
        twice = pa.table([pa.array([1.0]), pa.array([2.0])], names=["A", "A"])
        with pytest.raises(InputError, match="has the column 'A' twice"):
            as_pandas("prices", twice)


class TestEverywhere:
    """Wherever a pandas frame is taken, the others are, with the same result."""

    @KINDS
    def test_study(self, wide, expected, other):
        events = other(EVENTS)
        assert_frame_equal(ms.event_study(events, prices=other(wide), model=MODEL).ar, expected)
        returns = wide.pct_change(fill_method=None)
        a, b = (ms.event_study(events, returns=r, model=MODEL).ar for r in (returns, other(returns)))
        assert_frame_equal(a, b)

    @KINDS
    def test_factors(self, wide, other):
        factors = ms.french_factors()[["Mkt-RF", "RF"]]
        a, b = (
            ms.event_study(EVENTS, prices=wide, factors=f, model=ms.CAPM("Mkt-RF", "RF")).ar
            for f in (factors, other(factors))
        )
        assert_frame_equal(a, b)

    @KINDS
    def test_calendar_of_confounders(self, wide, other):
        study = ms.event_study(EVENTS, prices=wide, model=MODEL)
        rows = {"ticker": ["NVDA", "AAPL"], "date": ["2025-01-29", "2025-01-30"], "title": ["Fed", "Q1"]}
        calendar = pd.DataFrame(rows)
        calendar["ticker"] = [None, "AAPL"]
        a, b = study.confounders(calendar), study.confounders(other(calendar))
        assert len(a) == 3
        assert_frame_equal(pd.DataFrame(a), pd.DataFrame(b))

    @KINDS
    def test_traits(self, prices, other):
        events = pd.DataFrame({"ticker": ms.MAGNIFICENT_SEVEN, "date": "2025-01-27"})
        study = ms.event_study(events, prices=prices, model=MODEL)
        traits = pd.DataFrame({"ticker": ms.MAGNIFICENT_SEVEN, "size": [3.0, 1, 4, 1, 5, 9, 2]})
        expected = ms.regress_car(study, traits.set_index("ticker"), 0, 0).table
        assert_frame_equal(ms.regress_car(study, other(traits), 0, 0).table, expected)
        assert_frame_equal(ms.regress_car(study, traits, 0, 0).table, expected)
        with pytest.raises(InputError, match="keep the one by which"):
            ms.regress_car(study, other(traits.assign(event_id="x")))
        with pytest.raises(InputError, match="got a list"):
            ms.regress_car(study, [1.0])

    @KINDS
    def test_share_counts(self, other):
        table = pd.DataFrame({"firm": ["A"], "shares": [1e9], "as_of": ["2024-11-01"], "filed": ["2024-11-20"]})
        a, b = (ms.SharesTable.from_frame(frame).table for frame in (table, other(table)))
        assert_frame_equal(a, b, check_dtype=False)

    def test_specification_curve(self, wide):
        curves = [
            ms.specification_curve(EVENTS, prices=frame, models=[MODEL, ms.ConstantMean()], windows=[(0, 0)])
            for frame in (wide, to_lazy(wide))
        ]
        assert_frame_equal(*(curve.table for curve in curves))

    @pytest.mark.parametrize("name", ["date", "Date", "DATE"])
    def test_a_column_of_dates_is_the_index_in_pandas_too(self, wide, expected, name):
        for frame in (wide.reset_index(names=name), wide.reset_index(names=name)[[*NAMES, name]]):
            assert_frame_equal(ms.event_study(EVENTS, prices=frame, model=MODEL).ar, expected)

    @pytest.mark.parametrize("other", [to_polars, pd.DataFrame])
    def test_without_dates_it_is_refused(self, wide, other):
        with pytest.raises(InputError, match=r"has no column 'date' .*'NVDA'.*make it the index"):
            ms.event_study(EVENTS, prices=other(wide.reset_index(drop=True)), model=MODEL)

    def test_two_sources_of_dates_are_refused(self, wide):
        frame = wide.reset_index()
        with pytest.raises(InputError, match="2 columns of dates"):
            ms.Prices.from_frame(frame.assign(DATE=frame["date"]))
        frame.index = [f"row {i}" for i in range(len(frame))]
        with pytest.raises(InputError, match="a column 'date' and an index of its own"):
            ms.Prices.from_frame(frame)

    def test_unsorted_and_duplicate_dates_raise_in_every_library(self, wide):
        for other in (pd.DataFrame, to_polars, to_arrow):
            with pytest.raises(PriceError, match="not sorted"):
                ms.Prices.from_frame(other(wide.iloc[::-1]))
            with pytest.raises(PriceError, match="more than once"):
                ms.Prices.from_frame(other(wide.iloc[[0, 0, 1]]))

    def test_inputs_are_not_changed(self, wide):
        frame = wide.reset_index(names="Date")
        before = frame.copy()
        ms.Prices.from_frame(frame)
        assert_frame_equal(frame, before)


def two_level(prices, *names: str) -> pd.DataFrame:
    fields = {
        "Close": prices.close[NAMES],
        "Adj Close": prices.adj_close[NAMES],
        "Volume": prices.extra["volume"][NAMES],
    }
    return pd.concat({name: fields[name] for name in names}, axis=1, names=["Price", "Ticker"])


class TestShapes:
    def test_two_levels_in_either_order(self, prices):
        both = two_level(prices, "Close", "Adj Close", "Volume")
        grouped = both.swaplevel(axis=1).sort_index(axis=1)
        for frame in (both, grouped, both.reset_index()):
            made = ms.Prices.from_frame(frame)
            assert_frame_equal(made.close[NAMES], prices.close[NAMES])
            assert_frame_equal(made.adj_close[NAMES], prices.adj_close[NAMES])
            assert_frame_equal(made.extra["volume"][NAMES], prices.extra["volume"][NAMES])
            assert made.provenance["close_is"] == "not dividend-adjusted"
            assert made.provenance["returns_from"] == "adj_close"

    def test_a_level_of_fields_is_one_that_names_close(self, prices):
        with pytest.raises(InputError, match="'Close' in neither level"):
            ms.Prices.from_frame(two_level(prices, "Volume"))
        odd = two_level(prices, "Close").rename(columns={"NVDA": "close"})
        with pytest.raises(InputError, match="'Close' in both levels"):
            ms.Prices.from_frame(odd)
        with pytest.raises(InputError, match="columns of 3 levels"):
            ms.Prices.from_frame(pd.concat({"x": two_level(prices, "Close")}, axis=1))
        with pytest.raises(InputError, match="which are one field"):
            ms.Prices.from_frame(pd.concat([two_level(prices, "Close"), two_level(prices, "Close").rename(
                columns={"Close": "close"})], axis=1))  # fmt: skip

    def test_adjusted_closes_of_yfinance_serve_returns_and_no_market_cap(self, prices):
        """``yf.download`` adjusts by default: its "Close" holds dividends, and there is no "Adj Close"."""
        trap = two_level(prices, "Adj Close", "Volume").rename(columns={"Adj Close": "Close"})
        made = ms.Prices.from_frame(trap)
        assert_frame_equal(made.adj_close, prices.adj_close[NAMES], check_names=False)
        assert made.provenance["close_is"].startswith("presumably dividend-adjusted")
        for adjusted in (made, trap, ms.Prices.from_frame(prices.adj_close[NAMES], adjusted=True)):
            with pytest.raises(PriceError, match=r"a market cap needs them without dividends; .*auto_adjust=False"):
                ms.market_cap_change("2025-01-27", adjusted, tickers=["NVDA"])
        told = ms.Prices.from_frame(two_level(prices, "Close"), adjusted=False)
        change = ms.market_cap_change("2025-01-27", told, tickers=["NVDA"])
        assert change.total["change_usd"] == pytest.approx(-592.7e9, abs=0.05e9)

    def test_adjusted_is_said_once(self, prices, wide):
        assert ms.Prices.from_frame(wide).provenance["close_is"] == "not said"
        assert ms.Prices.from_frame(wide, adjusted=False).provenance["close_is"] == "not dividend-adjusted"
        both = two_level(prices, "Close", "Adj Close")
        with pytest.raises(InputError, match="adjusted: got True, and adjusted closes are there"):
            ms.Prices.from_frame(both, adjusted=True)
        with pytest.raises(InputError, match="give one of the two"):
            ms.Prices.from_frame(both, prices.adj_close[NAMES])
        with pytest.raises(InputError, match="allowed are True, False, None"):
            ms.Prices.from_frame(wide, adjusted="no")

    def test_one_ticker_without_its_name_is_refused(self):
        flat = pd.DataFrame({"Open": [1.0, 2], "High": [2.0, 3], "Close": [1.5, 2.5], "Volume": [10, 20]}, index=DATES)
        for frame in (flat, flat[["Close"]], flat.rename(columns={"Close": "Adj Close"}), to_polars(flat)):
            with pytest.raises(InputError, match="a field and no ticker; keep the one column of prices under the name"):
                ms.Prices.from_frame(frame)
        assert ms.Prices.from_frame(flat[["Close"]].rename(columns={"Close": "NVDA"})).tickers == ["NVDA"]
        assert ms.Prices.from_frame(flat.assign(ticker="NVDA")).tickers == ["NVDA"]
        assert ms.Prices.from_frame(flat[["Open", "High"]].rename(columns={"High": "LOW"})).tickers == ["Open", "LOW"]

    @pytest.mark.parametrize("ticker", ["ticker", "Symbol"])
    @pytest.mark.parametrize("other", [pd.DataFrame, to_polars, to_lazy, to_arrow])
    def test_long(self, ticker, other):
        rows = [
            ("2025-01-27", "B", 2.0, 1.9, 100, "x"),
            ("2025-01-24", "A", 10.0, 9.0, 200, "x"),
            ("2025-01-27", "A", 11.0, None, 300, "x"),
        ]
        long = pd.DataFrame(rows, columns=["Date", ticker, "Close", "Adj Close", "Volume", "venue"])
        made = ms.Prices.from_frame(other(long))
        index = pd.DatetimeIndex(DATES.astype("datetime64[ns]"), name="date")
        assert_frame_equal(made.close, pd.DataFrame({"B": [np.nan, 2.0], "A": [10.0, 11.0]}, index=index))
        assert_frame_equal(made.adj_close, pd.DataFrame({"B": [np.nan, 1.9], "A": [9.0, np.nan]}, index=index))
        assert_frame_equal(made.extra["volume"], pd.DataFrame({"B": [np.nan, 100.0], "A": [200.0, 300.0]}, index=index))
        assert made.provenance["not_read"] == ("venue",)

    @pytest.mark.parametrize("other", [pd.DataFrame, to_polars, to_arrow])
    def test_currencies_of_a_long_frame(self, other):
        rows = [("2025-01-24", "A", 10.0, "USD"), ("2025-01-27", "A", 11.0, "USD"), ("2025-01-27", "B", 9.0, "EUR")]
        long = pd.DataFrame(rows, columns=["date", "ticker", "close", "Currency"])
        made = ms.Prices.from_frame(other(long))
        assert made.provenance["currency"] == {"A": "USD", "B": "EUR"}
        assert "not_read" not in made.provenance
        long.loc[1, "Currency"] = "CAD"
        with pytest.raises(InputError, match="A is quoted in USD and CAD"):
            ms.Prices.from_frame(other(long))

    def test_dividends_of_a_long_frame_are_in_total_returns(self):
        rows = [("2025-01-24", "A", 10.0, 0.0), ("2025-01-27", "A", 9.0, 1.0), ("2025-01-28", "A", 9.9, 0.0)]
        made = ms.Prices.from_frame(pd.DataFrame(rows, columns=["date", "ticker", "close", "dividend"]))
        assert made.adj_close["A"].pct_change().tolist()[1:] == pytest.approx([0.0, 0.1])
        assert made.close["A"].tolist() == [10.0, 9.0, 9.9]
        assert made.provenance["returns_from"] == "close and dividend"

    @pytest.mark.parametrize("other", [pd.DataFrame, to_polars, to_arrow])
    def test_splits_of_a_long_frame(self, other):
        rows = [("2025-01-24", "A", 10.0, 0, 0.1), ("2025-01-27", "A", 11.0, 1.5, 0), ("2025-01-27", "B", 9.0, None, 0)]
        made = ms.Prices.from_frame(other(pd.DataFrame(rows, columns=["date", "ticker", "close", "split", "dividend"])))
        assert made.splits.to_dict("records") == [{"ticker": "A", "date": DATES[1], "ratio": 1.5}]
        assert made.provenance["splits_since"] == {"A": "2025-01-24", "B": "2025-01-27"}
        assert made.provenance["splits_until"] == "2025-01-27"
        assert list(made.extra) == ["dividend"]
        assert made.extra["dividend"].loc[DATES[0], "A"] == 0.1
        assert "not_read" not in made.provenance

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"split": [0, -2.0]}, "the split of A on 2025-01-27 is negative: -2; correct it, or set it to 0"),
            ({"split": ["", "2:1"]}, "column 'split' holds text"),
            ({"split": [0, np.inf]}, "is infinite"),
            ({"split": 0, "Stock Splits": 0}, "which are one field"),
        ],
    )
    def test_faults_of_splits(self, change, message):
        good = {"date": ["2025-01-24", "2025-01-27"], "ticker": "A", "close": [1.0, 2.0]}
        with pytest.raises(InputError, match=message):
            ms.Prices.from_frame(pd.DataFrame({**good, **change}))

    def test_splits_of_yfinance(self, prices, tmp_path):
        """As ``yf.download(..., actions=True)`` gives them: 0.0 on days without; in a file too."""
        both = two_level(prices, "Close", "Adj Close")
        none = prices.close[NAMES] * 0
        split = none.copy()
        split.loc["2024-06-10", "NVDA"] = 10
        more = pd.concat({"Dividends": none, "Stock Splits": split}, axis=1, names=["Price", "Ticker"])
        frame = pd.concat([both, more], axis=1)
        frame.to_csv(tmp_path / "p.csv")
        for made in (ms.Prices.from_frame(frame), ms.read_prices(tmp_path / "p.csv")):
            assert made.splits.to_dict("records") == [
                {"ticker": "NVDA", "date": pd.Timestamp("2024-06-10"), "ratio": 10.0}
            ]
            said = made.provenance
            assert (said["splits_since"], said["splits_until"]) == ("2022-12-30", "2025-03-31")
            assert list(made.extra) == ["dividend"]
            change = ms.market_cap_change("2025-01-27", made, tickers=["NVDA"])
            assert change.note.startswith("splits are known until 2025-03-31")
        some = frame.drop(columns=("Stock Splits", "AAPL"))
        with pytest.raises(InputError, match="AAPL has a column of splits or of closes, and not of both; give both"):
            ms.Prices.from_frame(some)

    def test_figures_written_by_fetch_are_read_with_their_splits(self, prices, tmp_path):
        _, long = long_frame(prices)
        assert len(long) == prices.close.size
        long.to_csv(tmp_path / "p.csv", index=False)
        long.to_parquet(tmp_path / "p.parquet")
        for name in ("p.csv", "p.parquet"):
            made = ms.read_prices(tmp_path / name)
            assert set(made.extra) == set(prices.extra)
            assert made.splits.sort_values("date").to_dict("records") == prices.splits.to_dict("records")
            assert_frame_equal(made.close[prices.tickers], prices.close)
        nothing = dataclasses.replace(prices, splits=prices.splits[:0])
        assert (long_frame(nothing)[1]["split"] == 0).all()
        assert "split" not in long_frame(dataclasses.replace(prices, splits=None))[1]

    def test_rows_without_any_figure_get_no_split(self, prices):
        """IBM trades on no day of June, NVIDIA not on the day of its split, which is kept."""
        close = prices.close[["NVDA", "IBM"]].copy()
        close.loc["2024-06", "IBM"] = np.nan
        close.loc["2024-06-10", "NVDA"] = np.nan
        long = long_frame(dataclasses.replace(ms.Prices.from_frame(close), splits=prices.splits))[1]
        assert len(long) == close.size - 19
        assert list(long.loc[long["close"].isna(), "split"]) == [10.0]
        assert long.loc[long["close"].notna(), "split"].eq(0).all()

    def test_long_by_its_index(self, prices):
        stacked = two_level(prices, "Close", "Adj Close").stack(level=1, future_stack=True)  # noqa: PD013
        made = ms.Prices.from_frame(stacked)
        assert_frame_equal(made.close, prices.close[NAMES])
        stacked.index.names = [None, None]
        with pytest.raises(InputError, match="several levels without names"):
            ms.Prices.from_frame(stacked)

    def test_long_times_are_of_their_own_zone(self):
        at = pd.to_datetime(["2025-01-24 23:00", "2025-01-27 23:00"]).tz_localize("America/New_York")
        made = ms.Prices.from_frame(pd.DataFrame({"date": at, "ticker": "A", "close": [1.0, 2.0]}))
        assert list(made.dates) == list(DATES)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"date": "2025-01-24"}, "2025-01-24 stands there more than once for A"),
            ({"date": ["2025-01-24", "2025-01-24T16:00"]}, "2025-01-24 stands there more than once for A"),
            ({"date": ["2025-01-24", None]}, "row 1 has no date"),
            ({"date": ["2025-01-24", "soon"]}, "'soon' is no date"),
            ({"date": [20250124, 20250127]}, "dates are numbers"),
            ({"date": ["2025-01-24", "0001-01-01"]}, r"0001-01-01.? is (not between 1800 and 2200|no date)"),
            ({"ticker": ["A", None]}, "row 1 has no ticker"),
            ({"ticker": ["A", " "]}, "row 1 has no ticker"),
            ({"close": ["1", "n.a."]}, "column 'close' holds text"),
            ({"close": [1.0, np.inf]}, "is infinite"),
            ({"close": [1.0, -2.0]}, "A on 2025-01-27 is not positive"),
            ({"close": [True, False]}, "holds true and false"),
            ({"symbol": "A"}, "2 columns of tickers"),
            ({"price": 1.0}, "which are one field"),
        ],
    )
    def test_faults_of_long_frames(self, change, message):
        good = {"date": ["2025-01-24", "2025-01-27"], "ticker": "A", "close": [1.0, 2.0]}
        ms.Prices.from_frame(pd.DataFrame(good))
        with pytest.raises(InputError, match=message):
            ms.Prices.from_frame(pd.DataFrame({**good, **change}))

    def test_long_without_a_price_says_so(self):
        frame = pd.DataFrame({"date": ["2025-01-24"], "ticker": ["A"], "prc": [-1.0]})
        with pytest.raises(InputError, match=r"without a column of prices; name it 'close' .*read_crsp"):
            ms.Prices.from_frame(frame)

    def test_long_adjusted_closes_alone(self):
        frame = pd.DataFrame({"date": DATES, "ticker": "A", "adj_close": [1.0, 2.0]})
        made = ms.Prices.from_frame(frame)
        assert made.provenance["close_is"] == "dividend-adjusted"
        assert_frame_equal(made.close, made.adj_close)

    def test_long_returns(self, wide, expected):
        returns = wide.pct_change(fill_method=None)
        long = returns.reset_index(names="date").melt("date", var_name="symbol", value_name="RET")
        assert_frame_equal(ms.event_study(EVENTS, returns=long, model=MODEL).ar, expected)
        with pytest.raises(InputError, match="a long table with 0 columns of returns"):
            ms.event_study(EVENTS, returns=long.rename(columns={"RET": "x"}), model=MODEL)

    def test_prices_are_no_returns(self, prices):
        with pytest.raises(InputError, match="has two-level columns, as prices have"):
            ms.event_study(EVENTS, returns=two_level(prices, "Close"), model=MODEL)

    def test_years_beyond_nanoseconds_are_refused_not_wrapped(self):
        for year in (1, 1700, 2300, 9999):
            frame = pd.DataFrame({"A": [1.0]}, index=[dt.date(year, 1, 2)])
            with pytest.raises(PriceError, match=r"not between 1800 and 2200|is no date"):
                ms.Prices.from_frame(frame)


class TestFiles:
    """The same numbers from every kind of file, to the last digit."""

    def wide_file(self, folder, frame, suffix):
        path = folder / f"prices{suffix}"
        if suffix == ".csv":
            frame.to_csv(path)
        elif suffix in (".parquet", ".pq"):
            frame.to_parquet(path)
        elif suffix == ".feather":
            frame.reset_index().to_feather(path)
        else:
            to_polars(frame).write_ipc(path)
        return path

    @pytest.mark.parametrize("suffix", [".csv", ".parquet", ".pq", ".feather", ".arrow", ".ipc"])
    def test_wide(self, wide, tmp_path, suffix):
        made = ms.read_prices(self.wide_file(tmp_path, wide, suffix), adjusted=True)
        assert_frame_equal(made.close, wide)
        assert made.provenance["source"] == f"prices{suffix}"
        assert made.provenance["close_is"] == "dividend-adjusted"
        returns = wide.pct_change(fill_method=None)
        assert_frame_equal(ms.read_returns(self.wide_file(tmp_path, returns, suffix)), returns)

    @pytest.mark.parametrize("swapped", [False, True])
    @pytest.mark.parametrize("names", [["Price", "Ticker"], [None, None]])
    def test_the_two_header_rows_of_yfinance(self, prices, tmp_path, swapped, names):
        both = two_level(prices, "Close", "Adj Close", "Volume").rename_axis(columns=names, index="Date")
        both.iloc[3, 1] = np.nan
        frame = both.swaplevel(axis=1) if swapped else both
        frame.to_csv(tmp_path / "yf.csv")
        made = ms.read_prices(tmp_path / "yf.csv")
        assert_frame_equal(made.close[NAMES], both["Close"], check_names=False)
        assert_frame_equal(made.adj_close[NAMES], prices.adj_close[NAMES])
        frame.to_parquet(tmp_path / "yf.parquet")
        assert_frame_equal(ms.read_prices(tmp_path / "yf.parquet").close[NAMES], made.close[NAMES])
        with pytest.raises(InputError, match="has two-level columns, as prices have"):
            ms.read_returns(tmp_path / "yf.csv")

    def test_one_ticker_of_yfinance_needs_its_name(self, tmp_path):
        (tmp_path / "nvda.csv").write_text("Date,Open,High,Low,Close,Volume\n2025-01-27,1,2,1,2,10\n")
        with pytest.raises(InputError, match=r"nvda.csv: has a column 'Close', which is a field .*a column \"ticker\""):
            ms.read_prices(tmp_path / "nvda.csv")

    def test_long(self, tmp_path):
        rows = ("TRUE,2025-01-24,1.1,1", "NA,2025-01-24,2,2", "TRUE,2025-01-27,3,3", "0005,2025-01-27,4,.")
        (tmp_path / "long.csv").write_text("\n".join(["symbol,date,close,adj close", *rows]))
        made = ms.read_prices(tmp_path / "long.csv")
        assert made.tickers == ["TRUE", "NA", "0005"]
        np.testing.assert_array_equal(made.close, [[1.1, 2, np.nan], [3, np.nan, 4]])
        np.testing.assert_array_equal(made.adj_close, [[1, 2, np.nan], [3, np.nan, np.nan]])

    @pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_marks_and_line_ends(self, tmp_path, head, end):
        lines = ["Date,A,B", "2025-01-24,0.1,2", "", '2025-01-27,"3",NaN', ""]
        (tmp_path / "p.csv").write_bytes(head + end.join(lines).encode())
        np.testing.assert_array_equal(ms.read_prices(tmp_path / "p.csv").close, [[0.1, 2], [3, np.nan]])

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("a.csv", b"date;NVDA\n2025-01-27;118,42\n", "fields separated by semicolons; separate them by commas"),
            ("a.csv", b"date\tNVDA\n2025-01-27\t118.42\n", "separated by tabs"),
            (
                "a.csv",
                b"date,A,B\n2025-01-27,1,2\n2025-01-28,1\n",
                r"line 3 has fewer fields .*\(2, not 3\)",
            ),
            (
                "a.csv",
                b"date,A\n2025-01-27,1\n2025-01-28,2,3\n",
                r"line 3 has more fields .*\(3, not 2\)",
            ),
            ("a.csv", b"date,A\n2025-01-27,1\x002\n", "a NUL byte in line 2"),
            ("a.csv", "date,A\n2025-01-27,1\n".encode("utf-16-le"), "a NUL byte in line 1"),
            ("a.csv", "date,A\n2025-01-27,1\n".encode("utf-16"), "is not UTF-8 text"),
            ("a.csv", b'date,A\n2025-01-27,"1\n2025-01-28,2\n', "cannot be read as csv: unexpected end of data"),
            ("a.csv", b"date,A\n2025-01-27," + b"1" * 200_000, "cannot be read as csv: field larger"),
            ("a.csv", b"date,A\n2025-01-27,1e999\n", r"is infinite|holds text"),
            ("a.csv", b"date,A\n27/01/2025,1\n", "'27/01/2025' is no date"),
            ("a.csv", b"date,A\n2025-01-27,1\n28/01/2025,1\n", "'28/01/2025' is no date"),
            ("a.csv", b"date,A\n2025-01-27,1\n,2\n", "no date"),
            ("a.csv", b"date,A\n2025-01-24,1\n2025-01-27 foo,2\n", "'2025-01-27 foo' is no date; write dates as"),
            ("a.csv", b"date,A\n2025-01-24,1\n2025-01-27T99:00,2\n", "'2025-01-27T99:00' is no date"),
            ("a.csv", b"date,ticker,close\n2025-01-27 foo,A,2\n", "'2025-01-27 foo' is no date"),
            ("a.csv", b"date,A,\n2025-01-27,1,\n", "column 3 has no name"),
            ("a.csv", b",A\n2025-01-27,1\n", "column 1 has no name"),
            ("a.csv", b"", "is empty"),
            ("a.csv", b"\n\n", "is empty"),
            ("a.parquet", b"PAR1 nothing", "cannot be read as parquet"),
            ("a.feather", b"nothing", "cannot be read as feather"),
            ("a.xlsx", b"PK", "unknown kind of file '.xlsx'; give one of .csv"),
        ],
    )
    def test_faults(self, tmp_path, name, content, message):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message) as caught:
            ms.read_prices(tmp_path / name)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "time",
        ["", "T01:00:00Z", " 01:00", " 23:59:59.999999", " 16:00:00-05:00", "T16:00+0900", " 16:00:00 +00", "T00:00Z"],
    )
    def test_a_time_of_day_leaves_the_date_of_its_own_zone(self, tmp_path, time):
        """One hour past midnight in London is still the day before in New York: the date that is written counts."""
        (tmp_path / "p.csv").write_text(f"date,A\n2025-01-27{time},1\n2025-01-28{time},2\n")
        assert list(ms.read_prices(tmp_path / "p.csv").dates) == [*pd.to_datetime(["2025-01-27", "2025-01-28"])]

    def test_what_is_no_file(self, tmp_path):
        for path in (tmp_path / "none.csv", "x" * 5000 + ".csv", "a\0b.csv"):
            with pytest.raises(InputError, match="no such file"):
                ms.read_prices(path)
        (tmp_path / "folder.csv").mkdir()
        with pytest.raises(InputError, match="is a folder"):
            ms.read_prices(tmp_path / "folder.csv")

    def test_a_gigantic_file_is_refused_before_it_is_read(self, tmp_path):
        with (tmp_path / "big.csv").open("wb") as file:
            file.truncate(5 * 2**30)
        with pytest.raises(InputError, match=r"has 5\.0 GB, and at most 1 GB is read; .*pass the frame"):
            ms.read_prices(tmp_path / "big.csv")

    def test_an_unreadable_file_is_told(self, tmp_path, monkeypatch):
        (tmp_path / "p.csv").write_text("date,A\n2025-01-27,1\n")

        def refused(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("marketshock._files.reading.os.open", refused)
        with pytest.raises(InputError, match=r"p\.csv: cannot be read as csv: .*Permission denied"):
            ms.read_prices(tmp_path / "p.csv")

    def test_without_pyarrow_the_error_says_what_to_install(self, tmp_path, monkeypatch):
        (tmp_path / "p.parquet").write_bytes(b"PAR1")

        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(InputError, match=r"Parquet needs pyarrow; pip install 'marketshock\[parquet\]'"):
            ms.read_prices(tmp_path / "p.parquet")
