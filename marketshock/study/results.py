"""Results of a study. Frames are derived when they are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from .._frame import Printable, Printout, ReadableFrame
from .._typing import BoolArray, Frame, IntArray, StrArray
from ..catalog.table import Events, EventTable
from ..derivation.event import DerivedEvent
from ..derivation.study import explain_event
from ..errors import InputError, check_share
from ..explained.explanation import Explanation
from ..inference.adjust import adjust_pvalues
from ..inference.rows import car_columns
from ..inference.sample import Sample
from ..markets import Market
from ..models.base import ModelFit, clock_of
from ..panel.abnormal import Abnormal
from ..panel.alignment import Alignment, Exclusion
from ..panel.event_panel import EventPanel
from ..panel.joined import AnyPanel, JoinedPanel
from ..panel.spec import StudySpec
from ..providers.base import Prices, with_currencies
from ..providers.found import PriceFinding, counts_of, findings_frame, first_of
from ..providers.shares import SharesTable
from ..windows import Window, days_of
from . import frames
from .confounders import confounders
from .findings import with_findings
from .foreign import Held, currencies_of
from .inferred import Inferred
from .inputs import positions_of
from .printed import car_table, models_named, study_printout


@dataclass(frozen=True, eq=False, repr=False)
class StudyResult(Inferred, Printable):
    """An event study: abnormal returns with their uncertainty, and everything needed to check them.

    Made by `event_study`. Days are trading sessions relative to day 0, returns are decimals, dates are tz-naive
    session dates; frames are indexed by ``event_id`` unless said otherwise, and NaN is a day without a return.

    Attributes
    ----------
    spec : StudySpec
        What was chosen.
    panel, fit, abnormal : EventPanel, ModelFit, Abnormal
        The events studied, as arrays; the estimated model; daily abnormal returns, (E, L).
    prices : Prices or None
        What the returns were computed from; None of a study on returns.
    parts : tuple of StudyResult
        Of events in several markets, or with windows of their own: the study of each market and pair of windows.
    found : tuple of PriceFinding
        What the checks of prices and factors found on the days that are read: `findings` as records.
    market : Market or None
        The market of all events; None where none is stated, and of events in several markets (see `parts`).
    """

    spec: StudySpec
    panel: AnyPanel
    fit: ModelFit
    abnormal: Abnormal
    _alignment: Alignment
    _exclusions: tuple[Exclusion, ...]
    prices: Prices | None = None
    parts: tuple[StudyResult, ...] = ()
    found: tuple[PriceFinding, ...] = ()
    market: Market | None = None

    @property
    def ar(self) -> pd.DataFrame:
        """Abnormal returns, events by days."""
        return frames.by_day(self.panel, self.abnormal.ar)

    @property
    def sar(self) -> pd.DataFrame:
        """Abnormal returns over their prediction standard errors (Patell 1976), events by days."""
        return frames.by_day(self.panel, self.abnormal.sar)

    @property
    def params(self) -> pd.DataFrame:
        """Estimated coefficients, with sigma (daily, decimal), its degrees of freedom, and the days used."""
        names = zip(*(part.spec.model.param_names for part in self.parts or (self,)), strict=True)
        labels = [same[0] if len(set(same)) == 1 else "benchmark" for same in names]
        frame = pd.DataFrame(self.fit.params.copy(), frames.index_of(self.panel), labels)
        return frame.assign(sigma=np.sqrt(self.fit.sigma2), df=self.fit.dof, n_obs=self.fit.n_obs)

    @property
    def events(self) -> pd.DataFrame:
        """The events studied: ticker, date (day 0), event, group (several joined by "; "), days with data by window.

        What the events name as their market, benchmark or calendar and their own event windows follow if there are any,
        and last the traits: the user's other columns. Of several markets it is the benchmark and calendar taken.
        """
        benchmarks = [next(iter(clock_of(part.spec.model)), "") for part in self.parts]
        return frames.events_frame(self.panel, self.fit, self.evidence, benchmarks)

    @property
    def exclusions(self) -> pd.DataFrame:
        """Excluded events: ticker, date, code and reason."""
        return frames.exclusions_frame(self._exclusions)

    @property
    def findings(self) -> pd.DataFrame:
        """What the checks found in the prices and factors read: ticker, date, rule, size, cause, severity."""
        return findings_frame(self.found)

    @property
    def alignment(self) -> pd.DataFrame:
        """Alignment of each date: ticker, event, given (with its time in UTC), session (day 0), days moved, rule."""
        return self._alignment.to_frame()

    def among(self, table: EventTable, events: IntArray) -> StudyResult:
        """Return the same study with its events known by their places, (E,), in a larger table."""
        panel = self.single_panel
        return replace(self, panel=replace(panel, table=table, position=events[panel.position]))

    def some(self, keep: BoolArray) -> StudyResult:
        """Return the study of some of its events, (E,)."""
        return replace(
            self, panel=self.single_panel.take(keep), fit=self.fit.take(keep), abnormal=self.abnormal.take(keep)
        )

    def with_prices(self, prices: Prices | None, found: tuple[PriceFinding, ...]) -> StudyResult:
        """Return the study with the prices it was computed from, and what the checks found in them."""
        parts = tuple(replace(part, prices=prices, found=found) for part in self.parts)
        return replace(self, prices=prices, found=found, parts=parts)

    @property
    def currencies(self) -> dict[str, str]:
        """The currency of each series of which it is known: that of the prices, otherwise that of its market."""
        own = self.parts or (self,)
        return currencies_of([Held(part.single_panel, part.spec, part.market) for part in own], self.prices)

    @property
    def model_name(self) -> str:
        """The model in words, with the benchmarks of all markets."""
        return models_named([part.spec.model.name for part in self.parts or (self,)])

    @property
    def single_panel(self) -> EventPanel:
        """The panel of events of one market with the same windows.

        Raises `InputError` if the events lie in several markets or have windows of their own.
        """
        if isinstance(self.panel, JoinedPanel):
            remedy = "study each by itself: study.part_of(event_id), or study.parts"
            raise InputError("study", self.panel.split, remedy)
        return self.panel

    def halts(self) -> list[str]:
        """Return the notes of events without a price on day 0, of more than three the number of the others."""
        if self.parts:
            return [note for part in self.parts for note in part.halts()]
        return frames.halts(self.single_panel, self.evidence.event_mask, self.spec.model)

    def part_of(self, event_id: str) -> StudyResult:
        """Return the study of the market and windows of an event: this one where there is only one."""
        at = int(positions_of(self.panel, str(event_id), self._exclusions)[0])
        if not self.parts:
            return self
        assert isinstance(self.panel, JoinedPanel)
        return self.parts[int(self.panel.part[at])]

    def confounders(self, calendar: Events | None = None, *, estimation_days: int | None = 20) -> pd.DataFrame:
        """Return what else happened in the windows of each event: releases, and the study's other events of the firm.

        Parameters
        ----------
        calendar : Event, sequence of Event, Catalog, or DataFrame, optional
            A frame has columns ticker (empty for the whole market) and date, and optionally event_id, timing,
            on_closed, title and kind. By default `release_calendar`. Two calendars may be joined as lists of events.
        estimation_days : int, optional
            How many of the last sessions of the estimation window to look through; None for all of them.

        Returns
        -------
        DataFrame
            A row for each event and confounder, indexed by ``event_id``: ticker, date (day 0), confounder (its id),
            title, kind ("study" for another event of this study), session (by the rules of `alignment`; what falls on a
            closed day maps to the next session), day (sessions from day 0), in_window ("event", "gap" or "estimation").
            No row means that this calendar lists none. Share classes of one firm (GOOG, GOOGL) share its confounders.
            Events of the study whose windows overlap are in "event". An entry with the id of the studied event is that
            event, not its confounder.

        Raises
        ------
        InputError
            If the calendar is none, or `estimation_days` is negative.
        NotSessionError
            If an entry asks for ``on_closed="raise"`` on a closed day.

        References
        ----------
        McWilliams and Siegel (1997), Academy of Management Journal 40(3), 626-657, on confounding events.
        """
        return confounders(self.panel, calendar, estimation_days)

    def car(
        self,
        first: int | None = None,
        last: int | None = None,
        *,
        confidence: float = 0.95,
        adjust: Literal["holm", "bh"] | None = None,
    ) -> pd.DataFrame:
        """Return cumulative abnormal returns over days `first` to `last`, both included, with t(M - k) inference.

        Parameters
        ----------
        first, last : int, optional
            Trading days relative to day 0, inside the study's window; by default all of it. Day 0 alone is ``(0, 0)``.
        confidence : float, optional
            Coverage of the two-sided interval.
        adjust : {"holm", "bh"}, optional
            Adjust the p-values for the number of events, in a further column pvalue_adjusted (see `adjust_pvalues`).

        Returns
        -------
        DataFrame
            ticker, date, first, last (the window), car (decimal), se, t, df, pvalue (two-sided), ci_low, ci_high,
            n_days (returns summed), n_sessions (which they cover; more where one is over a gap), note. Missing days are
            left out of the sum and of its variance and named in note, with the move over a gap in the prices and the
            day it is on, and with what the checks found on these days; without any day car is NaN.

        Raises
        ------
        WindowError, InputError
            If the days are not inside the study's window, or `confidence` is not between 0 and 1.

        References
        ----------
        Mikkelson and Partch (1988); Campbell, Lo and MacKinlay (1997), ch. 4: the variance includes the estimation
        error the days share.
        """
        window = days_of(self.spec.window, first, last)
        total = Sample(self.evidence, self._days(window)).whole
        check_share("confidence", confidence, 0.95)
        note = self._missing_notes(window)
        columns = car_columns(total, self.fit.dof, note, confidence)
        frame = frames.by_event(self.panel, **frames.days_summed(self.panel, window), **columns)
        if adjust is not None:
            frame["pvalue_adjusted"] = adjust_pvalues(frame["pvalue"].to_numpy(), adjust)
        label = f"CAR{window}".replace(" ", "")
        return ReadableFrame.of(frame, partial(car_table, label=label, confidence=confidence))

    def explain(
        self,
        event_id: str,
        first: int | None = None,
        last: int | None = None,
        *,
        confidence: float = 0.95,
        shares: SharesTable | Frame | None = None,
    ) -> Explanation:
        """Write out how an event's CAR comes from its closing prices, with its own numbers in every line.

        Parameters
        ----------
        event_id : str
            An event of `events`.
        first, last, confidence : optional
            As in `car`.
        shares : SharesTable or DataFrame, optional
            Share counts for the dollars; the bundled ones by default.

        Returns
        -------
        Explanation
            Closes and returns; the estimation window; the model's sums and coefficients; the variance of a daily
            abnormal return; each event day with its forecast-error variance; the CAR with the estimation error its days
            share (Patell 1976); t, p and the interval; dollars, or why there are none. It prints itself and has
            `to_markdown` and `to_latex`. The figures of each step are in ``step.values``, unrounded. Days without a
            return are named and left out. Of a model that is more than least squares the fit is given and taken from
            there.

        Raises
        ------
        UnknownNameError
            If no event has that id, or it was left out; the message says why.
        WindowError, InputError
            As in `car`.
        """
        study = self.part_of(event_id)
        if study is not self:
            return study.explain(event_id, first, last, confidence=confidence, shares=shares)
        if first is None and last is None and self.spec.window.first <= 0 <= self.spec.window.last:
            first = last = 0
        window = days_of(self.spec.window, first, last)
        check_share("confidence", confidence, 0.95)
        part = positions_of(self.panel, str(event_id), self._exclusions)
        one = (self.single_panel.take(part), self.fit.take(part), self.abnormal.take(part))
        counts = shares if shares is None or isinstance(shares, SharesTable) else SharesTable.from_frame(shares)
        held = None if self.prices is None else with_currencies(self.prices, self.currencies)
        return explain_event(DerivedEvent(self.spec, *one, held, window, confidence), counts)

    def bhar(self, first: int | None = None, last: int | None = None) -> pd.DataFrame:
        """Return buy-and-hold abnormal returns over the days `first` to `last`, which are as in `car`.

        They are the compounded return less the compounded normal return (Barber and Lyon 1997).

        Returns
        -------
        DataFrame
            ticker, date, first, last (the window), bhar (decimal), n_days, note. NaN where a day is missing and no
            return over a gap covers it; note names it. After a gap that began before the window the holding period
            begins with the first price inside.

        Raises
        ------
        InputError
            If the study has log returns: their exponentiated expectation is not an expected gross return.
        """
        window = days_of(self.spec.window, first, last)
        if self.spec.log:
            remedy = "compounding takes simple ones: run it with log=False"
            raise InputError("bhar", "the study has log returns", remedy)
        sample = Sample(self.evidence, self._days(window))
        columns = {"bhar": sample.whole_bhar, "n_days": sample.whole.n_days, "note": self._missing_notes(window)}
        return frames.by_event(self.panel, **frames.days_summed(self.panel, window), **columns)

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy frame: a row an event and day, with ticker, date, session, return, expected, ar, sar."""
        return frames.long_frame(self.panel, self.evidence)

    def printout(self) -> Printout:
        """Return the printed form: abnormal returns of day 0 and of the window, of the first events."""
        spec, alignment = self.spec, self._alignment
        parts = [w for w in (Window(0, 0), spec.window) if spec.window.first <= w.first <= w.last <= spec.window.last]
        cars = {part: self.car(part.first, part.last) for part in dict.fromkeys(parts)}
        shift = self.panel.shift
        reopened = 0 if shift is None else int((shift > 0).sum())
        halts = self.halts()
        lost = int(self.panel.n_unexplained().sum())
        moved = int((alignment.moved != 0).sum())
        counts = (len(alignment.session), self.sample().n_lacking, moved, len(self._exclusions), lost, reopened)
        found = counts_of(self.found), first_of(self.found)
        return study_printout(spec, self.model_name, self.panel, cars, *counts, halts, found)

    def _notes_within(self, window: Window) -> StrArray:
        """Return the notes on the days of a window that lie in this study's own."""
        own = self.spec.window
        if window.last < own.first or window.first > own.last:
            return np.full(len(self), "", dtype=object)
        return self._missing_notes(Window(max(window.first, own.first), min(window.last, own.last)))

    def _missing_notes(self, window: Window) -> StrArray:
        if isinstance(self.panel, JoinedPanel):
            return np.asarray(self.panel.gathered([part._notes_within(window) for part in self.parts]))
        mask = self.evidence.event_mask[:, self._days(window)]
        missing = frames.missing_notes(self.panel, mask, window, self.spec.model)
        return with_findings(missing, self.found, self.panel, window, self.spec.model)
