"""Studies of random returns, some of them hard: the numbers of plain least squares, however many events there are."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd

import marketshock as ms
from marketshock.errors import MarketShockWarning, NoUsableEventsError

from . import Attack, Kind

N_DAYS, ESTIMATION, WINDOW = 320, (-130, -11), (-1, 2)
DAYS = pd.bdate_range("2022-01-03", periods=N_DAYS)
SHAPES = (
    *("plain", "a constant security", "tiny", "far from zero", "gaps", "mostly gaps", "one security missing"),
    *("gaps of the market", "a spike", "a spike of the market", "zeros", "a step", "a trend"),
)
MODELS = {
    "market": (lambda: ms.MarketModel("MKT"), ["MKT"]),
    "constant mean": (ms.ConstantMean, []),
    "factors": (lambda: ms.FactorModel(["MKT", "F2", "F3"]), ["MKT", "F2", "F3"]),
}


def _data(shape: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.01, N_DAYS)
    y = market[:, None] * rng.uniform(0.5, 1.5, 3) + rng.normal(0, 0.02, (N_DAYS, 3))
    factors = np.column_stack([market, rng.normal(0, 0.01, (N_DAYS, 2))])
    match shape:
        case "a constant security":
            y[:, 0] = 0.01
        case "tiny":
            y, factors = y * 1e-9, factors * 1e-9
        case "far from zero":
            y, factors = 0.1 + 1e-5 * y, 0.1 + 1e-5 * factors
        case "gaps":
            y[rng.random(y.shape) < 0.2] = np.nan
        case "mostly gaps":
            y[rng.random(y.shape) < 0.7] = np.nan
        case "one security missing":
            y[:, 0] = np.nan
        case "gaps of the market":
            factors[rng.random(N_DAYS) < 0.1, 0] = np.nan
        case "a spike":
            y[150, :] = 9.0
        case "a spike of the market":
            factors[150, 0] = 0.9
        case "zeros":
            y[rng.random(y.shape) < 0.5] = 0.0
        case "a step":
            y[160:] += 0.05
        case "a trend":
            factors[:, 0] += np.linspace(0, 0.05, N_DAYS)
    return (
        pd.DataFrame(y, index=DAYS, columns=list("ABC")),
        pd.DataFrame(factors, index=DAYS, columns=["MKT", "F2", "F3"]),
    )


def _events(seed: int) -> pd.DataFrame:
    """Return many events of each security, so that running sums are used, and their positions."""
    rng = np.random.default_rng(seed + 1)
    at = np.sort(rng.choice(np.arange(140, N_DAYS - 5), 70, replace=False))
    events = pd.DataFrame(
        {"ticker": np.repeat(list("ABC"), len(at)), "date": np.tile(DAYS[at], 3), "at": np.tile(at, 3)}
    )
    return events.assign(event_id=[f"e{n}" for n in range(len(events))])


def _by_hand(returns: np.ndarray, factors: np.ndarray, at: int) -> tuple[float, float]:
    """Return the CAR by numpy's least squares, and the scale of the returns behind it."""
    rows, days = slice(at + ESTIMATION[0], at + ESTIMATION[1] + 1), slice(at + WINDOW[0], at + WINDOW[1] + 1)
    x = np.column_stack([np.ones(len(returns)), factors])
    there = np.isfinite(returns[rows]) & np.isfinite(x[rows]).all(axis=1)
    size = np.abs(x[rows][there]).max(axis=0)
    beta = np.linalg.lstsq(x[rows][there] / size, returns[rows][there], rcond=None)[0] / size
    return float((returns[days] - x[days] @ beta).sum()), float(np.abs(returns[rows][there]).max())


def _car(events: pd.DataFrame, returns: pd.DataFrame, factors: pd.DataFrame, model: str) -> pd.Series:
    options = {"window": WINDOW, "estimation": ESTIMATION, "min_obs": 30, "calendar": "index"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarketShockWarning)
        study = ms.event_study(events, returns=returns, factors=factors, model=MODELS[model][0](), **options)
    return study.car(*WINDOW)["car"]


def _attack(shape: str, model: str, seed: int) -> None:
    returns, factors = _data(shape, seed)
    events = _events(seed)
    few = events[events["at"].isin(events["at"].unique()[::20])]
    try:
        many_cars, few_cars = (_car(e.drop(columns="at"), returns, factors, model) for e in (events, few))
    except NoUsableEventsError:
        assert shape == "mostly gaps"
        return
    assert set(few_cars.index) == set(many_cars.index) & set(few["event_id"])
    columns = factors[MODELS[model][1]].to_numpy()
    for row in few.itertuples():
        if row.event_id in few_cars.index:
            car, scale = _by_hand(returns[row.ticker].to_numpy(), columns, row.at)
            if np.isfinite(car):  # the library leaves a day without a return out, by its own rule for gaps
                assert abs(few_cars[row.event_id] - car) <= 1e-9 * max(scale, abs(car)), (row.event_id, car)
            both = abs(many_cars[row.event_id] - few_cars[row.event_id])
            assert both <= 1e-9 * max(scale, abs(car) if np.isfinite(car) else 0), (row.event_id, both)


def random_studies(rng: random.Random) -> Iterator[Attack]:
    """One shape of returns, one model, one seed."""
    while True:
        shape, model, seed = rng.choice(SHAPES), rng.choice(list(MODELS)), rng.randrange(10**9)
        yield f"{shape}, {model}, {seed}", lambda shape=shape, model=model, seed=seed: _attack(shape, model, seed)


KINDS = (Kind("least squares: hard returns, few and many events, against NumPy", random_studies, 13, 1_500),)
