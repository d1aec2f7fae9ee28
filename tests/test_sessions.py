"""Sessions against exchange_calendars, and hand-checked timestamps."""

from __future__ import annotations

import datetime as dt
import warnings

import exchange_calendars as xc
import numpy as np
import pandas as pd
import pytest

from marketshock.errors import InputError, NotSessionError
from marketshock.sessions import (
    AFTER_CLOSE,
    CLOSED_NEXT,
    CLOSED_PREVIOUS,
    DROPPED,
    OUTSIDE,
    SAME_DAY,
    day_named,
    index_sessions,
    map_dates,
    map_timestamps,
    nearest_sessions,
    nyse,
    places,
    resolve_session,
)


@pytest.fixture(scope="module")
def oracle():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # exchange_calendars on pandas 3
        return xc.get_calendar("XNYS", start="1970-01-01", end="2027-12-31")


def test_every_session_and_close_equals_exchange_calendars(oracle):
    table = nyse()
    assert (table.days == oracle.sessions.values.astype("datetime64[D]")).all()
    closes = oracle.closes.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    assert (table.closes == closes).all()


def test_closures_checked_by_hand():
    """National days of mourning, storms and attacks that rule-based calendars miss."""
    closed = [
        "2025-01-09",
        "2025-01-20",
        "2018-12-05",
        "2012-10-29",
        "2012-10-30",
        "2001-09-11",
        "2001-09-14",
        "2004-06-11",
    ]
    assert not nyse().contains(np.array(closed, dtype="datetime64[D]")).any()
    assert nyse().contains(np.array(["2025-01-10", "2025-01-27", "2001-09-17"], dtype="datetime64[D]")).all()


def utc(*local: str) -> np.ndarray:
    stamps = pd.to_datetime(list(local)).tz_localize("America/New_York").tz_convert("UTC").tz_localize(None)
    return stamps.to_numpy().astype("datetime64[ns]")


@pytest.mark.parametrize(
    ("local", "session", "rule"),
    [
        ("2025-01-27 08:00", "2025-01-27", SAME_DAY),
        ("2025-01-27 15:59:59", "2025-01-27", SAME_DAY),
        ("2025-01-27 16:00", "2025-01-28", AFTER_CLOSE),  # at the close: the close is not after it
        ("2025-01-24 16:05", "2025-01-27", AFTER_CLOSE),
        ("2025-01-25 10:00", "2025-01-27", CLOSED_NEXT),
        ("2025-01-17 17:00", "2025-01-21", AFTER_CLOSE),  # over the holiday of 20 January
        ("2025-01-08 18:00", "2025-01-10", AFTER_CLOSE),  # over the day of mourning
        ("2025-01-09 12:00", "2025-01-10", CLOSED_NEXT),
        ("2024-07-03 12:59", "2024-07-03", SAME_DAY),  # early closes at 13:00
        ("2024-07-03 13:00", "2024-07-05", AFTER_CLOSE),
        ("2024-11-29 13:30", "2024-12-02", AFTER_CLOSE),
        ("2025-02-03 16:40", "2025-02-04", AFTER_CLOSE),
        ("2025-03-10 15:59", "2025-03-10", SAME_DAY),  # first day of summer time
        ("2025-11-03 15:59", "2025-11-03", SAME_DAY),  # first day of winter time
    ],
)
def test_timestamp_maps_to_first_session_whose_close_is_after_it(local, session, rule):
    mapped = map_timestamps(nyse(), utc(local))
    assert str(mapped.day[0]) == session
    assert mapped.rule[0] == rule


def test_random_timestamps_equal_exchange_calendars(oracle):
    rng = np.random.default_rng(0)
    minutes = np.datetime64("1995-01-01", "m") + rng.integers(0, 30 * 365 * 1440, 400)
    mapped = map_timestamps(nyse(), minutes.astype("datetime64[ns]")).day
    for minute, day in zip(minutes, mapped, strict=True):
        stamp = pd.Timestamp(minute, tz="UTC")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = oracle.minute_to_session(stamp, "next")
            if stamp == oracle.session_close(expected):  # their minutes include the close, ours end before it
                expected = oracle.next_session(expected)
        assert day == np.datetime64(expected.date())


def dated(day: str, on_closed: str = "raise", after_close: bool = False):
    choice = np.array([on_closed], dtype=object)
    return map_dates(nyse(), np.array([day], dtype="datetime64[D]"), np.array([after_close]), choice)


def test_date_without_session_raises_and_names_both_neighbours():
    with pytest.raises(NotSessionError, match=r"2025-02-01, a Saturday.*2025-02-03.*2025-01-31"):
        dated("2025-02-01")


@pytest.mark.parametrize(
    ("day", "on_closed", "after_close", "session", "rule"),
    [
        ("2025-01-27", "raise", False, "2025-01-27", SAME_DAY),
        ("2025-02-03", "raise", True, "2025-02-04", AFTER_CLOSE),
        ("2025-01-31", "raise", True, "2025-02-03", AFTER_CLOSE),
        ("2025-02-01", "next", False, "2025-02-03", CLOSED_NEXT),
        ("2025-02-01", "next", True, "2025-02-03", CLOSED_NEXT),  # Saturday evening is still before Monday
        ("2025-02-01", "previous", False, "2025-01-31", CLOSED_PREVIOUS),
        ("2025-01-20", "next", False, "2025-01-21", CLOSED_NEXT),
    ],
)
def test_date_maps_as_told(day, on_closed, after_close, session, rule):
    mapped = dated(day, on_closed, after_close)
    assert str(mapped.day[0]) == session
    assert mapped.rule[0] == rule


def test_dropped_and_outside_dates_are_named_not_moved():
    assert np.isnat(dated("2025-02-01", "drop").day[0])
    for day in ("1969-12-31", "2028-01-03"):
        mapped = dated(day, "next")
        assert np.isnat(mapped.day[0])
        assert mapped.rule[0] == OUTSIDE


def test_timestamp_needs_closing_times():
    with pytest.raises(InputError, match="closing times"):
        map_timestamps(index_sessions(nyse().days), utc("2025-01-27 08:00"))


def test_million_timestamps_are_one_vector_operation():
    rng = np.random.default_rng(1)
    stamps = np.datetime64("1990-01-01", "s") + rng.integers(0, 30 * 365 * 86400, 1_000_000)
    mapped = map_timestamps(nyse(), stamps.astype("datetime64[ns]"))
    at = np.searchsorted(nyse().days, mapped.day)
    assert (nyse().closes[at] > stamps).all()
    assert (nyse().closes[at - 1] <= stamps).all()


@pytest.mark.parametrize(
    "value",
    [
        "2025-01-27",
        dt.date(2025, 1, 27),
        dt.datetime(2025, 1, 27, 16, 5),
        pd.Timestamp("2025-01-27 16:05", tz="America/New_York"),
        np.datetime64("2025-01-27"),
        np.datetime64("2025-01-27T16:05"),
    ],
)
def test_a_day_is_named_by_a_date_a_time_stamp_or_a_text(value):
    assert day_named("date", value) == np.datetime64("2025-01-27", "D")


@pytest.mark.parametrize(
    "value", ["2025-01-27 ", "2025-01-27 16:05", "20250127x", "2025-1-27", 20250127, None, np.datetime64("NaT")]
)
def test_what_names_no_day(value):
    with pytest.raises(InputError, match="is no date; write it as '2025-01-27'"):
        day_named("date", value)


def test_resolve_session_refuses_what_is_none():
    assert str(resolve_session("date", "2025-01-27")) == "2025-01-27"
    with pytest.raises(NotSessionError, match="give 2025-01-24 or 2025-01-27"):
        resolve_session("date", "2025-01-25")
    with pytest.raises(InputError, match="no date"):
        resolve_session("date", "27 janvier")
    with pytest.raises(InputError, match="beyond"):
        resolve_session("date", "1961-01-27")


@pytest.mark.parametrize(("n", "words"), [(1, "NYSE session;"), (2, "(and 1 more)"), (4, "(and 3 more)")])
def test_the_first_closed_day_is_named_and_the_others_are_counted(n, words):
    days = np.array(["2025-01-25", "2025-01-26", "2025-02-01", "2025-02-02"], dtype="datetime64[D]")[:n]
    with pytest.raises(NotSessionError) as error:
        map_dates(nyse(), days, np.zeros(n, dtype=bool), np.full(n, "raise", dtype=object))
    assert "2025-01-25, a Saturday" in str(error.value)
    assert words in str(error.value)
    assert ("more)" in str(error.value)) == (n > 1)


OPEN = np.array(["2025-01-06", "2025-01-07", "2025-01-09", "2025-01-10", "2025-01-13"], dtype="datetime64[D]")


def plain(day, on_closed, after_close):
    """Walk day by day through a calendar of five sessions: the session, None where there is none, and the rule."""
    listed = list(OPEN)
    if not listed[0] <= day <= listed[-1]:
        return None, OUTSIDE
    if day in listed:
        later = [other for other in listed if other > day]
        if not after_close:
            return day, SAME_DAY
        return (later[0], AFTER_CLOSE) if later else (None, OUTSIDE)
    if on_closed == "drop":
        return None, DROPPED
    if on_closed == "next":
        return min(other for other in listed if other > day), CLOSED_NEXT
    return max(other for other in listed if other < day), CLOSED_PREVIOUS


@pytest.mark.parametrize("after_close", [False, True])
@pytest.mark.parametrize("on_closed", ["next", "previous", "drop"])
def test_each_day_of_a_short_calendar_equals_a_walk_through_it(on_closed, after_close):
    """All days at once and each by itself, from three days before the calendar to three days after it."""
    days = np.arange(OPEN[0] - 3, OPEN[-1] + 4)
    calendar, n = index_sessions(OPEN), len(days)
    whole = map_dates(calendar, days, np.full(n, after_close), np.full(n, on_closed, dtype=object))
    for at, day in enumerate(days):
        one = map_dates(calendar, days[at : at + 1], np.array([after_close]), np.array([on_closed], dtype=object))
        session, rule = plain(day, on_closed, after_close)
        for mapped, place in ((whole, at), (one, 0)):
            assert (None if np.isnat(mapped.day[place]) else mapped.day[place]) == session, day
            assert mapped.rule[place] == rule, day


def test_a_short_calendar_contains_its_sessions_and_no_others():
    days = np.arange(OPEN[0] - 3, OPEN[-1] + 4)
    assert days[index_sessions(OPEN).contains(days)].tolist() == OPEN.tolist()


@pytest.mark.parametrize("day", np.arange(OPEN[0] - 3, OPEN[-1] + 4))
def test_the_sessions_around_a_day(day):
    """Beyond an end of the calendar its last session stands for the one that it does not have."""
    before, after = nearest_sessions(index_sessions(OPEN), day)
    assert before == max((other for other in OPEN if other < day), default=OPEN[0])
    assert after == min((other for other in OPEN if other >= day), default=OPEN[-1])


@pytest.mark.parametrize("n", [3, 500])
def test_places_are_those_of_searchsorted(n):
    """Few days by bisection, many by a table of all days, from before the axis to after it."""
    days = np.random.default_rng(0).choice(np.arange(OPEN[0] - 5, OPEN[-1] + 6), n)
    assert places(OPEN, days).tolist() == np.searchsorted(OPEN, days).tolist()


def test_the_first_and_the_last_session_of_the_table_resolve_and_are_named_beyond_it():
    first, last = nyse().days[0], nyse().days[-1]
    assert (str(first), str(last)) == ("1970-01-02", "2027-12-31")
    assert resolve_session("date", first) == first
    assert resolve_session("date", last) == last
    for day in (first - 1, last + 1):
        with pytest.raises(InputError, match=rf"{day} lies beyond .*give a day from {first} to {last}"):
            resolve_session("date", day)


def test_a_closed_day_is_named_with_its_neighbors():
    with pytest.raises(
        NotSessionError, match="2025-01-25, a Saturday, is no NYSE session; give 2025-01-24 or 2025-01-27"
    ):
        resolve_session("date", "2025-01-25")
