"""Some securities with their events, studied without anything else: a pure function to sums that merge exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .._typing import DateArray, IntArray, StrArray
from ..catalog.table import EventTable
from ..inference.event_sums import EventSums, event_sums
from ..inference.evidence import Evidence
from ..inference.sample import Sample
from ..panel.abnormal import Cumulative
from ..panel.alignment import Exclusions
from ..panel.build import PanelBuild, Requirements, build_panel
from ..panel.estimation import Estimated, Piece, Pieces, estimated_blocks
from ..panel.event_panel import EventPanel
from ..panel.returns import Returns
from ..panel.runs import starts_of
from ..panel.spec import StudySpec
from ..providers.dataset import DatasetPartition
from ..windows import Window, check_inside


@dataclass(frozen=True, slots=True)
class ExclusionCount:
    """Events left out for one reason: how many, and the first of them by its position, with its reason in words."""

    n: int
    position: int
    reason: str


_Left: TypeAlias = dict[str, ExclusionCount]


@dataclass(frozen=True, slots=True)
class PartitionSums:
    """What is known of a partition's events when they have been looked at.

    Attributes
    ----------
    security, group : ndarray of shape (A,), object
        Whose events a row of `tally` sums.
    tally : EventSums
        Counts, means and sums of squares.
    dates : ndarray of shape (D,), int
        Session ordinals with an event, each once a group.
    date_group : ndarray of shape (D,), object
        The group.
    n_given, n_moved : int
        Events given, and dates that were moved to another session.
    left : dict of str to ExclusionCount
        Events left out, by code.
    position : ndarray of shape (n,), int
        Places of the events studied among all given; empty unless CARs are kept.
    session : ndarray of shape (n,), datetime64[D]
        Day 0 of each.
    dof : ndarray of shape (n,), int
        Degrees of freedom.
    cars : tuple of Cumulative
        Of each window; empty unless kept.
    """

    security: StrArray
    group: StrArray
    tally: EventSums | None
    dates: IntArray
    date_group: StrArray
    n_given: int
    n_moved: int
    left: dict[str, ExclusionCount]
    position: IntArray
    session: DateArray
    dof: IntArray
    cars: tuple[Cumulative, ...]


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """Spec of a study, windows to cumulate over besides the single days, and whether each event's CARs are kept."""

    spec: StudySpec
    windows: tuple[Window, ...]
    cars: bool

    @property
    def slices(self) -> list[slice]:
        """The windows' places among the event days."""
        first = self.spec.window.first
        return [slice(w.first - first, w.last + 1 - first) for w in self.windows]


@dataclass(frozen=True, eq=False)
class PanelPartition:
    """Some securities of returns that are in memory, with their events: the events are located already."""

    request: StreamRequest
    panel: EventPanel
    group: StrArray
    place: IntArray

    def study(self) -> PartitionSums:
        """Look at the events."""
        return _sums(self.request, self.panel, self.group, self.place, {}, len(self.panel), 0)


@dataclass(frozen=True, eq=False)
class FolderPartition:
    """One file of a dataset, with the events of its securities and their places among all events given, (E,).

    `market` has the calendar and the factors, without securities; `n_given` counts the events of the whole study.
    """

    request: StreamRequest
    file: DatasetPartition
    table: EventTable
    place: IntArray
    market: Returns
    n_given: int

    def study(self) -> PartitionSums:
        """Read the returns and look at the events."""
        names, values = self.file.read(self.market.days, set(map(str, self.table.names)), self.market.log)
        market = replace(self.market, names=names, values=values)
        build = located(self.request.spec, self.table, market, self.n_given)
        left = _by_code(build.exclusions, self.place)
        moved = int((build.alignment.moved != 0).sum())
        group = self.table.group[build.panel.position]
        place = self.place[build.panel.position]
        return _sums(self.request, build.panel, group, place, left, len(self.table), moved)


def study_partition(partition: PanelPartition | FolderPartition) -> PartitionSums:
    """Look at a partition: what a worker is sent."""
    return partition.study()


def located(spec: StudySpec, table: EventTable, market: Returns, n_given: int = 0) -> PanelBuild:
    """Bring a study's events and returns together."""
    need = Requirements(spec.min_obs, spec.min_event_obs, spec.on_closed, spec.duplicates, n_given, spec.on_halt)
    return build_panel(table, market, spec.model, spec.estimation, spec.window, need)


class PanelPartitions(Sequence[PanelPartition]):
    """A panel cut by security into partitions of at most so many returns, each made when it is asked for.

    Without a bound the panel is its only partition, and nothing is copied.
    """

    def __init__(self, request: StreamRequest, panel: EventPanel, cells: int | None) -> None:
        self._request, self._panel = request, panel
        self._pieces: Sequence[Piece] = (
            (Piece(np.arange(len(panel)), panel),) if cells is None else Pieces(panel, cells)
        )

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, at: Any) -> Any:
        piece, panel = self._pieces[at], self._panel
        return PanelPartition(self._request, piece.panel, panel.group[piece.events], panel.position[piece.events])


def sums_of_build(build: PanelBuild) -> PartitionSums:
    """Return what is known before a panel is looked at: the events left out, and the dates moved."""
    return replace(sums_of_exclusions(build.exclusions), n_moved=int((build.alignment.moved != 0).sum()))


def sums_of_exclusions(left: Exclusions) -> PartitionSums:
    """Return what is known of events left out."""
    return replace(_nothing(len(left), 0), left=_by_code(left, np.arange(len(left.table))))


def summed_windows(window: Window, asked: Sequence[tuple[int, int]] | None) -> tuple[Window, ...]:
    """Return the windows to sum, sorted: those asked for and the whole event window.

    Raises
    ------
    WindowError
        If one is no window, or not inside the event window.
    """
    read = {Window.of("windows", pair) for pair in asked or ()}
    for one in read:
        check_inside("windows", one, window)
    return tuple(sorted({*read, window}, key=lambda w: (w.first, w.last)))


def _sums(
    request: StreamRequest, panel: EventPanel, group: StrArray, place: IntArray, left: _Left, n_given: int, n_moved: int
) -> PartitionSums:
    code, groups = _grouped(group)
    model = request.spec.model
    refit = partial(model.fit, ahead=panel.ahead)
    names = np.array(panel.returns.names, dtype=object)
    made: list[tuple[StrArray, StrArray, EventSums]] = []
    kept: list[IntArray] = []
    dofs: list[IntArray] = []
    cars: list[list[Cumulative]] = []
    for block in estimated_blocks(panel, model) if len(panel) else ():
        block, left = _estimable(block, place, left)
        events = block.events
        if not len(events):
            continue
        if len(groups) > 1:
            order = np.lexsort((code[events], panel.column[events]))
            block = Estimated(events[order], block.fit.take(order), block.abnormal.take(order))
            events = block.events
        column, grouped = panel.column[events], code[events]
        starts = starts_of(column, grouped)
        evidence = Evidence(
            panel.take(events), block.fit, block.abnormal, panel.row[events], column, refit, request.spec.log
        )
        samples = [Sample(evidence, days, of_many=panel.n_given > 1) for days in request.slices]
        made.append((names[column[starts]], groups[grouped[starts]], event_sums(evidence, starts, samples)))
        kept.append(events)
        if request.cars:
            dofs.append(block.fit.dof)
            cars.append([s.whole for s in samples])
    if not made:
        return replace(_nothing(n_given, n_moved), left=left)
    studied = np.concatenate(kept)
    empty = studied[:0]
    n_days = len(panel.returns.days)
    group_of_date, date = np.divmod(np.unique(code[studied] * n_days + panel.row[studied]), n_days)
    return PartitionSums(
        np.concatenate([m[0] for m in made]),
        np.concatenate([m[1] for m in made]),
        EventSums.joined([m[2] for m in made]),
        date,
        groups[group_of_date],
        n_given,
        n_moved,
        left,
        place[studied] if request.cars else empty,
        panel.session[studied if request.cars else empty],
        np.concatenate(dofs) if request.cars else empty,
        tuple(Cumulative.joined([c[w] for c in cars]) for w in range(len(request.windows))) if request.cars else (),
    )


def _nothing(n_given: int, n_moved: int) -> PartitionSums:
    none, nothing = np.empty(0, dtype=object), np.empty(0, dtype=np.int64)
    days = np.empty(0, dtype="datetime64[D]")
    return PartitionSums(none, none, None, nothing, none, n_given, n_moved, {}, nothing, days, nothing, ())


def _grouped(group: StrArray) -> tuple[IntArray, StrArray]:
    if not len(group) or not group.strides[0]:
        return np.zeros(len(group), dtype=np.int64), np.array([group[0] if len(group) else ""], dtype=object)
    code, groups = pd.factorize(group, sort=True)
    return code, groups


def _by_code(exclusions: Exclusions, place: IntArray) -> _Left:
    left: _Left = {}
    for position, (code, reason) in exclusions.items():
        left = with_excluded(left, code, ExclusionCount(1, int(place[position]), reason))
    return left


def with_excluded(left: _Left, code: str, new: ExclusionCount) -> _Left:
    """Add events left out to those counted already; the first by position stands as the example."""
    old = left.get(code, new)
    first = min(old, new, key=lambda one: one.position)
    left[code] = replace(first, n=new.n + (old.n if code in left else 0))
    return left


def _estimable(block: Estimated, place: IntArray, left: _Left) -> tuple[Estimated, _Left]:
    """Leave out the events of a block whose model could not be estimated."""
    if not block.fit.problem.strides[0]:
        return block, left
    bad = block.fit.problem != ""
    if not bad.any():
        return block, left
    for position, why in zip(place[block.events[bad]], block.fit.problem[bad], strict=True):
        left = with_excluded(left, "not_estimable", ExclusionCount(1, int(position), str(why)))
    return Estimated(block.events[~bad], block.fit.take(~bad), block.abnormal.take(~bad)), left
