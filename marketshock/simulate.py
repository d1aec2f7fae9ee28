"""Size and power of every test, by simulation.

The design is Brown and Warner's: many samples of firms with a known abnormal return on the event day, from generated
or real returns. A test holds its size where it rejects a true null as often as it says.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from . import _format
from ._typing import ALTERNATIVES, Alternative, FloatArray, Frame
from .engines.progress import Progress, watched
from .errors import InputError, check_choice, check_share
from .inference.evidence import Evidence
from .inference.outcome import Inapplicable
from .inference.registry import TESTS, Test, select
from .inference.sample import Sample
from .models.factor import MarketModel
from .panel.abnormal import abnormal_returns
from .providers.frames import check_columns, numeric_values
from .providers.shapes import return_frame
from .windows import ArrayWindows, WindowData

__all__ = ["Design", "RejectionRates", "bmp_size", "rejection_rates"]

_MOST = 10_000_000  # samples
_BLOCK = 50  # samples that share one random stream: the result depends on nothing but the seed


@dataclass(frozen=True, slots=True)
class Design:
    """What is simulated.

    Attributes
    ----------
    n_firms : int
        Firms a sample.
    n_days : int
        Estimation days.
    window : int
        Event days under test; the shock falls on the first.
    sigma : float
        Daily standard deviation of the residuals (decimal).
    correlation : float
        Of the firms' residuals on one day (equicorrelated).
    tails : {"normal", "t4"}
        Distribution of the residuals; "t4" is Student's t with 4 degrees of freedom, scaled to `sigma`.
    event_variance : float
        Factor on the residual variance of the event days: 2 doubles it.
    missing : float
        Share of returns missing at random in the estimation window.
    dates : {"common", "scattered"}
        Whether all firms share one event date, or have dates of their own whose windows do not overlap.
    """

    n_firms: int = 50
    n_days: int = 239
    window: int = 1
    sigma: float = 0.02
    correlation: float = 0.0
    tails: Literal["normal", "t4"] = "normal"
    event_variance: float = 1.0
    missing: float = 0.0
    dates: Literal["common", "scattered"] = "common"

    def __post_init__(self) -> None:
        check_choice("tails", self.tails, ("normal", "t4"))
        check_choice("dates", self.dates, ("common", "scattered"))
        bounds = {
            "n_firms": (self.n_firms, 1, 10**6),
            "n_days": (self.n_days, 10, 10**5),
            "window": (self.window, 1, 1000),
            "sigma": (self.sigma, 1e-9, 10),
            "correlation": (self.correlation, 0, 0.99),
            "event_variance": (self.event_variance, 1e-6, 1e6),
            "missing": (self.missing, 0, 0.9),
        }
        for name, (value, low, high) in bounds.items():
            if not low <= value <= high:
                raise InputError(name, f"got {value}", f"give a number from {low:g} to {high:g}")


@dataclass(frozen=True, eq=False)
class RejectionRates:
    """How often each test rejects.

    Attributes
    ----------
    table : DataFrame
        Indexed by test and shock (decimal): rate, se (Monte Carlo standard error, sqrt(p (1 - p) / B)), n_samples
        (B, those in which the test applies).
    design : Design
        What was simulated.
    level : float
        Nominal level.
    alternative : {"two-sided", "less", "greater"}
        Direction tested.
    seed : int
        Seed.
    real : bool
        Whether the returns were drawn from real ones: of the design only the numbers of firms and
        days and their dates are then theirs.
    """

    table: pd.DataFrame
    design: Design
    level: float
    alternative: Alternative
    seed: int
    real: bool = False

    def __repr__(self) -> str:
        rates = self.table["rate"].unstack("shock").reindex(self.table.index.unique("test"))
        head = ["test", *(f"{100 * shock:g} %" for shock in rates.columns)]
        rows = [
            [TESTS[str(name)].label, *(_format.number(100 * r, 1) for r in row)]
            for name, row in zip(rates.index, rates.to_numpy(), strict=True)
        ]
        made_up = ("sigma", "correlation", "tails", "event_variance", "missing") if self.real else ()
        kept = {key: value for key, value in asdict(self.design).items() if key not in made_up}
        settings = ", ".join(f"{key}={value}" for key, value in kept.items()) + (", real returns" if self.real else "")
        tested = f"at the {100 * self.level:g} % level ({self.alternative})"
        drawn = f"{int(self.table['n_samples'].max()):,} samples, seed {self.seed}; {settings}"
        caption = f"Rejections in percent {tested}, by abnormal return on day 0; {drawn}"
        return f"{_format.wrapped(caption)}\n\n{_format.text_table(head, rows)}"


def rejection_rates(
    design: Design | None = None,
    *,
    tests: Sequence[str] | None = None,
    shocks: Sequence[float] = (0.0, 0.005, 0.01, 0.02),
    n_samples: int = 1000,
    level: float = 0.05,
    alternative: Alternative = "two-sided",
    returns: Frame | None = None,
    market: str | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: Progress = None,
) -> RejectionRates:
    """Count how often each test rejects, for abnormal returns of known size.

    Parameters
    ----------
    design : Design, optional
        What to simulate; 50 independent normal firms by default.
    tests : sequence of str, optional
        Names of tests; all of the sample of events by default, without the bootstraps.
    shocks : sequence of float, optional
        Abnormal returns (decimal) added on day 0; 0 gives the size.
    n_samples : int, optional
        Samples, from 1 to 10 million. The Monte Carlo error of a 5 % rate is 0.22 points at 10,000.
    level, alternative : optional
        Of the tests.
    returns : DataFrame, optional
        Real daily returns (decimal, dates by tickers) from which firms and dates are drawn at random instead of
        generated residuals: the design of Brown and Warner (1985). `sigma`, `correlation` and `tails` are then those
        of the data.
    market : str, optional
        The benchmark's column of `returns`.
    seed : int, optional
        The same seed gives the same table whatever `workers` is.
    workers : int, optional
        Processes; not more than there are blocks of 50 samples are started.
    progress : bool or callable, optional
        True shows a bar; ``progress(items, n)`` wraps the work in one of your own.

    Returns
    -------
    RejectionRates

    Raises
    ------
    InputError
        If an option is out of range, or `returns` lacks the benchmark or is too short.

    References
    ----------
    Brown and Warner (1980, 1985); Kolari and Pynnonen (2010), section 3.
    """
    design = design or Design()
    check_choice("alternative", alternative, ALTERNATIVES)
    for name, value in (("n_samples", n_samples), ("workers", workers)):
        if not 1 <= value <= _MOST:
            raise InputError(name, f"got {value}", f"give a positive whole number, {_MOST:,} at most")
    check_share("level", level, 0.05)
    chosen = [t for t in select(tests, design.n_firms, common_date=False) if t.scope == "sample"]
    source = None if returns is None else _source(returns, market, design)
    blocks = [min(_BLOCK, n_samples - start) for start in range(0, n_samples, _BLOCK)]
    jobs = list(zip(np.random.SeedSequence(seed).spawn(len(blocks)), blocks, strict=True))
    work = partial(_run_block, design, [t.name for t in chosen], tuple(shocks), level, alternative, source)
    counts = np.zeros((2, len(chosen), len(shocks)))
    for part in _mapped(work, jobs, workers, progress):
        counts += part
    return RejectionRates(_table(counts, chosen, shocks), design, level, alternative, seed, source is not None)


def bmp_size(n_firms: int, correlation: float, level: float = 0.05) -> float:
    """Return the size of the BMP test under equicorrelated normal residuals, from theory.

    The BMP statistic is ``sqrt((1 + (N-1) r)/(1 - r))`` times a variable distributed as t(N - 1): the correction of
    Kolari and Pynnonen (2010) read backwards.
    """
    from scipy import special

    inflation = np.sqrt((1 + (n_firms - 1) * correlation) / (1 - correlation))
    critical = special.stdtrit(n_firms - 1, 1 - level / 2)
    return float(2 * special.stdtr(n_firms - 1, -critical / inflation))


@dataclass(frozen=True, slots=True)
class _Source:
    """Real returns to draw from: values (T, S), market (T,), and the first day with a full estimation window."""

    values: FloatArray
    market: FloatArray


def _source(returns: Frame, market: str | None, design: Design) -> _Source:
    returns = return_frame("returns", returns)
    check_columns("returns", returns)
    if market is None or market not in returns.columns:
        raise InputError("market", f"got {market!r}", "name the benchmark's column of returns")
    values = numeric_values("returns", returns.drop(columns=market))
    if len(values) < design.n_days + design.window + 1 or values.shape[1] < 2:
        raise InputError(
            "returns", f"has {len(values)} days and {values.shape[1]} securities", "give more, or a shorter design"
        )
    return _Source(values, numeric_values("returns", returns[[market]])[:, 0])


def _mapped(
    work: Callable[[tuple[Any, int]], FloatArray], jobs: list[tuple[Any, int]], workers: int, progress: Progress
) -> Iterable[FloatArray]:
    if workers == 1:
        yield from watched(map(work, jobs), len(jobs), progress)
        return
    # A worker that is interrupted ends without words: the main process says it once.
    end = (signal.SIGINT, signal.SIG_DFL)
    with ProcessPoolExecutor(min(workers, len(jobs)), initializer=signal.signal, initargs=end) as pool:
        yield from watched(pool.map(work, jobs), len(jobs), progress)


def _run_block(
    design: Design,
    names: list[str],
    shocks: tuple[float, ...],
    level: float,
    alternative: Alternative,
    source: _Source | None,
    job: tuple[Any, int],
) -> FloatArray:
    """Return rejections and applications, (2, tests, shocks), of one block of samples."""
    rng = np.random.default_rng(job[0])
    counts = np.zeros((2, len(names), len(shocks)))
    for _ in range(job[1]):
        y, market = _generated(design, rng) if source is None else _drawn(design, source, rng)
        for s, shock in enumerate(shocks):
            sample = _sample(design, y, market, shock)
            for t, name in enumerate(names):
                outcome = TESTS[name].run(sample, alternative)
                if not isinstance(outcome, Inapplicable):
                    counts[0, t, s] += outcome.pvalue < level
                    counts[1, t, s] += 1
    return counts


def _generated(design: Design, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return returns (N, M + L) and the market's (N, M + L): a market model with known residuals."""
    days = design.n_days + design.window
    own = 1 if design.dates == "scattered" else 0
    market = rng.normal(0, 0.01, (design.n_firms if own else 1, days))
    common = rng.normal(size=(1, days)) if not own else 0.0
    share = design.correlation if not own else 0.0
    e = np.sqrt(share) * common + np.sqrt(1 - share) * rng.normal(size=(design.n_firms, days))
    if design.tails == "t4":  # one mixing variable a day keeps the correlation; t(4) has variance 2
        mixing = rng.chisquare(4, (design.n_firms if own else 1, days)) / 4
        e = e / np.sqrt(mixing) / np.sqrt(2)
    e[:, design.n_days :] *= np.sqrt(design.event_variance)
    beta = rng.uniform(0.5, 1.5, (design.n_firms, 1))
    y = beta * market + design.sigma * e
    if design.missing:
        y[:, : design.n_days][rng.random((design.n_firms, design.n_days)) < design.missing] = np.nan
    return y, np.broadcast_to(market, y.shape)


def _drawn(design: Design, source: _Source, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Draw firms and dates from real returns; a firm may come twice, with dates of its own."""
    days = design.n_days + design.window
    last = len(source.values) - days
    firm = rng.integers(0, source.values.shape[1], design.n_firms)
    if design.dates == "common":
        firm = rng.choice(source.values.shape[1], min(design.n_firms, source.values.shape[1]), replace=False)
    start = rng.integers(0, last + 1, 1 if design.dates == "common" else len(firm))
    rows = np.broadcast_to(start[:, None] + np.arange(days), (len(firm), days))
    return source.values[rows, firm[:, None]], source.market[rows]


def _sample(design: Design, y: FloatArray, market: FloatArray, shock: float) -> Sample:
    """Fit the market model and hand the tests what they see."""
    n, m = len(y), design.n_days
    y = y.copy()
    y[:, m] += shock
    x = np.stack([np.ones_like(market), market], axis=2)
    mask = np.isfinite(y) & np.isfinite(market)
    model, ahead = MarketModel("market"), np.arange(1, design.window + 1)
    fit = model.fit(y[:, :m], x[:, :m], mask[:, :m], ahead)
    apart = np.zeros(n, dtype=np.int64) if design.dates == "common" else np.arange(n) * 10 * (m + design.window)
    rows = apart[:, None] + np.arange(m + design.window)
    whole = WindowData(np.where(mask, y, np.nan), x, np.zeros_like(y), mask, rows)
    est, evt = (
        WindowData(whole.y[:, days], whole.x[:, days], whole.offset[:, days], whole.mask[:, days], whole.rows[:, days])
        for days in (slice(0, m), slice(m, None))
    )
    abnormal = abnormal_returns(evt.y, evt.x, fit)
    refit = partial(model.fit, ahead=ahead)
    return Sample(
        Evidence(ArrayWindows(est, evt), fit, abnormal, rows[:, m], np.arange(n), refit), slice(0, design.window)
    )


def _table(counts: FloatArray, tests: list[Test], shocks: Sequence[float]) -> pd.DataFrame:
    rejected, applied = counts
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = rejected / applied
        error = np.sqrt(rate * (1 - rate) / applied)
    index = pd.MultiIndex.from_product([[t.name for t in tests], list(shocks)], names=["test", "shock"])
    columns = {"rate": rate.ravel(), "se": error.ravel(), "n_samples": applied.astype(int).ravel()}
    return pd.DataFrame(columns, index=index)
