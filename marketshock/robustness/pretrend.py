"""Whether abnormal returns began before the event window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout
from ..errors import InputError
from ..inference.adjust import adjust_pvalues
from ..study.printed import car_table, test_table
from ..study.results import StudyResult
from ..windows import Window
from ._again import study_again

_ON_ONE_DATE = ("joint_f", "portfolio")
_ON_MANY = ("kolari_pynnonen", "brown_warner", "grank_t")


@dataclass(frozen=True, eq=False, repr=False)
class Pretrend(Printable):
    """Abnormal returns of the days before the event window.

    Made by `pretrend`.

    Attributes
    ----------
    table : DataFrame
        One row per event, as `StudyResult.car`, with pvalue_adjusted (Holm) after pvalue. An event that cannot be
        studied over these days has NaN and its reason.
    joint : DataFrame
        Tests of all events together, as `StudyResult.tests`.
    window, estimation : Window
        The days tested and the days of the estimation, relative to day 0.
    study : StudyResult
        Of these windows, for everything else.
    """

    table: pd.DataFrame
    joint: pd.DataFrame
    window: Window
    estimation: Window
    study: StudyResult

    @property
    def pvalue_any(self) -> float:
        """Smallest Holm p-value: it tests that no event had a CAR before its window, whatever their dependence."""
        return float(self.table["pvalue_adjusted"].min())

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    def printout(self) -> Printout:
        """Return the printed form: CARs before the event window, and the joint tests."""
        title = (
            f"Days {self.window}, before the event window: {self.study.model_name}, estimation {self.estimation}",
            f"smallest p-value after Holm: {_format.pvalue(self.pvalue_any)}",
        )
        there = self.table["car"].notna()
        label = f"CAR{self.window}".replace(" ", "")
        head, rows, below = car_table(self.table[there].astype({"df": np.int64}), label, 0.95)
        marks = [*below, *(f"{name}: {note}" for name, note in self.table.loc[~there, "note"].items())]
        joint_head, joint_rows, joint_marks = test_table(self.joint)
        joint = PrintedTable(joint_head, joint_rows, marks=joint_marks)
        return Printout(title, (PrintedTable(head, rows, marks=marks), joint))


def pretrend(study: StudyResult, days: int = 10) -> Pretrend:
    """Test whether abnormal returns over the days just before the event window are zero, by event and jointly.

    Parameters
    ----------
    study : StudyResult
        Its model, events and returns are taken.
    days : int, optional
        How many trading days before the first day of the event window. Where they reach into the estimation window,
        that window is moved back by as many days, its length kept, and the model is estimated anew.

    Returns
    -------
    Pretrend
        CARs by event with t(M - k), p and Holm's p; joint tests: "joint_f" and "portfolio" for events on one common
        date, otherwise "kolari_pynnonen", "brown_warner" and "grank_t".

    Raises
    ------
    InputError
        If `days` is not a positive whole number.
    NoUsableEventsError
        If no event has the returns for it.

    Notes
    -----
    A CAR before the event may be news that leaked, an event dated too late, or another event. That none is found is
    weak evidence for there being none: see the width of the intervals (Roth 2022).

    References
    ----------
    Keown and Pinkerton (1981), Journal of Finance 36(4), 855-869; Holm (1979), Scandinavian Journal of Statistics 6;
    Roth (2022), American Economic Review: Insights 4(3), 305-322.

    Examples
    --------
    >>> import marketshock as ms
    >>> event, model = ms.load_catalog()["deepseek-selloff"], ms.MarketModel("^GSPC")
    >>> study = ms.event_study(event, tickers=["NVDA"], prices=ms.snapshot(), model=model)
    >>> ms.pretrend(study, days=5).window
    Window(first=-6, last=-2)
    """
    if not isinstance(days, (int, np.integer)) or isinstance(days, bool) or days < 1:
        raise InputError("days", f"got {days!r}", "give a positive whole number of trading days")
    window = Window(study.spec.window.first - int(days), study.spec.window.first - 1)
    estimation = study.spec.estimation
    back = max(0, estimation.last - window.first + 1)
    estimation = Window(estimation.first - back, estimation.last - back)
    panel = study.panel
    made = study_again(
        study, panel.event_id, panel.ticker, panel.session, window=window, estimation=estimation, min_event_obs=1
    )
    one_date = len(np.unique(made.panel.row)) == 1
    joint = made.tests(window.first, window.last, which=_ON_ONE_DATE if one_date else _ON_MANY)
    return Pretrend(_table(study, made, window), joint, window, estimation, made)


def _table(study: StudyResult, made: StudyResult, window: Window) -> pd.DataFrame:
    """Return the CARs of all events of the study, in its order, with a reason where there is none."""
    frame = pd.DataFrame(made.car(window.first, window.last))
    at = list(frame.columns).index("pvalue") + 1
    frame.insert(at, "pvalue_adjusted", adjust_pvalues(frame["pvalue"].to_numpy(), "holm"))
    left = made.exclusions
    if not len(left):
        return frame
    whole = frame.reindex(pd.Index(study.panel.event_id, name="event_id"))
    known = study.events[["ticker", "date"]]
    reasons = left["reason"].reindex(whole.index).fillna("")
    note = whole["note"].where(whole["note"].notna(), reasons)
    return whole.assign(ticker=known["ticker"], date=known["date"], note=note)
