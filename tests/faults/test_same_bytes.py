"""The numbers of a study are the same bytes here, on threads and on processes, however the work is divided."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.study import run, summarize

N_DAYS, N_FIRMS, N_EVENTS = 420, 9, 160
WINDOW = (-2, 3)
MODELS = {
    "market": ms.MarketModel("MKT"),
    "mean": ms.ConstantMean(),
    "adjusted": ms.MarketAdjusted("MKT"),
    "factors": ms.FactorModel(["MKT", "F2", "F3"]),
    "leads": ms.ScholesWilliams("MKT"),
    "robust": ms.HuberModel("MKT"),
}


class Pickled(Executor):
    """Runs at once, and pickles what it is given and what it returns, as a pool of processes does."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        sent_work, sent_args = pickle.loads(pickle.dumps((work, args)))
        future.set_result(pickle.loads(pickle.dumps(sent_work(*sent_args, **named))))
        return future


@cache
def market(kind: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(11)
    days = pd.bdate_range("2020-01-01", periods=N_DAYS)
    factors = pd.DataFrame(rng.normal(0, 0.01, (N_DAYS, 3)), index=days, columns=["MKT", "F2", "F3"])
    values = factors["MKT"].to_numpy()[:, None] * rng.uniform(0.5, 1.5, N_FIRMS) + rng.normal(
        0, 0.02, (N_DAYS, N_FIRMS)
    )
    if kind == "holes":
        values[rng.random(values.shape) < 0.1] = np.nan
    returns = pd.DataFrame(values, index=days, columns=[f"S{i}" for i in range(N_FIRMS)])
    at = rng.integers(150, N_DAYS - 5, N_EVENTS)
    column = rng.integers(0, N_FIRMS, N_EVENTS)
    events = pd.DataFrame(
        {
            "ticker": returns.columns[column],
            "date": days[at],
            "event_id": [f"e{i}" for i in range(N_EVENTS)],
            "group": rng.choice(["a", "b"], N_EVENTS),
        }
    )
    return returns, factors, events[~np.isnan(values[at, column])]


def studied(kind: str, model: str, engine: Executor | None) -> Iterator[pd.DataFrame]:
    returns, factors, events = market(kind)
    options: dict[str, Any] = {"window": WINDOW, "estimation": (-130, -11), "min_obs": 40, "engine": engine}
    study = ms.event_study(events, returns=returns, factors=factors, model=MODELS[model], **options)
    yield from (study.ar, study.params)
    for window in (WINDOW, (0, 0)):
        yield from (study.car(*window), study.tests(*window), study.tests(*window, by="group"))


def same(one: Iterator[pd.DataFrame], other: Iterator[pd.DataFrame]) -> None:
    for a, b in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(a), pd.DataFrame(b), check_exact=True)


@pytest.mark.filterwarnings("ignore::marketshock.errors.MarketShockWarning")
@pytest.mark.parametrize("kind", ["whole", "holes"])
@pytest.mark.parametrize("model", MODELS)
def test_a_study_here_and_on_engines(kind, model, monkeypatch):
    here = list(studied(kind, model, None))
    for cells in (1, 4 * N_DAYS):  # a firm a partition, or four
        monkeypatch.setattr(run, "CELLS", cells)
        same(iter(here), studied(kind, model, Pickled()))
    with ThreadPoolExecutor(3) as threads:
        same(iter(here), studied(kind, model, threads))


@pytest.mark.filterwarnings("ignore::marketshock.errors.MarketShockWarning")
def test_a_study_on_a_real_pool_of_processes(monkeypatch):
    monkeypatch.setattr(run, "CELLS", 2 * N_DAYS)
    here = list(studied("holes", "market", None))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        same(iter(here), studied("holes", "market", pool))


@pytest.mark.filterwarnings("ignore::marketshock.errors.MarketShockWarning")
@pytest.mark.parametrize("model", ["market", "factors"])
def test_sums_here_and_on_engines(model, monkeypatch):
    returns, factors, events = market("whole")

    def summed(engine: Executor | None) -> Iterator[pd.DataFrame]:
        options: dict[str, Any] = {"window": WINDOW, "estimation": (-130, -11), "min_obs": 40, "engine": engine}
        study = ms.summarize_events(events, returns=returns, factors=factors, model=MODELS[model], cars=True, **options)
        yield from (study.aar(), study.car(*WINDOW), study.tests(*WINDOW), study.tests(*WINDOW, by="group"))

    here = list(summed(None))
    for cells in (1, 4 * N_DAYS):
        monkeypatch.setattr(summarize, "CELLS", cells)
        same(iter(here), summed(Pickled()))
