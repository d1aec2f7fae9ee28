"""A rule hedged by the estimated betas of its legs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .._typing import FloatArray, IntArray
from ..catalog.table import repeated
from ..errors import InputError, check_count
from ..models.factor import FactorModel
from ..panel.build import Requirements, build_panel, exclude_unestimable
from ..panel.estimation import estimate
from ..windows import Window
from .information import InformationSet, Legs, bare_table
from .market import Market
from .timing import Rule, Timed, check_rule, found_events, tickers_named, unconditional


@dataclass(frozen=True)
class Hedged:
    """A rule whose legs are hedged by their estimated betas.

    A leg of weight w gets a hedge of -w b in each security of `by`, with b the coefficients of the regression of its
    returns on theirs (with a constant) over the estimation window. The hedged position earns the abnormal return of the
    market or factor model plus the constant.

    Attributes
    ----------
    rule : Rule
        The rule to hedge.
    by : str or sequence of str
        Securities of the prices used as hedge, such as an index fund or factor portfolios.
    estimation : tuple of int
        Estimation window in trading days relative to day 0, both included. It ends on the last day before the fill or
        earlier.
    min_obs : int
        Returns required in the window; an event with fewer is not traded.

    Raises
    ------
    InputError
        If the estimation window ends after the last close before the fill, or `by` is empty.
    """

    rule: Rule
    by: str | Sequence[str]
    estimation: tuple[int, int] = (-260, -11)
    min_obs: int = 120

    def __post_init__(self) -> None:
        check_rule(self.rule)
        names = tickers_named("hedge", self.by)
        object.__setattr__(self, "by", names)
        window = Window.of("estimation", self.estimation)
        last = 0 if self.rule.timing.after_day_zero else -1
        if window.last > last:
            what = f"{window} ends after day {last}, the last close before the fill"
            raise InputError("estimation", what, "end it earlier, such as (-260, -11)")
        check_count("min_obs", self.min_obs, len(names) + 2, len(window))

    @property
    def timing(self) -> Timed:
        """Timing of the rule."""
        return self.rule.timing

    @property
    def own_tickers(self) -> bool:
        """As the rule."""
        return self.rule.own_tickers

    @property
    def reads_groups(self) -> bool:
        """As the rule."""
        return bool(getattr(self.rule, "reads_labels", True))

    def find(self, market: Market) -> pd.DataFrame:
        """Return the events that the rule finds in the prices.

        Raises
        ------
        InputError
            If the rule has no `find`.
        """
        return found_events(self.rule, market)

    def unconditional(self) -> Hedged:
        """Return the same hedge of the rule without its condition."""
        return replace(self, rule=unconditional(self.rule))

    def legs(self, info: InformationSet) -> Legs:
        """Return the legs of the rule and the hedge of each event."""
        market = info.market
        hedges = market.columns("hedge", self.by)
        base = self.rule.legs(info)
        beta, problem = self._betas(info, base, hedges)
        no_hedge = sorted({int(base.event[k]): problem[k] for k in np.flatnonzero(problem != "")}.items())
        keep = ~np.isin(base.event, [i for i, _ in no_hedge])
        event, column, weight = base.event[keep], base.column[keep], base.weight[keep]
        traded, place = np.unique(event, return_inverse=True)
        hedge = np.zeros((len(traded), len(hedges)))
        np.add.at(hedge, place, -weight[:, None] * beta[keep])
        made = Legs(
            np.concatenate([event, np.repeat(traded, len(hedges))]),
            np.concatenate([column, np.tile(hedges, len(traded))]),
            np.concatenate([weight, hedge.ravel()]),
            np.concatenate([base.required[keep], np.ones(hedge.size, dtype=bool)]),
        )
        excluded = (*base.excluded, *((i, "no_hedge", why) for i, why in no_hedge))
        return _netted(made, excluded)

    def _betas(self, info: InformationSet, base: Legs, hedges: IntArray) -> tuple[FloatArray, np.ndarray]:
        """Return each leg's coefficients, (n, K), and the reason where there are none, (n,)."""
        market, n = info.market, len(base.event)
        beta, problem = np.zeros((n, len(self.by))), np.full(n, "", dtype=object)
        own = np.flatnonzero(~np.isin(base.column, hedges))
        for k in np.setdiff1d(np.arange(n), own):
            beta[k, hedges == base.column[k]] = 1.0  # a hedging security hedges itself
        if not len(own):
            return beta, problem
        names = np.array(market.names, dtype=object)
        build = build_panel(
            bare_table(names, base.column[own], market.days[info.row[base.event[own]]], repeated("", len(own))),
            market.returns,
            FactorModel(self.by),
            Window(*self.estimation),
            Window(self.estimation[0], self.estimation[0]),  # a day of the estimation window: no other return is used
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


def _netted(legs: Legs, excluded: tuple[tuple[int, str, str], ...]) -> Legs:
    """Net the legs of an event in one security."""
    width = int(legs.column.max(initial=0)) + 1
    key, first, place = np.unique(legs.event * width + legs.column, return_index=True, return_inverse=True)
    weight = np.bincount(place, legs.weight, len(key))
    needed = np.bincount(place, legs.required, len(key)) > 0
    weight[np.abs(weight) <= 1e-12 * np.bincount(place, np.abs(legs.weight), len(key))] = 0.0
    order = np.argsort(first, kind="stable")
    order = order[np.argsort(key[order] // width, kind="stable")]  # by event; the legs of the rule before the hedge
    order = order[weight[order] != 0]
    event, column = key[order] // width, key[order] % width
    nothing = np.setdiff1d(legs.event, event)
    excluded = (*excluded, *((int(i), "no_signal", "the hedge offsets all of the position") for i in nothing))
    return Legs(event, column, weight[order], needed[order], excluded)
