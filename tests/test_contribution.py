"""What a group did to an index: by hand, as known the day before, with bounds for what is not known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marketshock as ms
from marketshock.errors import InputError, NotSessionError, UnknownNameError

DAYS = pd.DatetimeIndex(["2025-01-02", "2025-01-03", "2025-01-06"], name="date")
CAPS = pd.DataFrame({"A": [50.0, 40, 44], "B": [30.0, 33, 33], "C": [20.0, 20, np.nan]}, index=DAYS)
INDEX = pd.Series([100.0, 92.0, 95.0], index=DAYS)


def test_by_hand():
    told = ms.index_contribution(["A"], "2025-01-03", caps=CAPS, index=INDEX)
    assert told.table["weight"].tolist() == [0.5, 0.3, 0.2]
    np.testing.assert_allclose(told.table["contribution"], [-0.10, 0.03, 0.0], atol=1e-15)
    s = told.summary
    assert s["group_contribution"] == pytest.approx(-0.10)
    assert s["rest_contribution"] == pytest.approx(0.03)
    assert s["weighted_return"] == pytest.approx(-0.07)
    assert s["index_return"] == pytest.approx(-0.08)
    assert s["share"] == pytest.approx(1.25)
    assert s["share_of_known"] == pytest.approx(10 / 7)
    assert np.isnan(s["share_low"])
    assert "The number of firms in the index is unknown" in " ".join(told.notes)


def test_a_period_is_bought_and_held():
    told = ms.index_contribution(["A"], "2025-01-03", "2025-01-06", caps=CAPS, index=INDEX)
    assert list(told.table.index) == ["A", "B"]  # C has no cap at the end
    assert told.table["contribution"].tolist() == pytest.approx([-6 / 80, 3 / 80])
    assert told.summary["index_return"] == pytest.approx(-0.05)


def test_bounds_of_what_is_not_known():
    """Two missing firms of at most 10 each: at least 100 of 120 are known."""
    told = ms.index_contribution(["A"], "2025-01-03", caps=CAPS, index=INDEX, n_firms=5, missing_usd=10.0)
    assert told.coverage_low == pytest.approx(100 / 120)
    assert told.summary["group_weight_low"] == pytest.approx(50 / 120)
    assert told.summary["share_low"] == pytest.approx(1.25 * 100 / 120)
    full = CAPS.assign(D=10.0, E=10.0)
    exact = ms.index_contribution(["A"], "2025-01-03", caps=full, index=INDEX, n_firms=5)
    assert exact.summary["group_contribution"] == pytest.approx(told.summary["group_contribution_low"])
    assert exact.coverage_low == 1
    open_ended = ms.index_contribution(["A"], "2025-01-03", caps=CAPS, index=INDEX, n_firms=5)
    assert "there is no bound on the other 2" in " ".join(" ".join(open_ended.notes).split())
    assert "at most 125 %" in repr(open_ended)


def test_members_as_of_the_day():
    joined = ms.Membership.from_frame(pd.DataFrame({"A": [True] * 3, "B": [False, True, True]}, index=DAYS))
    told = ms.index_contribution(["A"], "2025-01-03", caps=CAPS, members=joined)
    assert list(told.table.index) == ["A", "B"]
    assert np.isnan(told.summary["share"])
    with pytest.raises(InputError, match="C is not a member with a cap on 2025-01-02 and on 2025-01-03"):
        ms.index_contribution(["C"], "2025-01-03", caps=CAPS, members=joined)


@given(st.integers(0, 2**31), st.floats(0.01, 100))
def test_weights_sum_and_units_do_not_matter(seed, unit):
    rng = np.random.default_rng(seed)
    caps = pd.DataFrame(rng.lognormal(0, 1, (3, 6)), index=DAYS, columns=list("ABCDEF"))
    a, b = (ms.index_contribution(["A", "C"], "2025-01-03", "2025-01-06", caps=c) for c in (caps, caps * unit))
    assert a.table["weight"].sum() == pytest.approx(1)
    whole = caps.iloc[2].sum() / caps.iloc[0].sum() - 1
    assert a.summary["weighted_return"] == pytest.approx(whole, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(a.table["contribution"], b.table["contribution"], rtol=1e-9)


class TestTheSeven:
    def test_on_27_january(self):
        told = ms.index_contribution([*ms.MAGNIFICENT_SEVEN, "GOOG"], "2025-01-27")
        s = told.summary
        assert len(told.group) == 7
        assert str(told.before) == "2025-01-24"
        assert len(told.table) == 347
        assert s["weighted_return"] == pytest.approx(s["index_return"], abs=0.001)
        assert s["index_return"] == pytest.approx(-0.0146, abs=0.00005)
        assert s["group_contribution"] == pytest.approx(-0.01242, abs=0.00001)
        assert (s["share_low"], s["share"]) == (pytest.approx(0.798, abs=0.001), pytest.approx(0.852, abs=0.001))
        assert told.table.loc["NVDA", "contribution"] == pytest.approx(-0.01128, abs=0.00001)
        for words in (
            "NVDA",
            "the group",
            "index as quoted",
            "85 %, or 80 % if every missing firm had the largest possible cap",
        ):
            assert words in " ".join(repr(told).split()), words
        assert "347 of 500 firms" in told._repr_html_()

    def test_over_two_years_nothing_bounds_the_missing(self):
        told = ms.index_contribution(ms.MAGNIFICENT_SEVEN, "2023-01-04", "2025-02-12")
        assert np.isnan(told.coverage_low)
        assert "PLTR" not in told.table.index  # it joined in September 2024
        assert told.summary["index_return"] == pytest.approx(0.5826, abs=0.0001)
        assert "there is no bound on the other 382" in " ".join(" ".join(told.notes).split())

    def test_a_still_index(self):
        told = ms.index_contribution(["A"], "2025-01-03", caps=CAPS, index=INDEX * 0 + [100, 100.01, 100])
        assert "shares of so small a move mean little" in " ".join(told.notes)
        still = ms.index_contribution(["A"], "2025-01-03", caps=CAPS, index=INDEX * 0 + 100)
        assert np.isnan(still.summary["share"])


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((["X"], "2025-01-03"), {}, "group: unknown: 'X'"),
        (("A", "2025-01-03"), {}, "give a list"),
        ((["A"], "2025-01-02"), {}, "there are no caps before 2025-01-02; begin on 2025-01-03"),
        ((["A"], "2025-01-06", "2025-01-03"), {}, "swap them"),
        ((["A"], "2025-01-04"), {}, "no session on 2025-01-04"),
        ((["A"], "2025-01-03"), {"index": INDEX[:1]}, "has no close on 2025-01-03"),
        ((["A"], "2025-01-03"), {"index": 5}, "give a Series"),
        ((["A"], "2025-01-03"), {"n_firms": 2}, "n_firms: got 2"),
        ((["A"], "2025-01-03"), {"missing_usd": -1}, "missing_usd: got -1"),
        ((["A"], "2025-01-03"), {"caps": CAPS.assign(A=0.0)}, "not positive"),
    ],
)
def test_bad_input(arguments, options, words):
    with pytest.raises((InputError, NotSessionError, UnknownNameError)) as error:
        ms.index_contribution(*arguments, **{"caps": CAPS, "index": INDEX, **options})
    assert words in str(error.value)
