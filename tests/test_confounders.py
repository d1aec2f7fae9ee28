"""What else happened: the bundled releases, and which of them lie in an event's windows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError, NotSessionError

#: Firm, session that meets its results, from the firms' own releases: counted by hand on the calendar of early 2025.
MEETS = {
    "IBM": "2025-01-30",
    "META": "2025-01-30",
    "MSFT": "2025-01-30",
    "TSLA": "2025-01-30",
    "AAPL": "2025-01-31",
    "MRK": "2025-02-04",
    "GOOGL": "2025-02-05",
    "PM": "2025-02-06",
    "AMZN": "2025-02-07",
    "NVDA": "2025-02-27",
    "AVGO": "2025-03-07",
}
MODEL = ms.MarketModel("^GSPC")


def study(events, prices, **options) -> ms.StudyResult:
    return ms.event_study(events, prices=prices, model=MODEL, **options)


def on(ticker: str, *dates: str) -> pd.DataFrame:
    return pd.DataFrame({"ticker": ticker, "date": dates, "event_id": [f"e{n}" for n in range(len(dates))]})


def test_releases_do_not_join_the_catalog_of_the_documents(catalog):
    releases = ms.datasets.release_calendar()
    assert "apple-results" not in catalog
    assert len(releases) == 30
    for release in releases.values():
        assert release.sources[0].document
        assert release.sources[0].paragraph == 0
        if release.id in catalog:  # one happening has one id and one date
            assert (catalog[release.id].when, catalog[release.id].timing) == (release.when, release.timing)


@pytest.mark.parametrize(("ticker", "session"), MEETS.items())
def test_results_map_to_the_session_that_meets_them(prices, ticker, session):
    found = study(on(ticker, session), prices, window=(-2, 2)).confounders()
    row = found[found["kind"] == "earnings"]
    assert row["session"].dt.strftime("%Y-%m-%d").tolist() == [session]
    assert row["day"].tolist() == [0]


@pytest.mark.parametrize(("ticker", "session"), MEETS.items())
def test_results_lie_where_trading_was_heaviest(prices, ticker, session):
    """A check of the dates from outside: results bring volume, so that their session leads the six around it."""
    volume = prices.extra["volume"][ticker]
    at = volume.index.get_loc(session)
    assert volume.iloc[at - 1 : at + 5].idxmax() == pd.Timestamp(session)


def test_the_seven_on_27_january(seven):
    found = seven.confounders()
    earnings = found[found["kind"] == "earnings"]
    assert dict(zip(earnings["ticker"], earnings["day"], strict=True)) == {"AAPL": 4, "MSFT": 3, "META": 3, "TSLA": 3}
    fed = found[found["confounder"] == "fed-hold-january"]
    assert fed["ticker"].tolist() == list(ms.MAGNIFICENT_SEVEN)
    assert set(fed["day"]) == {2}
    assert set(found["in_window"]) == {"event"}
    assert "microsoft-results" in repr(found)
    assert "microsoft-results" in found._repr_html_()


def test_equal_to_counting_on_the_dates_of_the_prices(prices):
    """Every session is a release of its own: which window it is in follows from its place in the index alone."""
    sessions = prices.dates
    calendar = pd.DataFrame({"ticker": "NVDA", "date": sessions, "event_id": [f"r{n}" for n in range(len(sessions))]})
    made = study(on("NVDA", "2025-01-27"), prices, window=(-3, 2), estimation=(-100, -11), min_obs=50)
    found = made.confounders(calendar, estimation_days=5).set_index("confounder")
    zero = sessions.get_loc("2025-01-27")
    expected = {f"r{zero + d}": (d, "estimation" if d <= -11 else "gap" if d < -3 else "event") for d in range(-15, 3)}
    assert {name: (row["day"], row["in_window"]) for name, row in found.iterrows()} == expected
    assert len(made.confounders(calendar, estimation_days=None)) == 100 + 3
    assert set(made.confounders(calendar, estimation_days=0)["in_window"]) == {"gap", "event"}


def test_an_event_is_not_its_own_confounder(prices, catalog):
    own = study(catalog["ibm-results"], prices, window=(0, 0)).confounders()
    assert own[["confounder", "in_window"]].to_numpy().tolist() == [["fed-hold-january", "gap"]]
    own = study(catalog["google-call"], prices, window=(0, 0)).confounders(catalog)
    assert "google-call" not in set(own["confounder"])
    unnamed = study(on("IBM", "2025-01-30"), prices, window=(0, 0)).confounders()
    assert "ibm-results" in set(unnamed["confounder"])  # another id: it may be another event


def test_share_classes_are_one_firm(prices):
    found = study(on("GOOG", "2025-02-05"), prices).confounders()
    assert "google-call" in set(found["confounder"])
    both = pd.DataFrame({"ticker": ["GOOG", "GOOGL"], "date": "2025-01-27"})
    found = study(both, prices).confounders()
    twice = found[found["kind"] == "study"]
    assert dict(zip(twice.index, twice["confounder"], strict=True)) == {
        "GOOG@2025-01-27": "GOOGL@2025-01-27",
        "GOOGL@2025-01-27": "GOOG@2025-01-27",
    }


@pytest.mark.parametrize(("second", "expected"), [("2025-02-03", "event"), ("2025-02-05", None), ("2025-02-14", "gap")])
def test_events_of_the_study_that_overlap(prices, second, expected):
    """Window (-1, 5) is seven days: five sessions apart the windows overlap; seven apart they touch without overlap."""
    found = study(on("NVDA", "2025-01-27", second), prices).confounders(on("MSFT", "2025-01-27"))
    of_first = found[found.index == "e0"]
    of_second = found[found.index == "e1"]
    if expected == "event":
        assert of_first[["confounder", "day", "in_window"]].to_numpy().tolist() == [["e1", 5, "event"]]
        assert of_second[["confounder", "day", "in_window"]].to_numpy().tolist() == [["e0", -5, "event"]]
    elif expected is None:
        assert of_first.empty
        assert of_second["in_window"].tolist() == ["gap"]
    else:
        assert of_first.empty
        assert of_second["in_window"].tolist() == ["estimation"]


def test_calendars_of_several_kinds(prices, seven):
    frame = pd.DataFrame(
        {
            "Ticker": ["NVDA", None, "MSFT", " "],
            "Date": ["2025-01-31", "2025-02-01", "2025-01-29", "2025-01-28"],
            "timing": ["after_close", "", "after_close", ""],
            "title": ["a", None, "c", "d"],
        }
    )
    before = frame.copy(deep=True)
    found = seven.confounders(frame)
    pd.testing.assert_frame_equal(frame, before)
    nvda = found[found["ticker"] == "NVDA"]
    assert nvda["session"].dt.strftime("%m-%d").tolist() == [
        "01-28",
        "02-03",
        "02-03",
    ]  # a Saturday, and after a Friday's close
    assert nvda["title"].tolist() == ["d", "a", ""]
    assert len(found) == 7 + 7 + 2
    one = ms.datasets.release_calendar()["apple-results"]
    assert seven.confounders(one)["ticker"].tolist() == ["AAPL"]
    assert len(seven.confounders([one, one])) == 1
    whole = seven.confounders(frame[["Date"]].iloc[1:2])
    assert whole["ticker"].tolist() == list(ms.MAGNIFICENT_SEVEN)


def test_no_confounder_is_an_empty_frame(seven):
    found = seven.confounders(on("IBM", "2025-01-27"))
    assert found.empty
    assert found["date"].dtype == "datetime64[ns]"
    assert found["day"].dtype == np.int64
    assert isinstance(repr(found), str)


def test_prices_with_their_own_sessions(prices):
    """Without closing times a timestamp takes the NYSE session, and the first date of the prices on or after it."""
    close = prices.adj_close.drop(pd.Timestamp("2025-01-29"))
    found = study(on("NVDA", "2025-01-27"), close, calendar="index").confounders()
    assert found[["confounder", "day"]].to_numpy().tolist() == [["fed-hold-january", 2]]
    assert found["session"].tolist() == [pd.Timestamp("2025-01-30")]


def test_calendars_that_cannot_be_read(seven):
    with pytest.raises(InputError, match=r"^calendar: got str"):
        seven.confounders("earnings.csv")
    with pytest.raises(InputError, match=r"^calendar: .*date"):
        seven.confounders(pd.DataFrame({"ticker": ["NVDA"]}))
    with pytest.raises(InputError, match="estimation_days: got -1"):
        seven.confounders(estimation_days=-1)
    one = ms.datasets.release_calendar()["apple-results"]
    other = ms.Event(one.id, "t", pd.Timestamp("2025-01-28").date())
    with pytest.raises(InputError, match=r"apple-results.*rename one"):
        seven.confounders([one, other])
    frame = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-02-01"], "on_closed": ["raise"]})
    with pytest.raises(NotSessionError):
        seven.confounders(frame)


def test_equal_to_a_loop_over_all_pairs():
    """Three hundred random events against two hundred random releases, pair by pair."""
    rng = np.random.default_rng(4)
    days = pd.bdate_range("2018-01-01", periods=900)
    names = [*(f"F{k}" for k in range(8)), "GOOG", "GOOGL"]
    returns = pd.DataFrame(rng.normal(0, 0.02, (900, 11)), index=days, columns=[*names, "m"])
    events = pd.DataFrame({"ticker": rng.choice(names, 300), "date": days[rng.integers(100, 880, 300)]})
    events = events.drop_duplicates(ignore_index=True)
    made = ms.event_study(
        events, returns=returns, model=ms.MarketModel("m"), window=(-3, 6), estimation=(-80, -10), min_obs=40,
        calendar="index",
    )  # fmt: skip
    calendar = pd.DataFrame({"ticker": rng.choice([*names, ""], 200), "date": days[rng.integers(0, 900, 200)]}).assign(
        event_id=np.arange(200).astype(str)
    )

    def plain(names, frame):
        firms = [ticker.replace("GOOGL", "GOOG") for ticker in frame["ticker"]]
        return list(zip(names, firms, (days.get_loc(date) for date in frame["date"]), strict=True))

    studied, releases = plain(made.events.index, made.events), plain(calendar["event_id"], calendar)
    for last_days, first in ((20, -29), (None, -80), (0, -9)):
        expected = []
        for name, firm, here in studied:
            for entry, of, at in releases:
                day = at - here
                if of in ("", firm) and first <= day <= 6:
                    where = "estimation" if day <= -10 else "gap" if day < -3 else "event"
                    expected.append((name, entry, day, where))
            for other, of, at in studied:
                day = at - here
                if other == name or of != firm:
                    continue
                if abs(day) < 10:
                    expected.append((name, other, day, "event"))
                elif first <= day <= 6:
                    expected.append((name, other, day, "estimation"))
        found = made.confounders(calendar, estimation_days=last_days)
        got = list(zip(found.index, found["confounder"], found["day"], found["in_window"], strict=True))
        assert sorted(got) == sorted(expected)
        assert len(got) > 100
        assert found.groupby(level=0)["day"].is_monotonic_increasing.all()
