"""Gaps inside open days: the conventions against the reference numbers, market by market."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.inference.ranks import _ranks_by

HERE = Path(__file__).parent / "reference_b" / "1_markets"
SETS = {"missing": "gaps", "span": "gaps/span", "trade_to_trade": "gaps/trade_to_trade"}
EVENTS = pd.read_csv(HERE / "events.csv").set_index("event_id")
ALIGNED = pd.read_csv(HERE / "expected_alignment.csv", parse_dates=["session"]).set_index("event_id")
CLOSE = 1e-10


def prices_of(market: str, folder: str) -> pd.DataFrame:
    """Return the columns of one market on the days of its benchmark."""
    wide = pd.read_csv(HERE / folder / "prices_wide.csv", index_col="date", parse_dates=True)
    mine = EVENTS[EVENTS["market"] == market]
    benchmark = mine["benchmark"].iloc[0]
    return wide.loc[wide[benchmark].notna(), [benchmark, *mine["ticker"]]]


def study_of(market: str, gaps: str, folder: str = "gaps", **options):
    mine = EVENTS[EVENTS["market"] == market]
    events = pd.DataFrame(
        {"ticker": mine["ticker"], "date": ALIGNED.loc[mine.index, "session"], "event_id": mine.index}
    )
    options = {"window": (-5, 5), "estimation": (-120, -11), "min_obs": 60, "calendar": "index"} | options
    return ms.event_study(
        events,
        prices=prices_of(market, folder),
        model=options.pop("model", None) or ms.MarketModel(mine["benchmark"].iloc[0]),
        gaps=gaps,
        **options,
    )


def expected(gaps: str, name: str, market: str) -> pd.DataFrame:
    frame = pd.read_csv(HERE / SETS[gaps] / f"expected_{name}.csv")
    return frame[frame["event_id"].isin(EVENTS.index[EVENTS["market"] == market])]


every = pytest.mark.parametrize("gaps", list(SETS))
each_market = pytest.mark.parametrize("market", ["NYC", "FRA", "TYO", "BTC"])


@every
@each_market
def test_models_agree(market, gaps):
    want = expected(gaps, "model", market).set_index("event_id")
    got = study_of(market, gaps).params.loc[want.index]
    np.testing.assert_allclose(got.iloc[:, :2], want[["alpha", "beta"]], rtol=CLOSE)
    np.testing.assert_allclose(got["sigma"], want["sigma"], rtol=CLOSE)
    assert got["df"].tolist() == want["dof"].tolist()
    assert got["n_obs"].tolist() == want["n_obs"].tolist()


@every
@each_market
def test_daily_abnormal_returns_agree(market, gaps):
    want = expected(gaps, "ar", market)
    got = (
        study_of(market, gaps)
        .to_frame()
        .reset_index()
        .merge(want, left_on=["event_id", "day"], right_on=["event_id", "rel"], suffixes=("", "_want"))
    )
    assert len(got) == len(want)
    np.testing.assert_allclose(got["return"], got["ret"], rtol=CLOSE)
    np.testing.assert_allclose(got["ar"], got["ar_want"], rtol=CLOSE)
    np.testing.assert_allclose(got["sar"], got["sar_want"], rtol=CLOSE)
    assert got["n_sessions"].tolist() == got["n_sessions_want"].tolist()
    assert got["starts_before_window"].tolist() == got["starts_before_window_want"].astype(bool).tolist()


@every
@each_market
def test_sums_agree(market, gaps):
    study = study_of(market, gaps)
    for (first, last), want in expected(gaps, "car", market).groupby(["first", "last"]):
        want = want.set_index("event_id")
        got = study.car(first, last).loc[want.index]
        for mine, theirs in (("car", "car"), ("se", "se"), ("t", "t"), ("pvalue", "p")):
            np.testing.assert_allclose(got[mine], want[theirs], rtol=CLOSE, err_msg=f"{mine} {first} {last}")
        assert got["df"].tolist() == want["df"].tolist()
        assert got["n_days"].tolist() == want["n_returns"].tolist()
        assert got["n_sessions"].tolist() == want["n_sessions"].tolist()


@every
def test_ranks_of_all_markets_agree(gaps):
    """Corrado and Zivney rank the abnormal returns as they are; places in the window are common to all markets."""
    parts = [study_of(market, gaps).sample(0, 0) for market in ("NYC", "FRA", "TYO", "BTC")]
    ranked = [_ranks_by(part.evidence, part.conventions) for part in parts]
    total, count = (sum(one[k] for one in ranked) for k in (0, 1))
    daily = total / np.sqrt(count)
    want = pd.read_csv(HERE / SETS[gaps] / "expected_tests.csv").query("test == 'corrado_zivney'")
    for row in want.itertuples():
        window = daily[110:][row.first + 5 : row.last + 6]
        statistic = window.sum() / np.sqrt(len(window)) / np.sqrt((daily**2).mean())
        assert statistic == pytest.approx(row.statistic, rel=1e-10)


@every
def test_averages_of_all_markets_agree(gaps):
    """Returns that start before the window are in no average of their day."""
    frames = [study_of(market, gaps).aar() for market in ("NYC", "FRA", "TYO", "BTC")]
    n = sum(frame["n_events"] for frame in frames)
    mean = sum(frame["aar"].fillna(0) * frame["n_events"] for frame in frames) / n
    want = pd.read_csv(HERE / SETS[gaps] / "expected_aar.csv", index_col="rel")
    assert n.tolist() == want["n"].tolist()
    np.testing.assert_allclose(mean, want["aar"], rtol=1e-9)
