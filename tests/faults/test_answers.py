"""Answers of Yahoo that are wrong in one place: each is refused or named, and no other symbol suffers."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import BadData, InputError, NoData, OfflineMiss, PriceError, Unavailable
from marketshock.providers.bars import FIELDS, Bars
from marketshock.providers.fetch import fetch_prices

from .vendor import END, START, fetch, fresh_yfinance, session_of

AT = 5  # the bar that is changed: 10 January 2025


@pytest.fixture(autouse=True, scope="module")
def _yfinance():
    with fresh_yfinance():
        yield


def with_value(field: str, value: object):
    """Return a change of one field of one bar."""

    def change(chart):
        at = chart["timestamp"][AT]
        if field == "adjclose":
            chart["indicators"]["adjclose"][0]["adjclose"][AT] = value
        elif field == "dividend":
            chart.setdefault("events", {})["dividends"] = {str(at): {"amount": value, "date": at}}
        elif field == "split":
            above, below = value
            split = {"date": at, "numerator": above, "denominator": below, "splitRatio": "x"}
            chart.setdefault("events", {})["splits"] = {str(at): split}
        else:
            chart["indicators"]["quote"][0][field][AT] = value

    return change


def scaled(field: str, factor: float):
    def change(chart):
        chart["indicators"]["quote"][0][field][AT] *= factor

    return change


def with_meta(**values):
    return lambda chart: chart["meta"].update(values)


def written(change, token: str):
    """Return a change that writes a token as JSON numbers are written, where `change` put "@@"."""

    def send(chart):
        change(chart)
        body = {"chart": {"result": [chart], "error": None}}
        return json.dumps(body).replace('"@@"', token).encode()

    return send


@functools.cache
def clean() -> ms.Prices:
    return fetch(session_of({}), ["NVDA"])[0]


def failed(change, tmp_path) -> str:
    """Return the error of NVDA, asked beside a good symbol, which is there; of NVDA nothing is in the cache."""
    changes = {"NVDA": change}
    session = session_of(changes)
    prices, warned = fetch(session, ["NVDA", "S01"], tmp_path)
    assert prices.tickers == ["S01"]
    assert [w for w in warned if "NVDA" in w]
    changes.clear()
    again, _ = fetch(session, ["NVDA"], tmp_path)
    pd.testing.assert_frame_equal(again.close, clean().close)
    pd.testing.assert_frame_equal(again.extra["high"], clean().extra["high"])
    return prices.provenance["failed"]["NVDA"]


class TestFigures:
    @pytest.mark.parametrize(
        ("field", "token"),
        [
            *((field, "Infinity") for field in ("open", "high", "low", "close", "volume", "adjclose", "dividend")),
            *(("close", "-Infinity"), ("open", "-Infinity"), ("high", "1e400")),
        ],
    )
    def test_infinity_is_refused_and_never_kept(self, tmp_path, field, token):
        told = failed(written(with_value(field, "@@"), token), tmp_path)
        # volumes are whole numbers for yfinance, which fails before the checks
        assert "[not_finite]" in told or field == "volume"

    @pytest.mark.parametrize("ratio", [(4, 0), (1e308, 1e-308), (-4, 1), (0, 1), (None, 1), ("4", 1)])
    def test_a_split_has_a_finite_positive_ratio(self, tmp_path, ratio):
        told = failed(with_value("split", ratio), tmp_path)
        assert "split without a positive ratio" in told or isinstance(ratio[0], (str, type(None)))

    @pytest.mark.parametrize("amount", [-3.0, None, "3", "three", [3], True])
    def test_a_dividend_is_a_number_that_is_not_negative(self, tmp_path, amount):
        failed(with_value("dividend", amount), tmp_path)

    @pytest.mark.parametrize(
        "change", [scaled("high", 100), scaled("low", 0.01), scaled("high", 6), scaled("open", 0.3)]
    )
    def test_a_wild_high_or_low_or_open_is_refused(self, tmp_path, change):
        assert "on 2025-01-10" in failed(change, tmp_path)

    @pytest.mark.parametrize("change", [scaled("high", 2.5), scaled("low", 0.4)])
    def test_a_high_or_low_that_may_be_is_warned_of(self, change):
        _, warned = fetch(session_of({"NVDA": change}), ["NVDA"])
        assert "against open and close on 2025-01-10 [spike]" in warned[0]

    def test_negative_volume_is_missing(self):
        prices, warned = fetch(session_of({"NVDA": with_value("volume", -1)}), ["NVDA"])
        assert "volume negative, or too large to be one, taken as missing on 2025-01-10" in warned[0]
        assert np.isnan(prices.extra["volume"].loc["2025-01-10", "NVDA"])

    def test_closes_that_are_all_missing_are_not_remembered(self, tmp_path):
        def change(chart):
            quote = chart["indicators"]["quote"][0]
            quote["close"] = [None] * len(quote["close"])

        assert "bars, none with a close" in failed(change, tmp_path)

    def test_what_is_tolerated_is_missing(self):
        change = written(with_value("high", "@@"), "Infinity")
        prices, _ = fetch(session_of({"NVDA": change}), ["NVDA"], tolerate=["not_finite"])
        assert np.isnan(prices.extra["high"].loc["2025-01-10", "NVDA"])


class TestAdjustedClose:
    @pytest.mark.parametrize("value", [None, 0.0, -1.0])
    def test_none_is_named(self, value):
        def change(chart):
            sent = chart["indicators"]["adjclose"][0]
            sent["adjclose"] = [value] * len(sent["adjclose"])

        _, warned = fetch(session_of({"NVDA": change}), ["NVDA"])
        assert warned == ["NVDA: no adjusted close was sent: the dividends are not compared with it [unadjusted]"]

    def test_a_column_that_is_not_there_is_named(self):
        def change(chart):
            del chart["indicators"]["adjclose"]

        _, warned = fetch(session_of({"NVDA": change}), ["NVDA"])
        assert "no adjusted close was sent" in warned[0]

    def test_days_without_one_are_named(self):
        _, warned = fetch(session_of({"NVDA": with_value("adjclose", None)}), ["NVDA"])
        assert warned == ["NVDA: no adjusted close was sent on 2025-01-10 [unadjusted]"]


class TestQuestionAndAnswer:
    def test_another_symbol(self, tmp_path):
        told = failed(with_meta(symbol="AAPL"), tmp_path)
        assert "the answer is of AAPL, and not of NVDA [other_symbol]" in told

    def test_the_same_in_another_case(self):
        assert fetch(session_of({"NVDA": with_meta(symbol="nvda")}), ["NVDA"])[1] == []

    def test_no_symbol(self):
        assert "names no symbol" in fetch(session_of({"NVDA": with_meta(symbol=None)}), ["NVDA"])[1][0]

    def test_times_out_of_order(self, tmp_path):
        assert "[order]" in failed(lambda chart: chart["timestamp"].reverse(), tmp_path)

    def test_bars_of_other_days(self):
        def change(chart):
            chart["timestamp"][0] -= 400 * 86400

        _, warned = fetch(session_of({"NVDA": change}), ["NVDA"])
        assert "1 bars of days that were not asked for left out" in warned[0]
        assert "[absent]" in warned[0]

    def test_a_first_trade_in_the_future_does_not_hide_absent_days(self):
        def change(chart):
            chart["meta"]["firstTradeDate"] = 4102444800
            for values in (chart["timestamp"], *chart["indicators"]["quote"][0].values()):
                del values[AT]
            del chart["indicators"]["adjclose"][0]["adjclose"][AT]

        assert "no bar on a session on 2025-01-10" in fetch(session_of({"NVDA": change}), ["NVDA"])[1][0]


class TestMetadata:
    @pytest.mark.parametrize(
        "values",
        [
            {"currency": ["a"]},
            {"currency": {"a": 1}},
            {"currency": "U\x00D"},
            {"exchangeTimezoneName": 5},
            {"exchangeTimezoneName": "Mars/Olympus"},
            {"exchangeTimezoneName": "../../etc/passwd"},
            {"firstTradeDate": float("nan")},
            {"firstTradeDate": -(10**12)},
            {"firstTradeDate": "x"},
            {"currentTradingPeriod": "x"},
            {"currentTradingPeriod": {"regular": {"start": 0, "end": True}}},
            {"instrumentType": [1]},
            {"dataGranularity": {}},
        ],
        ids=str,
    )
    def test_each_is_of_its_kind(self, tmp_path, values):
        assert "BadData" not in failed(with_meta(**values), tmp_path)


NONSENSE = {
    **{text: text.encode() for text in ("null", "[]", "7", "true", '"hi"', "{}", '{"chart":null}', "[" * 100_000)},
    "a page": b"<!doctype html><p>We value your privacy",
    "nothing": b"",
}


class TestNonsense:
    @pytest.mark.parametrize("body", NONSENSE.values(), ids=[name[:20] for name in NONSENSE])
    def test_it_is_named_and_not_remembered(self, tmp_path, body):
        changes = {"NVDA": lambda _: body}
        session = session_of(changes)
        with pytest.raises(Unavailable, match=r"that is no chart|a page instead of figures|cut off or no JSON"):
            fetch(session, "NVDA", tmp_path)
        with pytest.raises(OfflineMiss):
            fetch(session, "NVDA", tmp_path, offline=True)
        changes.clear()
        assert len(fetch(session, "NVDA", tmp_path)[0].dates) == 20

    def test_a_chart_of_nothing_is_no_delisting(self, tmp_path):
        session = session_of({"NVDA": lambda _: b'{"chart":{"result":null,"error":null}}'})
        with pytest.raises(NoData, match="no price data found") as caught:
            fetch(session, "NVDA", tmp_path)
        assert "delisted" not in caught.value.came


class Made:
    """A source of our own, with whatever bars or errors a test gives it."""

    name, interval, earliest = "made", "1d", dt.date.min

    def __init__(self, answers=()):
        self.answers = dict(answers)

    def asking(self, _bound):
        return contextlib.nullcontext()

    def bars(self, symbol, first, last, _bound):
        answer = self.answers.get(symbol)
        if isinstance(answer, BaseException):
            raise answer
        days = np.arange(np.datetime64(first), np.datetime64(last))
        days = days[np.is_busday(days)]
        values = np.zeros((len(days), len(FIELDS)))
        values[:, :4] = 10.0
        about = {"source": "made", "timezone": "X", "currency": "USD"}
        bars = Bars(symbol, days, days.astype("datetime64[s]"), values, (first, last), about)
        return answer(bars) if answer else bars


def made(answers, names=("A", "BAD", "C"), **more):
    return fetch_prices(Made(answers), list(names), START, END, cache=False, progress=False, **more)


def with_bars(**changes):
    return lambda bars: replace(bars, **{name: change(bars) for name, change in changes.items()})


class TestOneSymbol:
    @pytest.mark.parametrize(
        "answer",
        [
            RecursionError("deep"),
            OverflowError("large"),
            NotImplementedError("not yet"),
            AttributeError("none"),
            PriceError("prices", "bad"),
            MemoryError(),
            with_bars(values=lambda b: np.where(b.values == 10, np.inf, b.values)),
            with_bars(values=lambda b: -b.values),
            with_bars(values=lambda b: b.values[:, :3]),
            with_bars(day=lambda b: b.day[::-1], time=lambda b: b.time[::-1]),
            with_bars(about=lambda b: {**b.about, "currency": ["USD"]}),
            lambda bars: None,
        ],
        ids=lambda answer: type(answer).__name__,
    )
    def test_its_fault_stays_its_own(self, answer):
        with pytest.warns(ms.errors.PartialDataWarning, match="1 missing: BAD: BadData"):
            prices = made({"BAD": answer})
        assert prices.tickers == ["A", "C"]
        with pytest.raises(BadData) as caught:
            made({"BAD": answer}, ["BAD"])
        if isinstance(answer, Exception):
            assert caught.value.__cause__ is answer

    def test_a_wrong_argument_and_an_interruption_are_of_the_call(self):
        for error in (InputError("session", "got 3"), KeyboardInterrupt()):
            with pytest.raises(type(error)):
                made({"BAD": error})

    def test_shares_and_earnings(self, monkeypatch, tmp_path):
        from marketshock.providers import earnings
        from marketshock.providers.collect import Fetching
        from marketshock.providers.yahoo_shares import _share_counts

        class Source(Made):
            def share_counts(self, symbol, first, last, bound):
                if symbol == "BAD":
                    raise TypeError("odd")
                return pd.Series([5e9], index=pd.DatetimeIndex(["2025-01-10"]))

            def earnings(self, symbol, limit, bound):
                if symbol == "BAD":
                    raise TypeError("odd")
                return pd.DataFrame({"EPS Estimate": [1.0]}, pd.DatetimeIndex(["2025-01-10"], tz="America/New_York"))

        with pytest.warns(ms.errors.PartialDataWarning, match="1 missing: BAD: BadData"):
            counts = _share_counts(Source(), ["A", "BAD"], START, END, Fetching(tmp_path, progress=False))
        assert counts.firms == ["A"]
        assert any("BAD" in note for note in counts.notes)
        monkeypatch.setattr(earnings, "Yahoo", lambda **_: Source())
        with pytest.warns(ms.errors.PartialDataWarning, match="1 missing: BAD: BadData"):
            dates = ms.earnings_dates(["A", "BAD"], cache=tmp_path)
        assert list(dates["ticker"]) == ["A"]
        assert list(dates.attrs["failed"]) == ["BAD"]


class TestMany:
    def test_what_is_said_of_400_failures_is_short(self):
        answers = {f"S{k}": NoData(f"S{k}", "bars", "no data found, " * 9, "x") for k in range(399)}
        answers["S399"] = OSError("gone")
        with pytest.warns(ms.errors.PartialDataWarning) as caught:
            made(answers, [*answers, "A"])
        (text,) = [str(w.message) for w in caught]
        assert text.startswith("400 missing: S0: NoData, no data found")
        assert text.endswith("and 395 more (394 NoData, 1 BadData); all are in provenance['failed']")
        assert len(text) < 500

    def test_what_is_said_of_many_currencies_is_short(self):
        def quoted_in(code):
            return with_bars(about=lambda bars: {**bars.about, "currency": code})

        answers = {f"S{k}": quoted_in("USD" if k else "EUR") for k in range(400)}
        with pytest.warns(ms.errors.PriceWarning, match=r"399 in USD \(S1\), 1 in EUR \(S0\)") as caught:
            made(answers, answers)
        assert len(str(caught[0].message)) < 200

    def test_waiting_for_many_answers_is_linear(self, monkeypatch):
        """Each answer is looked at once, however many are still to come."""
        from marketshock.providers import collect

        looked = []
        found = collect._next
        monkeypatch.setattr(collect, "_next", lambda done: looked.append(1) or found(done))
        made({}, [f"S{k}" for k in range(300)])
        assert len(looked) == 300

    def test_a_symbol_that_is_named_twice_is_found_in_one_pass(self):
        from marketshock.errors import twice
        from marketshock.providers.collect import symbols

        class Name(str):
            compared = 0
            __hash__ = str.__hash__

            def __eq__(self, other):
                Name.compared += 1
                return str.__eq__(self, other)

        assert twice([Name(f"S{k}") for k in range(2000)]) is None
        assert Name.compared < 2000
        with pytest.raises(InputError, match="'B' stands there twice"):
            symbols(["A", "B", "C", "b", "a"])

    def test_an_error_on_many_unknown_names_is_short(self):
        error = ms.errors.UnknownNameError("tickers", [f"S{k}" for k in range(4000)], ["NVDA", "AAPL"])
        assert "and 3988 more" in str(error)
        assert len(str(error)) < 300


class TestBacktest:
    """A target or a stop is not filled at a misprint without a word."""

    def prices(self, field: str, factor: float) -> ms.Prices:
        days = pd.bdate_range("2024-06-03", "2025-01-31")
        close = pd.DataFrame({"NVDA": 100 + np.sin(np.arange(len(days))) + 0.01 * np.arange(len(days))}, index=days)
        fields = {"Open": close * 0.999, "High": close * 1.01, "Low": close * 0.99, "Close": close}
        fields[field] = fields[field].copy()
        fields[field].loc["2025-01-10"] *= factor
        return ms.Prices.from_frame(pd.concat(fields, axis=1), adjusted=False)

    @pytest.mark.parametrize(
        ("field", "factor", "option"),
        [("High", 100, {"target": 0.5}), ("Low", 0.01, {"stop": 0.5}), ("Open", 0.1, {"stop": 0.5})],
    )
    def test_a_misprint_is_refused(self, field, factor, option):
        prices = self.prices(field, factor)
        events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-06"]})
        rule = ms.rules.HoldAfter(days=10, **option)
        with pytest.raises(PriceError, match=r"NVDA on 2025-01-10: .* \[extreme\]"):
            ms.backtest(events, prices, rule, calendar="index")
        found = ms.check_prices(prices)
        assert found[["ticker", "rule", "severity"]].to_numpy().tolist() == [["NVDA", "extreme", "refuse"]]

    def test_closes_alone_do_not_need_highs(self):
        prices = self.prices("High", 100)
        events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-06"]})
        result = ms.backtest(events, prices, ms.rules.HoldAfter(days=10, entry="next_close"), calendar="index")
        assert len(result.trades) == 1

    def test_a_high_that_may_be_is_warned_of(self):
        found = ms.check_prices(self.prices("High", 2.5))
        assert found[["rule", "severity"]].to_numpy().tolist() == [["extreme", "warn"]]
