"""The session of a change in dollars, and the one before, on the calendar of each firm's own market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..panel.joined import AnyPanel
from ..panel.returns import sessions_of_prices
from ..sessions import Sessions, previous_session, resolve_session
from ..valuation import Valuation


@dataclass(frozen=True, slots=True)
class Clock:
    """Sessions of one firm."""

    sessions: Sessions
    note: str = ""  # which sessions were taken where they are not New York's

    def before(self, session: np.datetime64) -> np.datetime64:
        """Return the session before a session."""
        return previous_session(self.sessions, session)


def clock_of(valuation: Valuation, firm: str) -> Clock:
    """Return the clock of a firm by the days on which the securities that value it have a price."""
    table = valuation.shares.table
    tickers = dict.fromkeys(str(ticker) for ticker in table.loc[table["firm"] == firm, "priced_at"])
    return Clock(*sessions_of_prices(valuation.prices, [t for t in tickers if t in valuation.prices.close.columns]))


def clock_of_event(panel: AnyPanel, event: int) -> Clock:
    """Return the clock on which an event was studied."""
    position = panel.position[event]
    return next(Clock(part.returns.sessions) for part in panel.parts if position in part.position)


def session_on(date: object, clocks: Sequence[Clock]) -> np.datetime64:
    """Return the session of a date on the first of some clocks that has it.

    Raises `NotSessionError` or `InputError` of the first clock if none has.
    """
    first: InputError | None = None
    for clock in clocks:
        try:
            return resolve_session("date", date, clock.sessions)
        except InputError as error:
            first = first or error
    assert first is not None
    raise first


def sessions_before(clocks: Mapping[str, Clock], date: object) -> dict[str, np.datetime64]:
    """Return the session before, by firm. Raises as `session_on` if the market of a firm was closed that day."""
    return {firm: clock.before(session_on(date, [clock])) for firm, clock in clocks.items()}
