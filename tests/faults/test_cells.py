"""Cells of frames that are no numbers and no names: each is refused with one sentence that says where."""

from __future__ import annotations

import decimal
import signal

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError, PriceError
from marketshock.report.fetched import fetched_table
from marketshock.simulate import _mapped

DAYS = pd.bdate_range("2024-01-01", periods=20, name="date")
CLOSES = pd.DataFrame({"A": np.linspace(100, 120, 20), "B": 50.0}, index=DAYS)
EVENTS = pd.DataFrame({"ticker": ["A", "B"], "date": [DAYS[15], DAYS[16]]})


class TestPrices:
    @pytest.mark.parametrize("read", [ms.Prices.from_frame, ms.check_prices, ms.fragility])
    @pytest.mark.parametrize(
        ("cell", "what"),
        [
            (np.ones(3), "holds what is no number"),
            (CLOSES, "holds what is no number"),
            ([1.0], "holds what is no number"),
            (decimal.Decimal("sNaN"), "a decimal that signals"),
            (b"1.5", r"column 'A' holds text \(b'1.5'"),
        ],
    )
    def test_cells_that_are_no_numbers(self, read, cell, what):
        frame = CLOSES.astype(object)
        frame["A"] = pd.Series([cell] * len(DAYS), index=DAYS, dtype=object)
        with pytest.raises(PriceError, match=what):
            read(frame)

    @pytest.mark.parametrize("kind", [object, float])
    def test_an_infinite_price_among_objects_is_a_finding(self, kind):
        frame = CLOSES.copy()
        frame.iloc[3, 0] = np.inf
        found = ms.check_prices(frame.astype(kind))
        assert found.loc[found["rule"] == "infinite", "ticker"].tolist() == ["A"]


class TestEvents:
    @pytest.mark.parametrize("column", ["ticker", "date", "market", "benchmark", "calendar"])
    @pytest.mark.parametrize("many", [["A"], {"a": 1}, {"A"}, CLOSES, np.ones(2), ("A", ["B"])])
    def test_a_field_of_many_values(self, column, many):
        given = EVENTS.assign(**{column: pd.Series(["A", many], dtype=object)})
        with pytest.raises(InputError, match=rf"column '{column}' holds a \w+ in row 1; give one value a row"):
            ms.event_study(given, prices=CLOSES, model=ms.ConstantMean())

    def test_half_of_a_character_in_a_date(self):
        given = EVENTS.assign(date=pd.Series(["\ud800", "2024-01-22"], dtype=object))
        with pytest.raises(InputError, match=r"column 'date' has half of a character \(U\+D800\) in row 0"):
            ms.event_study(given, prices=CLOSES, model=ms.ConstantMean())

    @pytest.mark.parametrize("column", ["window_first", "estimation_last"])
    def test_days_that_no_float_holds(self, column):
        given = EVENTS.assign(**{column: pd.Series([10**400, 1], dtype=object)})
        with pytest.raises(InputError, match="give whole numbers, trading days relative to day 0"):
            ms.event_study(given, prices=CLOSES, model=ms.ConstantMean())


def test_a_source_that_knows_no_currency():
    about = {"first": "2024-01-01", "last": "2024-01-02", "rows": 2}
    text = fetched_table({"tickers": {"A": about}, "failed": {}, "source": "mine", "asked": "2024"})
    assert "2024-01-02" in text
    assert "None" not in text


def test_a_path_with_backslashes_is_a_file():
    with pytest.raises(InputError, match="there is no such file"):
        ms.sec_share_counts("C:\\facts\\nvda", "NVDA")


def _handler(_: object) -> object:
    return signal.getsignal(signal.SIGINT)


def test_workers_of_simulate_are_interrupted_without_words():
    assert list(_mapped(_handler, [(0, 1), (1, 1)], 2, None)) == [signal.SIG_DFL] * 2
