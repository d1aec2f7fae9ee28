"""A rule with its market exposure sold: what it earns is the abnormal return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .._typing import FloatArray, IntArray
from ..catalog.table import EventTable, repeated
from ..errors import InputError, UnknownNameError
from ..models.factor import FactorModel
from ..panel.build import Requirements, build_panel, exclude_unestimable
from ..panel.estimation import estimate
from ..windows import Window
from .known import Known, Legs
from .market import Market
from .timing import Rule, Timed, found_events, regardless, tickers_named


@dataclass(frozen=True)
class Hedged:
    """A rule whose legs are hedged by their estimated betas.

    Each leg of weight w is joined by -w b of each of `by`, with b the coefficients of the regression of its returns on
    theirs (with a constant) over the estimation window. Held like that, a position earns the abnormal return of the
    market or factor model plus its constant.

    Attributes
    ----------
    rule : Rule
        What is hedged.
    by : str or sequence of str
        What it is hedged with: securities of the prices, such as an index fund or factor portfolios.
    estimation : tuple of int
        Trading days relative to day 0, both included; they end before what the rule knows ends.
    min_obs : int
        Returns needed in it; an event with fewer is not traded.

    Raises
    ------
    InputError
        If the estimation window reaches into what is not known at the fill, or `by` names nothing.
    """

    rule: Rule
    by: str | Sequence[str]
    estimation: tuple[int, int] = (-260, -11)
    min_obs: int = 120

    def __post_init__(self) -> None:
        if isinstance(self.rule, type) or not isinstance(self.rule, Rule) or not isinstance(self.rule.timing, Timed):
            raise InputError("rule", f"got {self.rule!r}", "give one of marketshock.rules, such as rules.HoldAfter(5)")
        names = tickers_named("hedge", self.by)
        object.__setattr__(self, "by", names)
        window = Window.of("estimation", self.estimation)
        known = 0 if self.rule.timing.after_day_zero else -1
        if window.last > known:
            what = f"{window} ends after day {known}, the last one known at the fill"
            raise InputError("estimation", what, "end it earlier, such as (-260, -11)")
        least = len(names) + 2
        if (
            isinstance(self.min_obs, bool)
            or not isinstance(self.min_obs, int)
            or not least <= self.min_obs <= len(window)
        ):
            raise InputError("min_obs", f"got {self.min_obs!r}", f"give a whole number from {least} to {len(window)}")

    @property
    def timing(self) -> Timed:
        """That of the rule."""
        return self.rule.timing

    @property
    def own_tickers(self) -> bool:
        """As the rule."""
        return self.rule.own_tickers

    @property
    def reads_labels(self) -> bool:
        """As the rule."""
        return bool(getattr(self.rule, "reads_labels", True))

    def find(self, market: Market) -> pd.DataFrame:
        """Return the events that the rule finds in the prices.

        Raises
        ------
        InputError
            If it finds none of its own.
        """
        return found_events(self.rule, market)

    def regardless(self) -> Hedged:
        """Return the same without the condition of the rule, where it has one."""
        return replace(self, rule=regardless(self.rule))

    def legs(self, known: Known) -> Legs:
        """Return the legs of the rule and, after them, what hedges each event."""
        market = known.market
        unknown = [name for name in self.by if name not in market.names]
        if unknown:
            raise UnknownNameError("hedge", unknown, market.names)
        base = self.rule.legs(known)
        beta, problem = self._betas(known, base)
        lost = sorted({int(base.event[k]): problem[k] for k in np.flatnonzero(problem != "")}.items())
        keep = ~np.isin(base.event, [i for i, _ in lost])
        event, column, weight = base.event[keep], base.column[keep], base.weight[keep]
        traded, place = np.unique(event, return_inverse=True)
        with_ = np.array([market.names.index(name) for name in self.by])
        hedge = np.zeros((len(traded), len(with_)))
        np.add.at(hedge, place, -weight[:, None] * beta[keep])
        made = Legs(
            np.concatenate([event, np.repeat(traded, len(with_))]),
            np.concatenate([column, np.tile(with_, len(traded))]),
            np.concatenate([weight, hedge.ravel()]),
            np.concatenate([base.must[keep], np.ones(hedge.size, dtype=bool)]),
        )
        left = (*base.left, *((i, "no_hedge", why) for i, why in lost))
        return _netted(made, left)

    def _betas(self, known: Known, base: Legs) -> tuple[FloatArray, np.ndarray]:
        """Return each leg's coefficients, (n, K), and why there are none, (n,)."""
        market, n = known.market, len(base.event)
        beta, problem = np.zeros((n, len(self.by))), np.full(n, "", dtype=object)
        own = np.flatnonzero(~np.isin(base.column, [market.names.index(name) for name in self.by]))
        for k in np.setdiff1d(np.arange(n), own):
            beta[k, self.by.index(market.names[base.column[k]])] = 1.0  # a hedge is hedged by itself
        if not len(own):
            return beta, problem
        build = build_panel(
            _table(known, base.event[own], base.column[own]),
            market.returns,
            FactorModel(self.by),
            Window(*self.estimation),
            Window(self.estimation[0], self.estimation[0]),  # a day of the estimation: no other return is read
            Requirements(self.min_obs, 0, "raise", "keep"),
        )
        for place, (_, why) in build.exclusions.items():
            problem[own[place]] = why
        if len(build.panel):
            fit = estimate(build.panel, FactorModel(self.by)).fit
            kept = exclude_unestimable(build, fit.problem)
            for place, (_, why) in kept.exclusions.items():
                problem[own[place]] = why
            beta[own[build.panel.position]] = fit.params[:, 1:]
        return beta, problem

    def __str__(self) -> str:
        return f"{self.rule}, hedged with {', '.join(self.by)} (betas of days {Window(*self.estimation)})"


def _table(known: Known, event: IntArray, column: IntArray) -> EventTable:
    n = len(event)
    blank, days = repeated("", n), known.market.days
    names = np.array(known.market.names, dtype=object)
    ids = np.array([f"{k}" for k in range(n)], dtype=object)
    return EventTable(
        names, column, days[known.row[event]], repeated(np.datetime64("NaT", "us"), n), blank, blank, blank, ids, ids
    )


def _netted(legs: Legs, left: tuple[tuple[int, str, str], ...]) -> Legs:
    """Join the legs of an event in one security: what is bought and sold at once is not traded."""
    width = int(legs.column.max(initial=0)) + 1
    key, first, place = np.unique(legs.event * width + legs.column, return_index=True, return_inverse=True)
    weight = np.bincount(place, legs.weight, len(key))
    needed = np.bincount(place, legs.must, len(key)) > 0
    weight[np.abs(weight) <= 1e-12 * np.bincount(place, np.abs(legs.weight), len(key))] = 0.0
    order = np.argsort(first, kind="stable")
    order = order[np.argsort(key[order] // width, kind="stable")]  # by event, the legs of the rule before the hedge
    order = order[weight[order] != 0]
    event, column = key[order] // width, key[order] % width
    nothing = np.setdiff1d(legs.event, event)
    left = (*left, *((int(i), "no_signal", "the hedge takes all of the position back") for i in nothing))
    return Legs(event, column, weight[order], needed[order], left)
