"""Results of a streamed study: averages, tests and exclusions, with CARs on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout, ReadableFrame
from .._typing import ALTERNATIVES, Alternative, FloatArray, IntArray, StrArray
from ..catalog.table import EventTable, members
from ..errors import InputError, WindowError, check_choice, check_share
from ..inference.event_sums import EventSums
from ..inference.mean import mean_of_sums
from ..inference.moments import Streamed
from ..inference.options import Conventions
from ..inference.registry import TESTS
from ..inference.rows import car_columns, test_rows
from ..panel.abnormal import Cumulative
from ..panel.spec import StudySpec
from ..providers.found import PriceFinding, counts_of, findings_frame, first_of
from ..windows import Window, days_of
from .partition import ExclusionCount, PartitionSums, StreamRequest, with_excluded
from .printed import aar_frame, car_table, dated_rows, test_table

_BY = ("group", "day")


@dataclass(frozen=True, eq=False, repr=False)
class StreamedStudy(Printable):
    """An event study that keeps sums over the events, not the events.

    Returned by `summarize_events`. Days are trading sessions relative to day 0, returns are decimals. The numbers are
    those of a `StudyResult` up to the order of summation, and the same to the last bit however the securities were
    divided among workers.

    Attributes
    ----------
    request : StreamRequest
        The spec of the study, the windows summed, and whether CARs are kept.
    session_name : str
        Calendar on which days are counted.
    found : tuple of PriceFinding
        What the checks of prices and factors found: `findings` as records.
    """

    request: StreamRequest
    session_name: str
    _table: EventTable
    _merged: PartitionSums
    found: tuple[PriceFinding, ...] = ()

    @classmethod
    def of(
        cls, request: StreamRequest, session_name: str, table: EventTable, parts: Sequence[PartitionSums]
    ) -> StreamedStudy:
        """Merge the parts: the sums in the order of the securities' names, the CARs in that of the events."""
        return cls(request, session_name, table, merged(parts, len(request.windows)))

    def __len__(self) -> int:
        tally = self._merged.tally
        return 0 if tally is None else int(tally.events.sum())

    @property
    def spec(self) -> StudySpec:
        """What was chosen: a `StudySpec`."""
        return self.request.spec

    @property
    def windows(self) -> tuple[Window, ...]:
        """Windows that `car` knows, and `tests` besides the single days."""
        return self.request.windows

    @property
    def findings(self) -> pd.DataFrame:
        """What the checks found in prices and factors, as `StudyResult.findings`."""
        return findings_frame(self.found)

    @property
    def exclusions(self) -> pd.DataFrame:
        """Excluded events by reason: the first event of each code, with the columns of `StudyResult.exclusions`, and
        n_events, their number.
        """
        rows = []
        for code, left in sorted(self._merged.left.items(), key=lambda pair: pair[1].position):
            at = left.position
            name = str(self._table.names[self._table.security[at]])
            rows.append((self._table.id_of(at), name, self._table.given[at], code, left.reason, left.n))
        columns = ["event_id", "ticker", "date", "code", "reason", "n_events"]
        frame = pd.DataFrame(rows, columns=columns)
        dates = np.array([row[2] for row in rows], dtype="datetime64[D]").astype("datetime64[s]")
        return frame.assign(date=dates, n_events=frame["n_events"].astype(np.int64)).set_index("event_id")

    @property
    def counts(self) -> pd.Series:
        """Number of events given, of dates moved to another session, and of events studied."""
        counts = {"n_given": self._merged.n_given, "n_moved": self._merged.n_moved, "n_studied": len(self)}
        return pd.Series(counts, name="events")

    def aar(self) -> pd.DataFrame:
        """Return the average abnormal return of each day, as `StudyResult.aar`.

        Returns
        -------
        DataFrame
            Indexed by day: n_events, aar, se, caar, method, note. Where events share dates, se needs their returns,
            which were not kept: it is NaN, and note gives the reason.
        """
        days = self.request.spec.window.offsets()
        return aar_frame(days, [mean_of_sums(self._summary(w, Conventions())) for w in range(len(days))])

    def tests(
        self,
        first: int | None = None,
        last: int | None = None,
        *,
        which: Sequence[str] | str | None = None,
        alternative: Alternative = "two-sided",
        by: Literal["group", "day"] | None = None,
        conventions: Conventions | None = None,
    ) -> pd.DataFrame:
        """Test the abnormal returns of days `first` to `last`, as `StudyResult.tests`.

        Parameters
        ----------
        first, last : int, optional
            One day, or one of `windows`; by default the whole event window.
        which : sequence of str, optional
            Names of tests. By default those that read sums over the events; any other does not apply and says so.
        alternative : {"two-sided", "less", "greater"}, optional
            "less" is for losses.
        by : {"group", "day"}, optional
            Test each group, or each day, by itself.
        conventions : Conventions, optional
            Its `window` is read; `forecast_error` must be True, and `halted` "leave_out".

        Raises
        ------
        WindowError
            If the days are none of those summed.
        UnknownNameError, ChoiceError
            If a test, the alternative or `by` is not known.
        """
        check_choice("alternative", alternative, ALTERNATIVES)
        choice = conventions or Conventions()
        if not choice.forecast_error:
            raise InputError("conventions", "forecast_error=False was not summed", "use ms.event_study")
        if choice.halted != "leave_out":
            raise InputError("conventions", "halted events were not summed", "use ms.event_study")
        window = days_of(self.spec.window, first, last)
        names = which if which is not None else [name for name, test in TESTS.items() if test.streams]
        if by is None:
            rows = test_rows(self._summary(self._place(window), choice), _nobody, names, alternative)
            return ReadableFrame.of(dated_rows(rows, window).set_index("test"), test_table)
        check_choice("by", by, _BY)
        parts: list[tuple[str | int, Window, str | None]] = [(g, window, g) for g in self._groups]
        if by == "day":
            parts = [(int(day), Window(int(day), int(day)), None) for day in window.offsets()]
        frames = [
            dated_rows(test_rows(self._summary(self._place(w), choice, g), _nobody, names, alternative), w).assign(
                **{by: label}
            )
            for label, w, g in parts
        ]
        return ReadableFrame.of(pd.concat(frames, ignore_index=True).set_index([by, "test"]), test_table)

    def car(self, first: int | None = None, last: int | None = None, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return cumulative abnormal returns, as `StudyResult.car`, where ``cars=True`` kept them.

        Parameters
        ----------
        first, last : int, optional
            One of `windows`; the whole event window by default.
        confidence : float, optional
            Coverage of the two-sided interval.

        Returns
        -------
        DataFrame
            Indexed by ``event_id``: ticker, date, first, last (the window), car (decimal), se, t, df, pvalue
            (two-sided), ci_low, ci_high, n_days, n_sessions, note.

        Raises
        ------
        InputError
            If CARs were not kept, or `confidence` is not between 0 and 1.
        WindowError
            If the days are none of the windows kept.
        """
        check_share("confidence", confidence, 0.95)
        if not self.request.cars:
            raise InputError("cars", "the CARs of the events were not kept", "call ms.summarize_events(..., cars=True)")
        window = days_of(self.spec.window, first, last)
        if window not in self.windows:
            raise self._not_summed(window)
        cars = self._merged.cars[self.windows.index(window)]
        at = self._merged.position
        names = {
            "ticker": self._table.names[self._table.security[at]],
            "date": self._merged.session.astype("datetime64[s]"),
            "first": window.first,
            "last": window.last,
        }
        note = _notes(cars, len(window))
        columns = car_columns(cars, self._merged.dof, note, confidence)
        frame = pd.DataFrame({**names, **columns}, index=pd.Index(self._table.event_id[at], name="event_id"))
        return ReadableFrame.of(frame, partial(car_table, label=f"CAR{window}".replace(" ", ""), confidence=confidence))

    @property
    def _groups(self) -> list[str]:
        """Groups with events, in the order in which they were given."""
        studied = self._members[0]
        return [group for group in members(self._table.group) if group in studied]

    @property
    def _tally(self) -> EventSums:
        assert self._merged.tally is not None
        return self._merged.tally

    @cached_property
    def _members(self) -> tuple[dict[str, IntArray], dict[str, IntArray]]:
        """Rows of the sums and of the dates of each group."""
        return members(self._merged.group), members(self._merged.date_group)

    def _summary(self, window: int, conventions: Conventions, group: str | None = None) -> Streamed:
        """What the tests read of a window, of all events or of one group."""
        spec, tally, dates = self.request.spec, self._tally, self._merged.dates
        if group is not None:
            rows, on = (by_group[group] for by_group in self._members)
            tally, dates = tally.take(rows), dates[on]
        n_days = 1 if window < len(spec.window) else len(self.windows[window - len(spec.window)])
        return tally.summary(window, conventions.window, n_days, np.unique(dates), spec.log)

    def _place(self, window: Window) -> int:
        """Return where the sums of a window are."""
        whole = self.request.spec.window
        if len(window) == 1:
            return window.first - whole.first
        if window not in self.windows:
            raise self._not_summed(window)
        return len(whole) + self.windows.index(window)

    def _not_summed(self, window: Window) -> WindowError:
        known = ", ".join(map(str, self.windows))
        ask = f"call ms.summarize_events(..., windows=[({window.first}, {window.last})]), or ms.event_study"
        return WindowError("window", f"{window} was not summed (summed are the single days and {known})", ask)

    def printout(self) -> Printout:
        """Return the printed form: mean abnormal returns of day 0 and of each window, with three tests."""
        spec = self.request.spec
        title = (
            f"Event study: {len(self):,} of {self._merged.n_given:,} events, {spec.model.name}",
            f"window {spec.window}, estimation {spec.estimation} in trading days ({self.session_name} sessions), "
            f"{'log' if spec.log else 'simple'} returns; sums over the events",
        )
        moved, lost = self._merged.n_moved, sum(left.n for left in self._merged.left.values())
        marks = [f"{moved:,} date(s) moved to a session"] if moved else []
        marks += [f"{lost:,} event(s) excluded: study.exclusions"] if lost else []
        seen = f"{counts_of(self.found)} from the checks: study.findings: {first_of(self.found)}"
        marks += [seen] if self.found else []
        return Printout(title, (PrintedTable(*self._rows(), marks=marks),))

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        shown = [*([Window(0, 0)] if self.request.spec.window.first <= 0 <= self.request.spec.window.last else [])]
        rows = []
        for window in dict.fromkeys([*shown, *self.windows]):
            place = self._place(window)
            spread = self._summary(place, Conventions()).car_moments
            tests = self.tests(window.first, window.last, which=["t_cross_sectional", "patell", "bmp"])
            ps = [_format.pvalue(p) for p in tests["pvalue"].reindex(["t_cross_sectional", "patell", "bmp"])]
            label = "AAR(0)" if len(window) == 1 else f"CAAR{window}".replace(" ", "")
            rows.append([label, f"{spread.n:,}", _format.percent(spread.mean), *ps])
        return ["", "events", "mean", "p: t", "Patell", "BMP"], rows


def merged(parts: Sequence[PartitionSums], n_windows: int) -> PartitionSums:
    """Merge partitions into one, whatever their order: sums by security and group, CARs by event."""
    left: dict[str, ExclusionCount] = {}
    for part in parts:
        for code, one in part.left.items():
            left = with_excluded(left, code, one)
    made = [part for part in parts if part.tally is not None]
    security = _joined([part.security for part in made])
    group = _joined([part.group for part in made])
    order = np.lexsort((group.astype(str), security.astype(str))) if len(security) else np.empty(0, np.int64)
    position = _joined([part.position for part in made])
    place = np.argsort(position, kind="stable")
    days = np.empty(0, dtype="datetime64[D]")
    return PartitionSums(
        security[order],
        group[order],
        EventSums.joined([part.tally for part in made if part.tally is not None]).take(order) if made else None,
        _joined([part.dates for part in made]).astype(np.int64),
        _joined([part.date_group for part in made]),
        sum(part.n_given for part in parts),
        sum(part.n_moved for part in parts),
        left,
        position[place].astype(np.int64),
        np.concatenate([days, *(part.session for part in made)])[place],
        _joined([part.dof for part in made])[place],
        tuple(
            Cumulative.joined([p.cars[w] for p in made]).take(place)
            for w in range(n_windows if made and made[0].cars else 0)
        ),
    )


def _joined(arrays: Sequence[StrArray]) -> StrArray:
    return np.concatenate(arrays) if arrays else np.empty(0)


def _notes(cars: Cumulative, length: int) -> StrArray:
    notes = np.full(len(cars.car), "", dtype=object)
    for i in np.flatnonzero(cars.n_sessions < length):
        notes[i] = f"{length - int(cars.n_sessions[i])} of {length} days without a return"
    return notes


def _nobody() -> FloatArray:
    return np.empty(0)
