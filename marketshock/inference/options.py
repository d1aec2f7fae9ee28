"""Options of a test that are no part of its formula: conventions, and the draws of bootstraps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import InputError, check_choice


@dataclass(frozen=True, slots=True)
class Conventions:
    """Choices on which papers and packages differ; each result follows the ones of its study.

    Attributes
    ----------
    window : {"scar", "csar"}
        Standardized window statistic: the CAR over its full standard error, or the sum of the daily SARs over the
        root of their number.
    forecast_error : bool
        Whether the variance of a return or a CAR contains the forecast error of the model (Patell 1976), in every test
        whose formula has it. Without it an abnormal return is divided by sigma alone, and a CAR by sigma times the
        root of the number of days.
    correlation : {"date", "label", "pairwise"}
        Mean correlation of the residuals for Kolari and Pynnonen: aligned by calendar date and weighted by the overlap
        of the tested windows, or the plain mean of the pairwise correlations of days with the same place in the window.
        Of events in several markets "date" means returns earned at the same time (their intervals from close to close
        overlap in UTC), "label" only sessions with the same date; in one market these two are one.
    ranks_of : {"ar", "sar"}
        What Corrado's and Corrado and Zivney's tests rank: abnormal returns, or standardized ones.
    estimation_variance : {"residual", "forecast"}
        Variance by which an estimation day's residual is standardized where ranks or signs compare it with the event:
        ``s^2 (1 - h)``, its own, or ``s^2 (1 + h)``, as if it were predicted.
    rank_moment : {"population", "sample"}
        Divisor T or T - 1 in the standard deviation of the mean ranks.
    halted : {"leave_out", "keep"}
        An event without a return that covers day 0, in a window that holds day 0: left out of means, because the other
        days' sum is not its reaction, or kept like any event with a missing day.
    """

    window: Literal["scar", "csar"] = "scar"
    forecast_error: bool = True
    correlation: Literal["date", "label", "pairwise"] = "date"
    ranks_of: Literal["ar", "sar"] = "ar"
    estimation_variance: Literal["residual", "forecast"] = "residual"
    rank_moment: Literal["population", "sample"] = "population"
    halted: Literal["leave_out", "keep"] = "leave_out"

    def __post_init__(self) -> None:
        check_choice("window", self.window, ("scar", "csar"))
        check_choice("correlation", self.correlation, ("date", "label", "pairwise"))
        check_choice("ranks_of", self.ranks_of, ("ar", "sar"))
        check_choice("estimation_variance", self.estimation_variance, ("residual", "forecast"))
        check_choice("rank_moment", self.rank_moment, ("population", "sample"))
        check_choice("halted", self.halted, ("leave_out", "keep"))


@dataclass(frozen=True, slots=True)
class Resampling:
    """How bootstraps draw.

    Attributes
    ----------
    draws : int
        Number of resamples.
    seed : int
        Seed of the generator: the same seed gives the same p-value.
    block : int or None
        Mean block length of the block bootstrap in days; None takes the cube root of the number of estimation days, at
        least the length of the window.
    """

    draws: int = 9999
    seed: int = 0
    block: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("draws", self.draws), ("block", 1 if self.block is None else self.block)):
            if not isinstance(value, int) or value < 1:
                raise InputError(name, f"got {value!r}", "give a positive whole number")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise InputError("seed", f"got {self.seed!r}", "give a whole number, zero or more")


def checked_options(conventions: Conventions | None, resampling: Resampling | None) -> tuple[Conventions, Resampling]:
    """Return the options of tests, the defaults for None; raise `InputError` if one is of another kind."""
    for name, value, kind in (("conventions", conventions, Conventions), ("resampling", resampling, Resampling)):
        if value is not None and not isinstance(value, kind):
            raise InputError(name, f"got {value!r}", f"give ms.{kind.__name__}(...)")
    return conventions or Conventions(), resampling or Resampling()
