"""Running sums against two passes where sums lose digits: the largest errors of a study of many events.

Run as ``python benchmarks/accuracy.py``. Each case is studied through `event_study`, and again event by event with the
regressors made orthogonal in extended precision (80 bits where the machine has them). "redone" counts the events that
the kernel itself computed from their windows.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import workload as w

import marketshock as ms
from marketshock.errors import ExclusionWarning
from marketshock.models import _moments

SIZE = w.Size(securities=20, events=3000, factors=2)
EST = w.ESTIMATION[1] - w.ESTIMATION[0] + 1


def two_passes(study: ms.StudyResult, returns: np.ndarray, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return AR and residual variance of each event: every regressor and the return less the ones before it."""
    ar, s2 = np.empty(study.abnormal.ar.shape), np.empty(len(study))
    y, x = returns.astype(np.longdouble), factors.astype(np.longdouble)
    days = np.r_[np.arange(w.ESTIMATION[0], w.ESTIMATION[1] + 1), np.arange(w.WINDOW[0], w.WINDOW[1] + 1)]
    est = slice(0, EST)
    for e, (row, column) in enumerate(zip(study.panel.row, study.panel.column, strict=True)):
        basis: list[np.ndarray] = []
        for values in (np.ones(len(days), np.longdouble), *x[row + days].T, y[row + days, column]):
            left = values.copy()
            for _ in range(2):
                for q in basis:
                    left -= q * (q[est] @ left[est]) / (q[est] @ q[est])
            basis.append(left)
        residual = basis[-1]
        ar[e] = residual[EST:]
        s2[e] = residual[est] @ residual[est] / (EST - x.shape[1] - 1)
    return ar, s2


def cases(returns: pd.DataFrame, factors: pd.DataFrame):
    """Yield name, returns and factors of each case."""
    yield "clean", returns, factors
    for tick in (1.0, 1e2, 1e4, 1e6):
        bad = returns.copy()
        bad.iloc[5] = tick
        yield f"a return of {tick:g} on day 5, before every window", bad, factors
    market = factors.copy()
    market.iloc[5, 0] = 1e4
    yield "a market return of 1e4 on day 5", returns, market
    yield "returns about 0.4 instead of 0", returns + 0.4, factors
    yield "returns a million times smaller", returns * 1e-6, factors
    stale = returns.copy()
    stale.iloc[300:700] = 0.0
    yield "400 days without a move", stale, factors
    noise = 1e-9 * np.random.default_rng(1).standard_normal(returns.shape)
    perfect = pd.DataFrame(1.3 * factors[["MKT"]].to_numpy() + noise, index=returns.index, columns=returns.columns)
    yield "an index tracker: noise of 1e-9", perfect, factors
    near = factors.assign(F1=factors["MKT"] + 1e-4 * factors["F1"])
    yield "factors correlated to 1 - 2e-9", returns, near


def main() -> None:
    """Print the largest errors of each case."""
    events, returns, factors = w.frames(SIZE)
    events = events[events["date"] >= returns.index[10 - w.ESTIMATION[0]]]  # their windows begin after the bad tick
    print(f"{'case':<48} {'AR':>9} {'s2, rel':>9} {'redone':>7} {'left out':>9}")
    for name, r, f in cases(returns, factors):
        sound: list[int] = []
        plain = _moments.DateSide.fit

        def counted(self, *arguments, plain=plain, sound=sound):
            made = plain(self, *arguments)
            sound.append(int((~made.sound).sum()))
            return made

        _moments.DateSide.fit = counted
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExclusionWarning)
            study = ms.event_study(events, returns=r, factors=f, **w.options(SIZE))
        _moments.DateSide.fit = plain
        ar, s2 = two_passes(study, r.to_numpy(), f.to_numpy())
        errors = (
            np.abs(study.abnormal.ar - ar).max(),
            np.abs(study.fit.sigma2 / s2 - 1).max(),
        )
        left = len(events) - len(study)
        print(f"{name:<48} " + " ".join(f"{e:9.1e}" for e in errors) + f" {sum(sound):7,} {left:9,}")


if __name__ == "__main__":
    main()
