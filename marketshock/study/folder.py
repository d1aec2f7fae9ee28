"""A study of returns that stay in their files: the calendar, the factors, and the partitions with their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from .._typing import CalendarName
from ..catalog.table import EventTable
from ..errors import InputError, did_you_mean
from ..models.base import ReturnModel, columns_read
from ..panel.alignment import Exclusions, align
from ..panel.clock import ANY, Traded, sessions_for
from ..panel.returns import Returns, factor_columns
from ..providers.dataset import ReturnsDataset
from ..providers.frames import session_dates
from .partition import FolderPartition, PartitionSums, StreamRequest, sums_of_exclusions


def folder_market(
    dataset: ReturnsDataset, factors: pd.DataFrame | None, model: ReturnModel, calendar: CalendarName, log: bool
) -> Returns:
    """Return the calendar and the columns a model reads, without any security.

    The sessions are those of the factors or, where there are none, of the first column of the model that lies in the
    dataset.

    Raises
    ------
    InputError
        If neither says which days the sessions are.
    """
    read = [name for name in columns_read(model) if factors is None or name not in factors.columns]
    known = set(dataset.tickers)
    found = {name: dataset.series(name) for name in read if name in known}
    if factors is None and not found:
        what = f"{model.name} reads no column that says which days are sessions"
        raise InputError("factors", what, "give factors=, a frame with a column on each session")
    inside = {name: pd.Series(values, index=pd.DatetimeIndex(days)) for name, (days, values) in found.items()}
    frame = pd.DataFrame(inside) if factors is None else factors
    days = session_dates("factors", frame.index, frame)
    source = "factors" if factors is not None else "returns"
    moved = np.ones(len(days), dtype=bool)  # a factor has a value of its own on each session
    sessions = sessions_for(source, Traded((ANY,), days, moved), calendar)
    axis = sessions.between(days[0], days[-1])
    market = Returns(axis, (), np.empty((len(axis), 0)), sessions, log)
    if factors is not None and inside:
        frame = frame.join(pd.DataFrame(inside))
    return factor_columns(market, frame, elsewhere=tuple(dataset.tickers))


class FolderPartitions(Sequence[FolderPartition]):
    """The partitions of a dataset that have events, each made when it is asked for: ten million events are not copied.

    Attributes
    ----------
    left : Exclusions
        Events of a security that is in none of the files.
    """

    def __init__(self, request: StreamRequest, dataset: ReturnsDataset, table: EventTable, market: Returns) -> None:
        self._request, self._table, self._market = request, table, market
        where = {name: at for at, part in enumerate(dataset.partitions) for name in part.tickers}
        of_name = np.array([where.get(str(name), -1) for name in table.names], dtype=np.int32)
        partition = of_name[table.security]
        self.left = Exclusions(table)
        if (of_name < 0).any():
            known = dataset.tickers
            hints = {code: did_you_mean(str(table.names[code]), known) for code in np.flatnonzero(of_name < 0)}
            for i in np.flatnonzero(partition < 0):
                near, name = hints[table.security[i]], table.names[table.security[i]]
                hint = f"did you mean {near!r}?" if near else "add it to the dataset"
                self.left.add(i, "unknown_ticker", f"no returns of {name!r}: {hint}")
        order = np.argsort(partition, kind="stable")
        edges = np.searchsorted(partition, np.arange(len(dataset.partitions) + 1), sorter=order)
        self._order = order.astype(np.int32) if len(order) < 2**31 else order
        self._edges = [(int(lo), int(hi)) for lo, hi in pairwise(edges) if lo < hi]
        self._files = [f for f, (lo, hi) in zip(dataset.partitions, pairwise(edges), strict=True) if lo < hi]

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, at: Any) -> Any:
        events = self._order[slice(*self._edges[at])].astype(np.int64)
        return FolderPartition(
            self._request, self._files[at], self._table.slim(events), events, self._market, len(self._table)
        )

    def excluded(self) -> PartitionSums:
        """Return the excluded events as sums; their dates are aligned like those of all others."""
        if not self.left:
            return sums_of_exclusions(self.left)
        moved = align(self._table.take(~self.left.kept()), self._market.sessions, self._request.spec.on_closed).moved
        return replace(sums_of_exclusions(self.left), n_moved=int((moved != 0).sum()))
