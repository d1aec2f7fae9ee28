"""Agreement of engines, of storage modes, and of the two estimation kernels with statsmodels."""

from __future__ import annotations

import contextlib
import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings

import marketshock as ms

from .made_markets import FIRMS, MODELS, N_SESSIONS, WINDOW, Market, markets, split_small, streamed, study, write_folder
from .made_markets import windows as all_windows

SUMMED = [(0, 1), (-1, 1), (0, 0)]
STREAMS = [name for name, test in ms.TESTS.items() if test.streams]
NUMBERS = ["statistic", "pvalue", "df", "n_events"]
EXACT, SUMMATION = 0.0, 1e-9  # engines add in one order; a sum by security differs from a sum by event in rounding


def assert_same_tests(mine: pd.DataFrame, theirs: pd.DataFrame, rtol: float) -> None:
    """Compare numbers and texts of the rows of `mine`; a mean correlation is not streamed."""
    theirs = theirs.loc[mine.index]
    for name in NUMBERS:
        a, b = (pd.to_numeric(frame[name]).to_numpy(float) for frame in (mine, theirs))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol, err_msg=name)
    for name in ("distribution", "null", "alternative", "assumptions", "reference"):
        assert list(mine[name]) == list(theirs[name]), name
    told = [[re.sub(r" \(mean correlation[^)]*\)", "", note) for note in frame["note"]] for frame in (mine, theirs)]
    assert told[0] == told[1]


def counted(exclusions: pd.DataFrame) -> pd.DataFrame:
    """Count a study's exclusions by code, with the first of each, as a streamed study reports them."""
    first = exclusions.drop_duplicates("code")
    counts = exclusions["code"].value_counts()
    return first.assign(n_events=np.array([counts[code] for code in first["code"]], dtype=np.int64))


@given(market=markets())
@settings(max_examples=15)
def test_a_streamed_study_equals_the_whole_one(market):
    whole, kept, sums = study(market), *(streamed(market, cars=cars, windows=SUMMED) for cars in (True, False))
    for one in (kept, sums):
        assert len(one) == len(whole)
        mine, theirs = one.aar(), whole.aar()
        means = ["n_events", "aar", "caar"]
        pd.testing.assert_frame_equal(mine[means], theirs[means], rtol=SUMMATION, atol=1e-15)
        known = mine["se"].notna().to_numpy()  # no honest error of events that share dates without their returns
        assert (mine["note"][~known] != "").all()
        np.testing.assert_allclose(mine["se"][known], theirs["se"][known], rtol=SUMMATION)
        for days in [*SUMMED, WINDOW, (2, 2)]:
            assert_same_tests(one.tests(*days), whole.tests(*days, which=STREAMS), SUMMATION)
        assert_same_tests(one.tests(0, 1, by="group"), whole.tests(0, 1, which=STREAMS, by="group"), SUMMATION)
        assert_same_tests(one.tests(*WINDOW, by="day"), whole.tests(*WINDOW, which=STREAMS, by="day"), SUMMATION)
    for days in [*SUMMED, WINDOW]:
        a, b = pd.DataFrame(kept.car(*days)), pd.DataFrame(whole.car(*days))
        pd.testing.assert_frame_equal(a.drop(columns="note"), b.drop(columns="note"), rtol=SUMMATION)
        assert ((a["note"] == "") == (b["note"] == "")).all()


@given(market=markets())
@settings(max_examples=15)
def test_a_streamed_study_excludes_and_aligns_the_same_events(market):
    whole = study(market)
    for cars in (True, False):
        one = streamed(market, cars=cars)
        expected = counted(whole.exclusions)
        pd.testing.assert_frame_equal(pd.DataFrame(one.exclusions), expected, check_names=False)
        moved = int((whole.alignment["moved"] != 0).sum())
        assert dict(one.counts) == {"n_given": len(market.events), "n_moved": moved, "n_studied": len(whole)}


@given(market=markets(calendars=("NYSE",)))
@settings(max_examples=15)
def test_dates_that_move_are_counted_alike(market):
    """Weekend dates move to the next session, those of unknown securities too."""
    events = market.events.assign(date=market.events["date"] + pd.offsets.Week(weekday=5))
    market = replace(market, events=events)
    whole, sums = study(market), streamed(market, cars=False)
    assert sums.counts["n_moved"] == (whole.alignment["moved"] != 0).sum() > 0
    assert list(sums.exclusions.index) == list(counted(whole.exclusions).index)


@given(market=markets())
@settings(max_examples=8)
def test_engines_give_the_same_bits(market):
    plain = study(market), streamed(market, cars=True), streamed(market, cars=False)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        split_small(patch)
        divided = study(market, engine=pool), *(streamed(market, cars=cars, engine=pool) for cars in (True, False))
    assert_same_bits(plain, divided)


def assert_same_bits(plain: tuple, divided: tuple) -> None:
    """Compare a whole study, one with CARs, and one of sums, each with its twin."""
    for a, b in zip(plain, divided, strict=True):
        exact = {"check_exact": True}
        pd.testing.assert_frame_equal(a.aar(), b.aar(), **exact)
        for options in ({}, {"by": "group"}):
            pd.testing.assert_frame_equal(*(pd.DataFrame(s.tests(*WINDOW, **options)) for s in (a, b)), **exact)
        pd.testing.assert_frame_equal(a.exclusions, b.exclusions, **exact)
    for a, b in zip(plain[:2], divided[:2], strict=True):
        pd.testing.assert_frame_equal(*(pd.DataFrame(s.car(*WINDOW)) for s in (a, b)), **exact)
    a, b = plain[0], divided[0]
    for one, other in ((a.ar, b.ar), (a.sar, b.sar), (a.params, b.params)):
        pd.testing.assert_frame_equal(one, other, **exact)


@pytest.fixture(scope="module")
def some() -> list[Market]:
    """Three markets with gaps, groups and exclusions."""
    found: list[Market] = []

    @settings(max_examples=40, database=None)
    @given(market=markets(patterns=("mixed",), gaps=("scattered",), calendars=("holidays",)))
    def look(market):
        if len(study(market).exclusions) >= 4:
            found.append(market)

    look()
    return found[:3]


@pytest.mark.filterwarnings("default")  # Dask's own
@pytest.mark.parametrize("kind", ["processes", "dask"])
def test_other_processes_give_the_same_bits(some, monkeypatch, kind):
    plain = [(study(market), *(streamed(market, cars=cars) for cars in (True, False))) for market in some]
    split_small(monkeypatch)
    with contextlib.ExitStack() as stack:
        if kind == "processes":
            engine = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        else:
            distributed = pytest.importorskip("distributed", reason="distributed is not installed")
            cluster = distributed.LocalCluster(
                n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", memory_limit=0
            )
            engine = stack.enter_context(distributed.Client(stack.enter_context(cluster)))
        for market, expected in zip(some, plain, strict=True):
            kept, sums = (streamed(market, cars=cars, engine=engine) for cars in (True, False))
            assert_same_bits(expected, (study(market, engine=engine), kept, sums))


@given(market=markets(calendars=("weekdays", "holidays", "NYSE")))
@settings(max_examples=8)
def test_a_parquet_folder_equals_the_frame(tmp_path_factory, market):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    folder = write_folder(market, tmp_path_factory.mktemp("folder"), 3)
    for cars in (True, False):
        frame = streamed(market, cars=cars, returns=market.firms, factors=market.factors)
        read = streamed(market, cars=cars, returns=folder, factors=market.factors)
        pd.testing.assert_frame_equal(frame.aar(), read.aar(), check_exact=True)
        for options in ({}, {"by": "group"}):
            a, b = (pd.DataFrame(s.tests(*WINDOW, **options)) for s in (frame, read))
            pd.testing.assert_frame_equal(a, b, check_exact=True)
        counts = ["code", "n_events", "ticker", "date"]
        pd.testing.assert_frame_equal(frame.exclusions[counts], read.exclusions[counts])
        assert dict(frame.counts) == dict(read.counts)
        if cars:
            pd.testing.assert_frame_equal(pd.DataFrame(frame.car()), pd.DataFrame(read.car()), check_exact=True)


@given(market=markets(calendars=("NYSE",)))
@settings(max_examples=5)
def test_a_parquet_folder_moves_the_same_dates(tmp_path_factory, market):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    events = market.events.assign(date=market.events["date"] + pd.offsets.Week(weekday=5))
    market = replace(market, events=events)
    folder = write_folder(market, tmp_path_factory.mktemp("folder"))
    frame, read = (
        streamed(market, cars=False, returns=returns, factors=market.factors) for returns in (market.firms, folder)
    )
    assert dict(frame.counts) == dict(read.counts)


def many(market: Market, n: int = 240) -> Market:
    """Repeat events until running sums pay: every firm on many sessions."""
    rng = np.random.default_rng(0)
    days = market.returns.index[rng.integers(46, N_SESSIONS - 5, n)]
    rows = {"event_id": [f"n{k}" for k in range(n)], "ticker": rng.choice(FIRMS, n), "date": days, "group": "x"}
    options = {**market.options, "duplicates": "keep"}
    return replace(market, events=pd.DataFrame(rows), options=options)


@given(market=markets(patterns=("one date",), exclusions=False))
@settings(max_examples=4)
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_running_sums_equal_windows_by_themselves_and_statsmodels(model, market):
    market = many(market)
    together = study(market, model=model)
    ids = list(together.panel.event_id)
    parts = [study(market.only(ids[k : k + 80]), model=model) for k in range(0, len(ids), 80)]
    close = {"rtol": 1e-8, "atol": 1e-12}
    for name in ("ar", "sar", "params"):
        alone = pd.concat([getattr(part, name) for part in parts])
        pd.testing.assert_frame_equal(alone, getattr(together, name), check_exact=False, **close)
    for first, last in all_windows()[::5]:
        alone = pd.concat([pd.DataFrame(part.car(first, last)) for part in parts])
        pd.testing.assert_frame_equal(alone, pd.DataFrame(together.car(first, last)), check_exact=False, **close)
    if model.intercept and model.terms:
        for event_id in ids[::60]:
            fit = ols(together, event_id, [str(term) for term in model.terms], market.returns)
            shown = together.params.loc[event_id]
            np.testing.assert_allclose(shown[list(model.param_names)].astype(float), fit.params, **close)
            assert (shown["df"], shown["n_obs"]) == (fit.df_resid, fit.nobs)
            assert shown["sigma"] == pytest.approx(np.sqrt(fit.mse_resid), rel=1e-8)


def ols(whole: ms.StudyResult, event_id: str, names: list[str], returns: pd.DataFrame):
    """Regress one event's estimation returns with statsmodels."""
    event = whole.events.loc[event_id]
    at = returns.index.get_loc(event["date"])
    estimation = returns.iloc[at + whole.spec.estimation.first : at + whole.spec.estimation.last + 1]
    y = estimation[event["ticker"]]
    return sm.OLS(y, sm.add_constant(estimation[names]), missing="drop").fit()
