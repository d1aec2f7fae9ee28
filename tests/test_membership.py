"""Who belonged to a group on a day: as of that day, and not silent where nothing is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError, MembershipWarning, PriceError, UnknownNameError

DAYS = pd.DatetimeIndex(["2025-01-02", "2025-01-03", "2025-01-06", "2025-01-07"], name="date")
CAPS = pd.DataFrame({"A": [3.0, 1, 1, 3], "B": [2.0, 2, 2, np.nan], "C": [1.0, 3, 2, 1]}, index=DAYS)


class TestTop:
    def test_ranks_on_the_session_before(self):
        top = ms.Membership.top(1, CAPS)
        assert top.known(DAYS).tolist() == [False, True, True, True]
        assert top.on(DAYS[1:], ["A", "B", "C"]).tolist() == [
            [True, False, False],
            [False, False, True],
            [False, True, True],  # B and C tie for the only place
        ]

    def test_the_day_itself_and_later_ones_do_not_decide(self):
        changed = CAPS.copy()
        changed.iloc[2:] = [[9.0, 1, 1], [1.0, 9, 1]]
        a, b = (ms.Membership.top(2, c).on(DAYS[1:3], ["A", "B", "C"]) for c in (CAPS, changed))
        np.testing.assert_array_equal(a, b)

    def test_a_day_with_too_few_caps_is_unknown(self):
        top = ms.Membership.top(3, CAPS)
        assert top.known(["2025-01-07", "2025-01-08"]).tolist() == [True, False]
        with pytest.raises(InputError, match="3 largest by market cap the session before: not known on 2025"):
            top.on(["2025-01-08"], ["A"])

    def test_an_old_ranking_is_not_carried(self):
        assert ms.Membership.top(2, CAPS).known(["2025-01-14", "2025-01-15"]).tolist() == [True, False]
        assert ms.Membership.top(2, CAPS, max_age=35).known(["2025-02-11"]).tolist() == [True]

    def test_classes_of_a_firm_are_members_together(self):
        top = ms.Membership.top(1, pd.DataFrame({"GOOGL": [2.0, 2], "NVDA": [1.0, 1]}, index=DAYS[:2]))
        assert top.on(DAYS[1:2], ["GOOG", "GOOGL", "NVDA"]).tolist() == [[True, True, False]]
        with pytest.raises(InputError, match="GOOG and GOOGL are classes of one firm"):
            ms.Membership.top(1, pd.DataFrame({"GOOG": [1.0], "GOOGL": [1.0]}, index=DAYS[:1]))

    def test_palantir_grows_into_the_fifty(self):
        """A list of one day would have had it in, or out, throughout."""
        caps = ms.datasets.sp500().market_caps()
        days = caps.loc["2025-01-02":].index
        inside = ms.Membership.top(50, caps).on(days, ["PLTR"])[:, 0]
        assert not inside[0]
        assert inside[-1]
        first = days[np.argmax(inside)]
        rank = caps.rank(axis=1, ascending=False)["PLTR"]
        assert rank[caps.index[caps.index < first][-1]] <= 50 < rank[caps.index[caps.index < first][-2]]

    @pytest.mark.parametrize("n", [0, 4, 2.0, True])
    def test_refuses_n(self, n):
        with pytest.raises(InputError, match="whole number from 1 to 3"):
            ms.Membership.top(n, CAPS)

    def test_refuses_caps(self):
        with pytest.raises(PriceError, match="not positive"):
            ms.Membership.top(1, CAPS.assign(A=-1.0))
        with pytest.raises(PriceError, match="infinite"):
            ms.Membership.top(1, CAPS.assign(A=np.inf))
        with pytest.raises(InputError, match="max_age: got 0; give calendar days, 1 or more"):
            ms.Membership.top(1, CAPS, max_age=0)


class TestOtherKinds:
    def test_of(self):
        seven = ms.Membership.of(ms.MAGNIFICENT_SEVEN)
        assert seven.on(["1990-01-02"], ["NVDA", "IBM"]).tolist() == [[True, False]]
        assert seven.name == "AAPL, MSFT, GOOGL and 4 more"
        for wrong in ([], "NVDA"):
            with pytest.raises(InputError, match="give a list"):
                ms.Membership.of(wrong)

    def test_from_frame(self):
        frame = pd.DataFrame({"A": [True, False], "B": [True, True]}, index=DAYS[:2])
        of = ms.Membership.from_frame(frame)
        assert of.on(DAYS[:2], ["B", "A", "C"]).tolist() == [[True, True, False], [True, False, False]]
        assert of.known(DAYS).tolist() == [True, True, False, False]
        monthly = ms.Membership.from_frame(frame, max_age=31)
        assert monthly.known(["2025-01-01", "2025-02-03", "2025-02-04"]).tolist() == [False, True, False]
        with pytest.raises(InputError, match="has other values than True and False"):
            ms.Membership.from_frame(frame.astype(float))
        with pytest.raises(PriceError, match="not sorted"):
            ms.Membership.from_frame(frame[::-1])

    def test_intervals(self):
        table = pd.DataFrame(
            {
                "ticker": ["A", "B", "A"],
                "first": ["2025-01-01", None, "2025-01-07"],
                "last": ["2025-01-03", "2025-01-06", None],
            }
        )
        of = ms.Membership.intervals(table)
        assert of.on(DAYS, ["A", "B"]).tolist() == [[True, True], [True, True], [False, True], [True, False]]
        assert ms.Membership.intervals(table.iloc[:1]).known(DAYS).tolist() == [True, True, False, False]
        with pytest.raises(InputError, match=r"A ends on 2024-12-31, before 2025-01-01"):
            ms.Membership.intervals(table.iloc[:1].assign(last="2024-12-31"))
        with pytest.raises(InputError, match="has no column 'last'"):
            ms.Membership.intervals(table[["ticker", "first"]])
        with pytest.raises(InputError, match="no date"):
            ms.Membership.intervals(table.iloc[:1].assign(last="soon"))

    def test_both(self):
        both = ms.Membership.top(2, CAPS) & ms.Membership.of(["A", "B"])
        assert both.on(DAYS[1:2], ["A", "B", "C"]).tolist() == [[True, True, False]]
        assert both.on(DAYS[2:3], ["A", "B", "C"]).tolist() == [[False, True, False]]
        assert both.known(DAYS).tolist() == [False, True, True, True]
        assert both.name == "2 largest by market cap the session before, A, B"
        with pytest.raises(TypeError):
            _ = both & ["A"]

    def test_repr(self):
        assert "3 largest" in repr(ms.Membership.top(3, CAPS))


class TestInFragility:
    FRAME = pd.DataFrame({"A": [0.01] * 4, "B": [0.01, 0.01, 0.01, 0.2]}, index=DAYS)

    def measured(self, **options) -> ms.Fragility:
        return ms.fragility(returns=self.FRAME, log=True, window=2, **options)

    def test_counts_who_belonged_on_the_day(self):
        left = ms.Membership.from_frame(pd.DataFrame({"A": [True] * 4, "B": [True, True, True, False]}, index=DAYS))
        assert self.measured().count("2025-01-07") == 1
        assert self.measured().count("2025-01-07", members=left) == 0
        assert self.measured(members=left).counts()["n_securities"].tolist() == [0, 0, 2, 1]

    def test_unknown_sessions_are_left_out_and_said(self):
        three = ms.Membership.from_frame(pd.DataFrame({"A": [True] * 3, "B": [True] * 3}, index=DAYS[:3]))
        with pytest.warns(MembershipWarning, match="not known on 1 of 2 sessions, the first on 2025-01-07") as told:
            assert len(self.measured().counts(members=three)) == 3
        assert told[0].filename == __file__
        with pytest.raises(InputError, match="known on none of the 1 sessions"):
            self.measured().count("2025-01-07", members=three)

    def test_sessions_without_any_z_need_no_membership(self):
        later = ms.Membership.from_frame(pd.DataFrame({"A": [True] * 2}, index=DAYS[2:]))
        assert self.measured().counts(members=later)["n_securities"].tolist() == [1, 1]

    def test_nobody_in_common(self):
        for other in (
            ms.Membership.from_frame(pd.DataFrame({"X": [True]}, index=DAYS[:1])),
            ms.Membership.intervals(pd.DataFrame({"ticker": ["X"], "first": [None], "last": [None]})),
            ms.Membership.top(1, pd.DataFrame({"X": [1.0]}, index=DAYS[:1])),
        ):
            with pytest.raises(UnknownNameError, match="share no ticker"):
                self.measured().counts(members=other)
