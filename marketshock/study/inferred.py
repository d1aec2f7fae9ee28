"""Tests, samples and averages of a study: what a result reads of its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import pandas as pd

from .._frame import ReadableFrame
from .._typing import ALTERNATIVES, Alternative, IntArray, StrArray
from ..catalog.table import members
from ..errors import InputError, check_choice
from ..inference.evidence import Evidence
from ..inference.mean import mean_cars
from ..inference.options import Conventions, Resampling, checked_options
from ..inference.rows import Recent, test_rows
from ..inference.sample import Sample
from ..models.base import ModelFit
from ..panel.abnormal import Abnormal
from ..panel.joined import AnyPanel
from ..panel.spec import StudySpec
from ..windows import Window, days_of
from . import frames
from .printed import aar_frame, dated_rows, test_table

_KEPT = 5_000  # events up to which results of more than one window are kept: some hundred bytes per event and window


class Inferred:
    """The part of a `StudyResult` that tests: it needs the study's spec, panel, fit and abnormal returns."""

    spec: StudySpec
    panel: AnyPanel
    fit: ModelFit
    abnormal: Abnormal

    def __len__(self) -> int:
        return len(self.panel)

    @property
    def events(self) -> pd.DataFrame:
        """The events studied."""
        raise NotImplementedError

    def aar(self) -> pd.DataFrame:
        """Return the average abnormal return of each day with the standard error that the dates of the events allow.

        Returns
        -------
        DataFrame
            Indexed by day: n_events (with a return that day), aar (decimal), se, caar (the running sum of aar), method,
            note. ``method`` is the origin of se: "prediction" of an event by itself, "portfolio" of events on one date
            with the firms' covariance, "portfolios" of several dates, one portfolio per date, "cross-sectional" of
            events on dates of their own; "none" where there is no honest one: se is NaN and note gives the reason. The
            events in caar may differ from day to day; it is NaN from a day on which no event has a return.

        References
        ----------
        As of the test ``portfolio`` and of ``t_cross_sectional``; Satterthwaite (1946) for several dates.
        """
        days = self.spec.window.offsets()
        samples = [self.sample(int(day), int(day)) for day in days]
        left = [one.left_note for one in samples]
        return self._recent_tests.get("aar", lambda: aar_frame(days, mean_cars(samples), left)).copy()

    def tests(
        self,
        first: int | None = None,
        last: int | None = None,
        *,
        which: Sequence[str] | str | None = None,
        alternative: Alternative = "two-sided",
        by: str | None = None,
        conventions: Conventions | None = None,
        resampling: Resampling | None = None,
    ) -> pd.DataFrame:
        """Test the abnormal returns of days `first` to `last`, what applies first.

        Parameters
        ----------
        first, last : int, optional
            Trading days relative to day 0, both included; by default the whole event window.
        which : sequence of str, optional
            Names of tests (``ms.TESTS`` lists them). By default all tests of the sample, and on one common date with
            up to 30 events also the tests of each firm.
        alternative : {"two-sided", "less", "greater"}, optional
            "less" is for losses.
        by : str, optional
            "event", "group", "ticker", "date" or another column of ``study.events`` such as a trait: test each of its
            values by itself; or "day": each day of the window. It becomes the first index level. An event of several
            groups is in each of them; events without a value are together, under "".
        conventions : Conventions, optional
            Where papers differ: ``ms.Conventions(window="csar")`` and others.
        resampling : Resampling, optional
            Number of draws, seed and block length of the bootstraps.

        Returns
        -------
        DataFrame
            Indexed by test: event_id (the event tested, or "(all)"), first, last (the window), statistic, distribution,
            df, df2 (of an F the second; NaN where there is none), pvalue, n_events, null, alternative, note (the
            assumptions that fail here), assumptions (all that the test makes), reference. A test that does not apply
            has NaN and its reason in note.

        Raises
        ------
        WindowError, UnknownNameError, ChoiceError
            If the days, a test, the alternative or `by` is not known.
        """
        check_choice("alternative", alternative, ALTERNATIVES)
        whole = self.sample(first, last, conventions=conventions, resampling=resampling)
        names = which if which is None or isinstance(which, str) else tuple(which)
        key = (first, last, names, alternative, by, whole.conventions, whole.resampling)
        frame = self._recent_tests.get(key, lambda: self._tests(whole, names, alternative, by))
        return ReadableFrame.of(frame.copy(), test_table)  # what the caller does to it stays with the caller

    def _tests(
        self, whole: Sample, which: Sequence[str] | str | None, alternative: Alternative, by: str | None
    ) -> pd.DataFrame:
        """Return the frame of `tests` without its printed form."""
        if by is None:
            rows = test_rows(whole, lambda: self.panel.event_id, which, alternative)
            return dated_rows(rows, self._window_of(whole.days)).set_index("test")
        parts = []
        for label, part, names in self._parts(whole, by):
            frame = dated_rows(test_rows(part, names, which, alternative), self._window_of(part.days))
            if by in frame:
                raise InputError("by", f"{by!r} is a column of the tests too", "rename that column of the events")
            parts.append(frame.assign(**{by: label}))
        return pd.concat(parts, ignore_index=True).set_index([by, "test"])

    def _parts(self, whole: Sample, by: str) -> Iterator[tuple[Any, Sample, Callable[[], StrArray]]]:
        """Yield each value of `by` with the sample to test by itself and the ids of its events."""
        if by == "day":
            first = self.spec.window.first
            for at in range(whole.days.start, whole.days.stop):
                day = first + at
                sample = self.sample(day, day, conventions=whole.conventions, resampling=whole.resampling)
                yield day, sample, lambda: self.panel.event_id
            return
        for label, part in members(frames.labels_of(self.events, by, "day"), by).items():
            yield label, whole.take(part), partial(self._names, part)

    def sample(
        self,
        first: int | None = None,
        last: int | None = None,
        *,
        conventions: Conventions | None = None,
        resampling: Resampling | None = None,
    ) -> Sample:
        """Return the arrays that tests read, for tests of one's own; parameters as in `tests`.

        The sample is of all events; its ``take(positions)`` returns some of them.
        """
        days = self._days(days_of(self.spec.window, first, last))
        choices = checked_options(conventions, resampling)
        key = (days.start, days.stop, *choices)
        return self._recent_samples.get(key, lambda: Sample(self.evidence, days, *choices))

    @cached_property
    def _recent_samples(self) -> Recent[Sample]:
        """Samples of the last windows: their sums, ranks and results serve other tests, tables and pictures."""
        return Recent(64 if len(self) <= _KEPT else 1)

    @cached_property
    def _recent_tests(self) -> Recent[pd.DataFrame]:
        return Recent(8 if len(self) <= _KEPT else 1)

    @cached_property
    def evidence(self) -> Evidence:
        """Both windows of all events with their fit, as arrays."""
        panel = self.panel
        refit = partial(self.spec.model.fit, ahead=panel.ahead)
        return Evidence(panel, self.fit, self.abnormal, panel.row, panel.column, refit, self.spec.log)

    def power(
        self,
        first: int | None = None,
        last: int | None = None,
        *,
        effect: float = 0.01,
        level: float = 0.05,
        power: float = 0.8,
    ) -> pd.DataFrame:
        """Return what the study could have found.

        Parameters
        ----------
        first, last : int, optional
            Trading days relative to day 0, both included; by default the whole event window.
        effect : float, optional
            Abnormal return (decimal) for which the power is given.
        level, power : float, optional
            Two-sided level of the test, and the power at which the minimum detectable effect is given.

        Returns
        -------
        DataFrame
            Indexed by event_id, with a last row "(mean)": se, df, mde (the smallest effect found with that power,
            decimal), power (of finding `effect`), method (origin of se, as in `aar`), note. The row of the mean is NaN
            where its standard error is, with the reason in note.

        References
        ----------
        MacKinlay (1997), section 8: power with the variance known; here with the noncentral t.
        """
        return frames.power_frame(self.sample(first, last), self.panel.event_id, effect, level, power)

    def _days(self, window: Window) -> slice:
        start = window.first - self.spec.window.first
        return slice(start, start + len(window))

    def _window_of(self, days: slice) -> Window:
        """Return the window of some of the event days: what `_days` undoes."""
        return Window(days.start + self.spec.window.first, days.stop - 1 + self.spec.window.first)

    def _names(self, events: IntArray) -> StrArray:
        return self.panel.event_id[events]
