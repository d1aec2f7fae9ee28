"""The same study on other sessions or windows: every row passes the gates that the events themselves passed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from .._typing import DateArray, StrArray
from ..catalog.table import EventTable, repeated
from ..panel.returns import Returns
from ..study.results import StudyResult
from ..study.run import run_study
from ..windows import Window


def study_again(
    study: StudyResult,
    event_id: StrArray,
    ticker: StrArray,
    session: DateArray,
    *,
    window: Window,
    estimation: Window | None = None,
    min_event_obs: int = 1,
    returns: Returns | None = None,
) -> StudyResult:
    """Study sessions, (E,), each with a unique id and a ticker, by the model, options and returns of a study.

    The estimation window and the returns are those of the study unless others are given; `min_event_obs` is the number
    of returns that a session needs in `window`.

    Raises
    ------
    NoUsableEventsError
        If no session can be studied.
    """
    security, names = pd.factorize(ticker)
    blank, no_time = repeated("", len(event_id)), repeated(np.datetime64("NaT", "us"), len(event_id))
    table = EventTable(names, security, session, no_time, blank, blank, blank, event_id, event_id)
    spec = replace(
        study.spec,
        window=window,
        estimation=estimation or study.spec.estimation,
        min_event_obs=min_event_obs,
        on_closed="raise",
        duplicates="keep",
        on_halt="keep",
    )
    return run_study(spec, table, returns or study.single_panel.returns)
