"""Generated markets: calendars, securities, gaps, groups and events, and the calls that study them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

import marketshock as ms
from marketshock.errors import ExclusionWarning
from marketshock.sessions import nyse

FIRMS = ("AA", "BB", "CC", "DD")
N_SESSIONS = 96
WINDOW, ESTIMATION, MIN_OBS = (-2, 3), (-44, -5), 20
FIRST_DAY_0, LAST_DAY_0 = 46, N_SESSIONS - 5  # both windows lie inside the data
# The hardest first: hypothesis begins with the first of each, and few examples must see much.
CALENDARS = ("holidays", "NYSE", "every day", "weekdays")
PATTERNS = ("mixed", "two dates", "one date", "own dates")
GAPS = ("scattered", "in the window", "a run", "none")
MODELS = (
    ms.MarketModel("m"),
    ms.FactorModel(["m", "f"]),
    ms.MarketAdjusted("m"),
    ms.ConstantMean(),
)
"""Models that plain least squares recomputes."""


@dataclass(frozen=True, repr=False)
class Market:
    """A generated market with its events.

    Attributes
    ----------
    returns : DataFrame
        Simple returns of the factors m and f and of `FIRMS`, sessions by names; NaN where a firm has none.
    events : DataFrame
        event_id, ticker, date, group.
    options : mapping
        Further arguments of a study: windows, min_obs, calendar.
    """

    returns: pd.DataFrame
    events: pd.DataFrame
    options: Mapping[str, Any]

    def __repr__(self) -> str:
        gaps = int(self.returns.isna().sum().sum())
        return f"Market of {len(self.returns)} sessions, {gaps} gaps, {self.options}\n{self.events}"

    @property
    def firms(self) -> pd.DataFrame:
        """Returns of the firms."""
        return self.returns[list(FIRMS)]

    @property
    def factors(self) -> pd.DataFrame:
        """Returns of the factors."""
        return self.returns[["m", "f"]]

    @property
    def prices(self) -> pd.DataFrame:
        """Closes from 100; a missing return is a missing close, so that two returns are missing."""
        levels = 100 * (1 + self.returns.fillna(0.0)).cumprod()
        return levels.where(self.returns.notna())

    def only(self, ids: Any) -> Market:
        """Keep some of the events."""
        return replace(self, events=self.events[self.events["event_id"].isin(list(ids))])

    def arguments(self, **changed: Any) -> dict[str, Any]:
        """Return the arguments of a study of all returns in one frame."""
        return {"returns": self.returns, "model": MODELS[0], **self.options, **changed}


@st.composite
def markets(
    draw: Any,
    calendars: tuple[str, ...] = CALENDARS,
    patterns: tuple[str, ...] = PATTERNS,
    gaps: tuple[str, ...] = GAPS,
    exclusions: bool = True,
) -> Market:
    """Generate a market; with `exclusions` also events that cannot be studied."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    calendar = draw(st.sampled_from(calendars))
    days = sessions_of(calendar, rng)
    pattern = draw(st.sampled_from(patterns))
    events = events_of(pattern, days, rng)
    returns = returns_of(days, rng)
    returns = with_gaps(returns, events, draw(st.sampled_from(gaps)), rng)
    if exclusions and draw(st.sampled_from((True, False))):
        events = pd.concat([events, lost_events(events, days)], ignore_index=True)
    options = {
        "window": WINDOW,
        "estimation": ESTIMATION,
        "min_obs": MIN_OBS,
        "calendar": "NYSE" if calendar == "NYSE" else "index",
        "on_closed": "next" if calendar == "NYSE" else "drop",
    }
    return Market(returns, events, options)


def sessions_of(calendar: str, rng: np.random.Generator) -> pd.DatetimeIndex:
    """Return the sessions of a calendar."""
    if calendar == "NYSE":
        table = nyse().days
        first = int(rng.integers(0, len(table) - N_SESSIONS))
        return pd.DatetimeIndex(table[first : first + N_SESSIONS].astype("datetime64[ns]"))
    if calendar == "every day":
        return pd.date_range("2022-11-05", periods=N_SESSIONS)
    days = pd.bdate_range("2022-11-07", periods=N_SESSIONS + 12)
    closed = rng.choice(len(days), 12, replace=False) if calendar == "holidays" else np.arange(12)
    return days.delete(closed)


def returns_of(days: pd.DatetimeIndex, rng: np.random.Generator) -> pd.DataFrame:
    """Return factors and firms that depend on them, with fat tails."""
    factors = 0.01 * rng.normal(size=(len(days), 2))
    own = 0.012 * rng.standard_t(5, (len(days), len(FIRMS)))
    values = np.column_stack([factors, factors @ rng.normal(0.8, 0.5, (2, len(FIRMS))) + own])
    return pd.DataFrame(values.clip(-0.5, 0.5), index=days, columns=["m", "f", *FIRMS])


def events_of(pattern: str, days: pd.DatetimeIndex, rng: np.random.Generator) -> pd.DataFrame:
    """Return four to eight events whose windows lie inside the data."""
    inside = np.arange(FIRST_DAY_0, LAST_DAY_0)
    tickers = list(FIRMS)
    if pattern == "one date":
        at = np.repeat(rng.choice(inside), 4)
    elif pattern == "two dates":
        at, tickers = np.repeat(rng.choice(inside, 2, replace=False), 4), tickers * 2
    elif pattern == "own dates":
        at, tickers = rng.choice(inside, 6, replace=False), [*tickers, *tickers[:2]]
    else:
        at, tickers = rng.choice(inside, 7), [*tickers, *rng.choice(FIRMS, 3)]
    group = [*rng.permutation(["x", "y"]), *rng.choice(["x", "y"], len(at) - 2)]
    names = [f"e{k}" for k in rng.permutation(len(at))]
    return pd.DataFrame({"event_id": names, "ticker": tickers, "date": days[at], "group": group})


def with_gaps(returns: pd.DataFrame, events: pd.DataFrame, kind: str, rng: np.random.Generator) -> pd.DataFrame:
    """Take returns away from firms; the factors keep theirs."""
    out = returns.copy()
    if kind == "scattered":
        out[list(FIRMS)] = out[list(FIRMS)].mask(rng.random((len(out), len(FIRMS))) < 0.04)
    elif kind == "a run":
        first = int(rng.integers(0, len(out) - 12))
        out.iloc[first : first + 12, out.columns.get_loc(str(rng.choice(FIRMS)))] = np.nan
    elif kind == "in the window":
        event = events.iloc[int(rng.integers(len(events)))]
        out.loc[event["date"], event["ticker"]] = np.nan
    return out


def lost_events(events: pd.DataFrame, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Return events that are excluded: one per reason a table of dates can give."""
    first = events.iloc[0]
    rows = [
        ("lost duplicate", first["ticker"], first["date"]),
        ("lost unknown", "ZZ", days[FIRST_DAY_0]),
        ("lost early", "AA", days[3]),
        ("lost outside", "BB", days[-1] + pd.Timedelta(days=40)),
    ]
    return pd.DataFrame(rows, columns=["event_id", "ticker", "date"]).assign(group="x")


@contextmanager
def excluding() -> Iterator[None]:
    """Expect that events are excluded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExclusionWarning)
        yield


def study(market: Market, **changed: Any) -> ms.StudyResult:
    """Study a market's events; exclusions are expected."""
    with excluding():
        return ms.event_study(market.events, **market.arguments(**changed))


def streamed(market: Market, *, cars: bool, **changed: Any) -> Any:
    """Study a market's events and keep sums, or sums and CARs: the one place that names the streamed form."""
    with excluding():
        return ms.summarize_events(market.events, cars=cars, **market.arguments(**changed))


def split_small(monkeypatch: Any, cells: int = N_SESSIONS) -> None:
    """Make engines divide even a small panel: so many returns per partition."""
    for module in ("run", "summarize"):
        monkeypatch.setattr(f"marketshock.study.{module}.CELLS", cells)


def write_folder(market: Market, folder: Path, n_files: int = 2) -> Path:
    """Write the firms' returns as a Parquet folder in long form, each firm in one file."""
    for at, names in enumerate(np.array_split(np.array(FIRMS, dtype=object), n_files)):
        long = market.firms[list(names)].rename_axis(index="date").reset_index().melt("date", None, "ticker", "ret")
        long.dropna().to_parquet(folder / f"{at}.parquet", index=False)
    return folder


def windows() -> list[tuple[int, int]]:
    """Return every window inside the event window."""
    return [(a, b) for a in range(WINDOW[0], WINDOW[1] + 1) for b in range(a, WINDOW[1] + 1)]
