"""Events of any origin brought into one table, and everything that can be wrong with them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.catalog.table import event_table
from marketshock.errors import ChoiceError, InputError, UnknownNameError

SELLOFF = ms.Event("selloff", "a fall", dt.date(2025, 1, 27))
FED = ms.Event("fed", "a decision", dt.datetime(2025, 1, 29, 14, tzinfo=dt.timezone(dt.timedelta(hours=-5))))
IBM = ms.Event("ibm", "results", dt.date(2025, 1, 29), tickers=("IBM",), timing="after_close")


def frame(date, **columns) -> pd.DataFrame:
    return pd.DataFrame({"ticker": ["NVDA"], "date": [date], **columns})


def test_market_wide_event_is_studied_on_each_ticker_and_others_keep_their_own():
    table = event_table([SELLOFF, FED, IBM], ["NVDA", "AAPL"])
    assert list(table.event_id) == ["selloff/NVDA", "selloff/AAPL", "fed/NVDA", "fed/AAPL", "ibm/IBM"]
    assert list(np.isnat(table.utc)) == [True, True, False, False, True]
    assert table.utc[2] == np.datetime64("2025-01-29T19:00")
    assert table.timing[4] == "after_close"


def test_one_ticker_may_be_given_as_text():
    assert list(event_table(SELLOFF, "NVDA").event_id) == ["selloff/NVDA"]


def test_market_wide_event_needs_tickers():
    with pytest.raises(InputError, match="'selloff' is market-wide"):
        event_table(SELLOFF, None)


@pytest.mark.parametrize("events", [[], "2025-01-27", None, [SELLOFF, "x"]])
def test_not_events(events):
    with pytest.raises((InputError, TypeError)):
        event_table(events, ["NVDA"])


@pytest.mark.parametrize(
    "date",
    [
        "2025-01-27",
        dt.date(2025, 1, 27),
        dt.datetime(2025, 1, 27),
        pd.Timestamp("2025-01-27"),
        np.datetime64("2025-01-27"),
    ],
)
def test_every_way_to_write_a_date(date):
    table = event_table(frame(date), None)
    assert table.given[0] == np.datetime64("2025-01-27")
    assert np.isnat(table.utc[0])
    assert table.event_id[0] == "NVDA@2025-01-27"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_datetime_columns_of_every_resolution(unit):
    column = pd.Series(pd.to_datetime(["2025-01-27"])).astype(f"datetime64[{unit}]")
    table = event_table(pd.DataFrame({"ticker": ["NVDA"], "date": column}), None)
    assert table.given[0] == np.datetime64("2025-01-27")
    zoned = column.dt.tz_localize("America/New_York")
    table = event_table(pd.DataFrame({"ticker": ["NVDA"], "date": zoned}), None)
    assert table.utc[0] == np.datetime64("2025-01-27T05:00")


def test_zoned_text_and_mixed_columns():
    dates = ["2025-01-27", "2025-01-29T14:00:00-05:00", dt.date(2025, 2, 3)]
    table = event_table(pd.DataFrame({"ticker": "NVDA", "date": dates}), None)
    assert list(np.isnat(table.utc)) == [True, False, True]
    assert str(table.given[1]) == "2025-01-29"


@pytest.mark.parametrize(
    ("date", "message"),
    [
        (20250127, "dates are numbers"),
        (1737936000.0, "dates are numbers"),
        ("27/01/2025", "is no date"),
        ("2025-02-30", "a date that is none"),
        ("yesterday", "is no date"),
        ("", "row 0 has no date"),
        ("2025-01", "is no date"),
        ("9999-12-31T00:00:00Z", "is no date"),
        (None, "row 0 has no date"),
        ("2025-01-27 14:00", "has no time zone"),
        (pd.Timestamp("2025-01-27 14:00"), "has no time zone"),
    ],
)
def test_what_is_no_date_is_refused_in_a_sentence(date, message):
    with pytest.raises(InputError, match=message):
        event_table(frame(date), None)


def test_frame_faults():
    with pytest.raises(UnknownNameError, match="column 'date'"):
        event_table(pd.DataFrame({"ticker": ["NVDA"], "day": ["2025-01-27"]}), None)
    with pytest.raises(InputError, match="no rows"):
        event_table(frame("2025-01-27").iloc[:0], None)
    with pytest.raises(InputError, match="row 0 has no ticker"):
        event_table(frame("2025-01-27").assign(ticker=None), None)
    with pytest.raises(InputError, match="no column 'ticker'"):
        event_table(frame("2025-01-27").drop(columns="ticker"), None)
    with pytest.raises(ChoiceError, match="allowed are"):
        event_table(frame("2025-01-27", timing="evening"), None)
    with pytest.raises(InputError, match="'x' occurs more than once"):
        event_table(pd.concat([frame("2025-01-27", event_id="x"), frame("2025-02-03", event_id="x")]), None)


def test_frame_without_tickers_is_crossed_with_them():
    dates = pd.DataFrame({"date": ["2025-01-27", "2025-02-03"]})
    table = event_table(dates, ["NVDA", "AAPL"])
    assert list(table.event_id) == ["2025-01-27/NVDA", "2025-01-27/AAPL", "2025-02-03/NVDA", "2025-02-03/AAPL"]
    assert list(table.event) == ["2025-01-27", "2025-01-27", "2025-02-03", "2025-02-03"]


def test_automatic_ids_of_repeated_events_stay_unique():
    table = event_table(pd.concat([frame("2025-01-27")] * 2), None)
    assert list(table.event_id) == ["NVDA@2025-01-27", "NVDA@2025-01-27#2"]


def test_input_is_not_changed():
    given = frame("2025-01-27", group="a")
    before = given.copy(deep=True)
    event_table(given, None)
    pd.testing.assert_frame_equal(given, before)


def test_column_names_are_read_in_upper_or_lower_case():
    given = pd.DataFrame({"Ticker": ["NVDA"], "Date": ["2025-01-27"], "Timing": ["after_close"], "company": ["x"]})
    assert event_table(given, ["AAPL"]).ticker[0] == "NVDA"
    assert event_table(given, None).timing[0] == "after_close"


@pytest.mark.parametrize(("column", "meant"), [("timng", "timing"), ("symbol", "ticker"), ("eventid", "event_id")])
def test_a_column_that_is_nearly_one_of_ours_is_not_ignored(column, meant):
    given = pd.DataFrame({"date": ["2025-01-27"], column: ["x"]})
    with pytest.raises(InputError, match=f"column '{column}' is not read; name it '{meant}'"):
        event_table(given, ["NVDA"])


def test_a_timestamp_leaves_no_room_for_a_timing():
    with pytest.raises(InputError, match="row 0 has a timestamp and timing"):
        event_table(frame("2025-01-27T10:00:00-05:00", timing="after_close"), None)


def test_a_catalog_is_a_list_of_events():
    catalog = ms.load_catalog()
    assert len(event_table(catalog, "NVDA")) == len(catalog)


def test_one_ticker_of_an_event_as_text():
    assert ms.Event("x", "t", dt.date(2025, 1, 27), tickers="NVDA").tickers == ("NVDA",)


def test_foreign_frames_are_told_how():
    class Foreign:
        def to_pandas(self):
            raise NotImplementedError

    with pytest.raises(InputError, match=r"events.to_pandas\(\)"):
        event_table(Foreign(), None)
