"""Events of different stocks on one day: right by hand, of the size it says, and strong where a shock is common."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError
from marketshock.volatility.clustering import clustering


def scattered(seed, n_days=300, n_stocks=12, share=0.03, common=0):
    rng = np.random.default_rng(seed)
    hits = rng.random((n_days, n_stocks)) < share
    hits[rng.choice(n_days, common, replace=False)] = True
    counted = np.ones_like(hits)
    return hits, counted


def test_by_hand():
    """Two stocks of three days with one event each: they meet with probability 1/3."""
    hits = np.array([[True, True], [False, False], [False, False]])
    told = clustering(hits, np.ones_like(hits), 20_000, seed=1)
    assert (told.observed, told.n_events, told.n_securities, told.n_days) == (1, 2, 2, 3)
    assert told.expected == pytest.approx(1 / 3, abs=0.012)
    assert told.pvalue == pytest.approx(1 / 3, abs=0.012)
    assert told.ratio == told.observed / told.expected


def test_expected_is_the_sum_over_pairs():
    """A pair of stocks with a and b events on common days meets a b / T times on average."""
    hits, counted = scattered(3)
    told = clustering(hits, counted, 4000)
    n = hits.sum(axis=0)
    pairs = (n.sum() ** 2 - (n**2).sum()) / 2 / len(hits)
    assert told.expected == pytest.approx(pairs, rel=0.02)


def test_a_stock_is_turned_over_its_own_days():
    """B lives on two days of ten, and A has its events on the other eight: they can never meet."""
    hits = np.zeros((10, 2), dtype=bool)
    counted = np.ones_like(hits)
    counted[:, 1] = np.arange(10) < 2
    hits[0, 1] = True
    hits[4:6, 0] = True
    told = clustering(hits, counted, 2000)
    assert told.expected == pytest.approx(2 * 1 / 10, abs=0.03)
    counted[:, 0] = np.arange(10) >= 2
    assert clustering(hits, counted, 200).expected == 0
    assert np.isnan(clustering(hits, counted, 200).ratio)


def test_own_bunching_is_no_clustering():
    """Each stock's events come in a run; the runs start anywhere: rejected as often as the level says."""
    rng = np.random.default_rng(0)
    pvalues = []
    for _ in range(200):
        hits = np.zeros((200, 8), dtype=bool)
        for k, start in enumerate(rng.integers(0, 200, 8)):
            hits[(start + np.arange(10)) % 200, k] = True
        pvalues.append(clustering(hits, np.ones_like(hits), 99, seed=int(rng.integers(2**31))).pvalue)
    assert 0.01 <= np.mean(np.array(pvalues) <= 0.05) <= 0.09
    assert 0.35 < np.mean(pvalues) < 0.65


def test_p_is_uniform_under_independence():
    """Many pairs, so that ties, which count against the finding, are few."""
    many = {"n_stocks": 40, "share": 0.05}
    pvalues = np.array([clustering(*scattered(s, **many), 99, seed=s).pvalue for s in range(300)])
    for level in (0.05, 0.2, 0.5, 0.8):
        assert np.mean(pvalues <= level) == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / 300) + 0.01)


def test_a_common_shock_is_found():
    told = clustering(*scattered(0, common=2), 999)
    assert told.pvalue == 1 / 1000
    assert told.ratio > 2
    assert "p = 0.0010, 999 circular shifts" in " ".join(str(told).split())


def test_the_seed_alone_decides():
    a, b, c = (clustering(*scattered(0), 100, seed=s) for s in (5, 5, 6))
    assert a == b
    assert a.expected != c.expected
    seen = []
    watched = clustering(*scattered(0), 100, seed=5, progress=lambda it, n: seen.append(n) or it)
    assert watched == a
    assert seen == [4]


def test_one_stock_alone_is_told():
    hits = np.zeros((5, 3), dtype=bool)
    hits[2, 1] = True
    told = clustering(hits, np.ones_like(hits), 99)
    assert np.isnan(told.pvalue)
    assert "two stocks with events are needed" in str(told)
    for name, options in (("n_permutations", {"n_permutations": 0}), ("seed", {"seed": -1})):
        with pytest.raises(InputError, match=name):
            clustering(hits, np.ones_like(hits), **options)


def test_on_the_bundled_members():
    members = ms.datasets.sp500()
    top = ms.Membership.top(50, members.market_caps())
    told = ms.fragility(members.prices, members=top).clustering()
    assert told.n_events == 537
    assert told.pvalue == 1 / 1000
    assert told.ratio > 2
    down = ms.fragility(members.prices, members=top).clustering(direction="down")
    assert down.n_events < told.n_events


def test_gaps_in_a_frame_of_returns():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_t(3, (250, 20)) * 0.01, ms.snapshot().dates[:250], [f"S{i}" for i in range(20)])
    frame[rng.random(frame.shape) < 0.02] = np.nan
    told = ms.fragility(returns=frame, log=True, min_obs=15).clustering(n_permutations=199)
    assert told.pvalue > 0.01
