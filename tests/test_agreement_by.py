"""Agreement of tests by label with separate studies of the events of each label."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import marketshock as ms

from .made_markets import WINDOW, Market, markets, study

BOOTSTRAPS = ms.Resampling(99, seed=5)
EVERY = [name for name, test in ms.TESTS.items() if test.scope == "sample"]
SLOW = ("wild_bootstrap", "block_bootstrap")
CLOSE = 1e-9


def assert_same_answers(mine: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Compare every column of two tables of tests, rows in their order."""
    assert list(mine.index) == list(theirs.index)
    assert list(mine.columns) == list(theirs.columns)
    for name in mine.columns:
        a, b = list(mine[name]), list(theirs[name])
        if name in ("statistic", "pvalue"):
            np.testing.assert_allclose(a, b, rtol=CLOSE, atol=CLOSE, err_msg=f"{name} {list(mine.index)}")
        elif name in ("df", "df2"):
            np.testing.assert_allclose(a, b, rtol=CLOSE, err_msg=name)
        else:
            assert a == b, name


@pytest.mark.parametrize("by", ["event", "group", "ticker", "date"])
@given(market=markets())
@settings(max_examples=6)
def test_tests_by_label_equal_separate_studies(by, market):
    whole = study(market)
    table = whole.tests(0, 2, by=by, which=EVERY, resampling=BOOTSTRAPS)
    labels = whole.events[by]
    assert list(dict.fromkeys(table.index.get_level_values(by))) == list(pd.unique(labels))
    for label in pd.unique(labels):
        alone = study(market.only(labels.index[labels == label]))
        theirs = alone.tests(0, 2, which=EVERY, resampling=BOOTSTRAPS)
        assert_same_answers(table.loc[[label]].droplevel(by), theirs)


@given(market=markets())
@settings(max_examples=8)
def test_the_default_tests_by_label_are_those_of_a_separate_study(market):
    whole = study(market)
    for by in ("group", "date"):
        table, labels = whole.tests(*WINDOW, by=by), whole.events[by]
        for label in pd.unique(labels):
            alone = study(market.only(labels.index[labels == label]))
            assert_same_answers(table.loc[[label]].droplevel(by), alone.tests(*WINDOW))


@given(market=markets())
@settings(max_examples=8)
def test_tests_by_day_equal_tests_of_the_day(market):
    whole = study(market)
    table = whole.tests(*WINDOW, by="day")
    for day in whole.spec.window.offsets():
        assert_same_answers(table.loc[[day]].droplevel("day"), whole.tests(int(day), int(day)))


@given(market=markets())
@settings(max_examples=8)
def test_tests_of_firms_equal_their_cars(market):
    whole = study(market)
    for first, last in ((0, 0), WINDOW):
        car, firm = whole.car(first, last), whole.tests(first, last, which="t_firm").set_index("event_id")
        firm = firm.loc[car.index]  # what applies stands first
        for mine, theirs in (("statistic", "t"), ("pvalue", "pvalue")):
            np.testing.assert_allclose(firm[mine], car[theirs], rtol=CLOSE)
        there = car["car"].notna()
        assert (firm.loc[there, "df"].astype(float) == car.loc[there, "df"]).all()
        assert firm.loc[~there, "note"].str.startswith("does not apply").all()


@given(market=markets())
@settings(max_examples=8)
def test_one_study_equals_a_study_per_event(market):
    """Every frame of a study of several events holds the rows of the studies of each."""
    whole = study(market)
    parts = [study(market.only([event_id])) for event_id in whole.panel.event_id]
    exact = {"check_exact": False, "rtol": CLOSE, "atol": 1e-14}
    for read in (lambda s: s.ar, lambda s: s.sar, lambda s: s.params, lambda s: s.events, lambda s: s.to_frame()):
        pd.testing.assert_frame_equal(read(whole), pd.concat([read(part) for part in parts]), **exact)
    for first, last in ((0, 0), (-1, 2), WINDOW):
        for read in (lambda s, a=first, b=last: s.car(a, b), lambda s, a=first, b=last: s.bhar(a, b)):
            alone = pd.concat([pd.DataFrame(read(part)) for part in parts])
            pd.testing.assert_frame_equal(pd.DataFrame(read(whole)), alone, **exact)


@given(market=markets())
@settings(max_examples=8)
def test_permuted_events_permute_rows(market):
    market = market.only(study(market).panel.event_id)
    order = np.random.default_rng(3).permutation(len(market.events))
    a, b = study(market), study(Market(market.returns, market.events.iloc[order], market.options))
    assert list(b.panel.event_id) == [a.panel.event_id[k] for k in order]
    exact = {"check_exact": False, "rtol": CLOSE, "atol": 1e-14}
    for read in (lambda s: s.ar, lambda s: s.params, lambda s: s.events, lambda s: pd.DataFrame(s.car(*WINDOW))):
        pd.testing.assert_frame_equal(read(a).loc[list(b.panel.event_id)], read(b), **exact)
    pd.testing.assert_frame_equal(a.aar(), b.aar(), **exact)
    assert_same_answers(*(s.tests(*WINDOW, which=[t for t in EVERY if t not in SLOW]) for s in (a, b)))
