"""Splits and spin-offs between a share count and the closes it meets: every number by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError, ShareCountWarning, SharesError

from .test_shares import prices, table


class TestSplits:
    def test_by_hand(self):
        """9 dollars x 24.6 bn new shares = 90 dollars x 2.46 bn old ones = 221.4 bn; band 9 x 0.05 bn."""
        row = ms.market_cap_change("2024-05-23", prices(), table()).table.loc["X"]
        assert row["change_usd"] == pytest.approx(221.4e9)
        assert row["change_high_usd"] - row["change_usd"] == pytest.approx(9 * 0.05e9)
        assert (row["shares"], row["rounding"], row["split_factor"]) == (24.6e9, 1e8, 10)
        assert row["cap_before_usd"] == pytest.approx(950 * 2.46e9)
        assert row["note"] == "count x 10 for the splits of X since (2024-06-10)"

    def test_the_repr_says_so(self):
        assert "X: count x 10 for the splits of X since" in repr(ms.market_cap_change("2024-05-23", prices(), table()))

    def test_not_known_changes_nothing(self):
        row = ms.market_cap_change("2024-05-23", prices(None), table()).table.loc["X"]
        assert (row["change_usd"], row["split_factor"], row["note"]) == (pytest.approx(9 * 2.46e9), 1, "")

    @pytest.mark.parametrize(
        ("as_of", "factor"), [("2024-06-07", 10), ("2024-06-10", 1), ("2024-06-11", 1)], ids=["before", "of", "after"]
    )
    def test_a_count_of_the_day_of_the_split_is_in_new_shares(self, as_of, factor):
        counts = table(as_of=as_of, filed=as_of)
        change = ms.market_cap_change("2024-05-23", prices(), counts, allow_lookahead=True)
        assert change.table.loc["X", "split_factor"] == factor

    def test_several_splits_of_the_ticker_alone(self):
        splits = [
            ("X", "2024-06-10", 10.0),
            ("X", "2023-01-03", 7.0),
            ("X", "2025-02-03", 0.5),
            ("Y", "2024-06-10", 3.0),
        ]
        assert ms.market_cap_change("2024-05-23", prices(splits), table()).table.loc["X", "split_factor"] == 5

    def test_an_exact_count_stays_exact(self):
        row = ms.market_cap_change("2024-05-23", prices(), table(rounding=1)).table.loc["X"]
        assert (row["rounding"], row["change_low_usd"]) == (1, row["change_high_usd"])

    def test_an_unlisted_class_follows_the_ticker_that_prices_it(self):
        counts = table(share_class=["A", "B", "C"], priced_at=["X", "X", "XC"], listed=[True, False, True])
        splits = [("X", "2024-06-10", 10.0), ("XC", "2024-06-10", 20.0)]
        row = ms.market_cap_change("2024-05-23", prices(splits, XC=[40.0, 50.0]), counts).table.loc["X"]
        assert row["change_usd"] == pytest.approx(2.46e9 * (10 * 9 + 10 * 9 + 20 * 10))
        assert np.isnan(row["split_factor"])
        assert "x 10 for the splits of X since (2024-06-10), count x 20 for the splits of XC" in row["note"]

    def test_dated_before_and_filed_after_a_split_is_taken_by_its_date_and_said(self):
        counts = table(as_of="2024-03-01", filed="2024-03-20")
        splits = [("X", "2024-03-11", 10.0)]
        with pytest.warns(
            ShareCountWarning, match=r"across the split of 2024-03-11: taken to be in old shares; if the f"
        ):
            change = ms.market_cap_change("2024-05-23", prices(splits), counts)
        assert change.table.loc["X", "split_factor"] == 10
        assert "across the split of 2024-03-11" in change.table.loc["X", "note"]

    @pytest.mark.parametrize("basis", ["balance sheet", "diluted average"])
    def test_financial_statements_are_restated_for_a_split_before_their_filing(self, basis):
        counts = table(basis=basis, as_of="2024-03-01", filed="2024-03-20")
        for day, factor in (("2024-03-11", 1), ("2024-03-20", 1), ("2024-03-21", 10)):
            priced = prices([("X", day, 10.0)])
            row = ms.reconcile("X", "2024-05-23", 9e9, prices=priced, shares=counts, printed={}).table.iloc[0]
            assert row["split_factor"] == factor

    def test_reconcile_multiplies_too(self):
        row = ms.reconcile("X", "2024-05-23", 9e9, prices=prices(), shares=table(), printed={}).table.iloc[0]
        assert (row["shares"], row["split_factor"]) == (24.6e9, 10)
        assert row["share_count"] == "cover count filed 2024-03-08 x 10 for splits"

    @pytest.mark.parametrize(
        ("splits", "message"),
        [
            (pd.DataFrame({"ticker": ["X"]}), "columns missing: date, ratio"),
            (pd.DataFrame({"ticker": ["X"], "date": ["soon"], "ratio": [2]}), "a split of X has no date"),
            (pd.DataFrame({"ticker": ["X"], "date": ["2024-06-10 ?"], "ratio": [2]}), "a split of X has no date"),
            (pd.DataFrame({"ticker": ["X"], "date": ["2024-06-10"], "ratio": [0]}), "X of 2024-06-10 has no positive"),
            (pd.DataFrame({"ticker": "X", "date": "2024-06-10", "ratio": [2, 2]}), "of 2024-06-10 is given twice"),
        ],
    )
    def test_faults(self, splits, message):
        with pytest.raises(InputError, match=message):
            ms.market_cap_change("2024-05-23", dataclasses.replace(prices(), splits=splits), table())

    def test_no_split_is_known_to_have_been(self):
        empty = pd.DataFrame({"ticker": [], "date": [], "ratio": []})
        change = ms.market_cap_change("2024-05-23", dataclasses.replace(prices(), splits=empty), table())
        assert change.table.loc["X", "split_factor"] == 1


class TestReach:
    """Splits are known from some day on; a count of before it cannot be brought into the shares of the closes."""

    @staticmethod
    def since(day, splits=()) -> ms.Prices:
        made = prices(splits)
        return dataclasses.replace(made, provenance={**made.provenance, "splits_since": day})

    @pytest.mark.parametrize("day", ["2024-03-02", {"X": "2024-03-02"}])
    def test_an_older_count_is_refused(self, day):
        with pytest.raises(
            SharesError,
            match=r"^shares: splits of X are known from 2024-03-02 on, and the count is of 2024-03-01; "
            r"fetch prices from 2024-03-01 on, or give a later count$",
        ):
            ms.market_cap_change("2024-05-23", self.since(day), table())

    @pytest.mark.parametrize("day", ["2024-03-01", "2022-12-30", {"Y": "2024-05-22"}, None])
    def test_a_count_of_that_day_or_later_is_taken(self, day):
        assert ms.market_cap_change("2024-05-23", self.since(day), table()).table.loc["X", "split_factor"] == 1

    def test_financial_statements_count_from_their_filing(self):
        counts = table(basis="balance sheet")
        assert len(ms.market_cap_change("2024-05-23", self.since("2024-03-08"), counts).table) == 1
        with pytest.raises(SharesError, match="the count is of 2024-03-08"):
            ms.market_cap_change("2024-05-23", self.since("2024-03-09"), counts)

    def test_without_any_splits_the_day_says_nothing(self):
        nothing = dataclasses.replace(self.since("2024-05-22"), splits=None)
        assert len(ms.market_cap_change("2024-05-23", nothing, table()).table) == 1

    def test_reconcile_leaves_out_alternatives_and_refuses_the_count_that_values(self):
        counts = table(shares=[2e9, 3e9], as_of=["2024-01-02", "2024-03-01"], filed=["2024-01-09", "2024-03-08"])
        listed = ms.reconcile("X", "2024-05-23", 9e9, prices=self.since("2024-02-01"), shares=counts, printed={})
        assert list(listed.table["shares"]) == [3e9]
        why = "splits of X are known from 2024-02-01 on, and the count is of 2024-01-02"
        said = f"left out the cover count filed 2024-01-09: {why}"
        assert listed.notes == (said,)
        assert said in " ".join(repr(listed).split())
        assert said in listed._repr_html_()
        for late in (counts, table(basis="diluted average")):
            with pytest.raises(SharesError, match="splits of X are known from 2024-05-22 on"):
                ms.reconcile("X", "2024-05-23", 9e9, prices=self.since("2024-05-22"), shares=late, printed={})

    def test_splits_that_are_not_known_are_said_once(self):
        said = "splits are not known: counts are taken as they are, in the shares the closes are quoted in"
        change = ms.market_cap_change("2024-05-23", prices(None), table())
        assert change.note == said
        assert " ".join(repr(change).split()).count(said) == 1
        listed = ms.reconcile("X", "2024-05-23", 9e9, prices=prices(None), shares=table(), printed={})
        assert listed.notes == (said,)
        assert ms.market_cap_change("2024-05-23", prices(()), table()).note == ""

    @pytest.mark.parametrize("day", ["2024-05-23", {"X": "2024-05-23", "Y": "2020-01-02"}])
    def test_splits_known_until_some_day_are_said(self, day):
        made = self.since("2024-01-02")
        made = dataclasses.replace(made, provenance={**made.provenance, "splits_until": day})
        note = "splits are known until 2024-05-23: closes adjusted for a later one would not meet their counts"
        assert ms.market_cap_change("2024-05-23", made, table()).note == note


class TestSpinOffs:
    """Vendors record them as splits; the closes before are divided by the ratio, and no count changes."""

    BETWEEN, AFTER = "2024-04-02", "2024-06-10"

    def test_after_the_session_the_ratio_undoes_the_adjustment_of_the_closes(self):
        """Closes of 119.035 and 130.312 as traded are quoted as 95 and 104; 2.46 bn shares all the while."""
        row = ms.market_cap_change("2024-05-23", prices([("X", self.AFTER, 1.253)]), table()).table.loc["X"]
        assert row["cap_before_usd"] == pytest.approx(119.035 * 2.46e9)
        assert row["change_usd"] == pytest.approx((130.312 - 119.035) * 2.46e9)

    def test_between_count_and_session_the_count_stays_and_the_reader_is_told(self):
        said = (
            "the split of X by 1.253 on 2024-04-02 is taken for a spin-off: the count stays as it is; if it was a "
            "split, give a count of that day or later"
        )
        spun = prices([("X", self.BETWEEN, 1.253)])
        with pytest.warns(ShareCountWarning, match=said):
            row = ms.market_cap_change("2024-05-23", spun, table()).table.loc["X"]
        assert (row["split_factor"], row["shares"], row["note"]) == (1, 2.46e9, said)
        assert row["cap_before_usd"] == pytest.approx(95 * 2.46e9)
        assert ms.reconcile("X", "2024-05-23", 9e9, prices=spun, shares=table(), printed={}).notes == (said,)

    @pytest.mark.parametrize(("day", "said"), [("2024-05-22", False), ("2024-05-23", True)])
    def test_on_the_day_of_the_session_the_close_before_is_without_it(self, day, said):
        with pytest.warns(ShareCountWarning, match="spin-off"):
            row = ms.market_cap_change("2024-05-23", prices([("X", day, 1.253)]), table()).table.loc["X"]
        assert row["split_factor"] == 1
        assert ("the close before is without what was spun off" in row["note"]) == said

    def test_a_count_of_after_a_spin_off_that_came_after_the_session(self):
        """Looking ahead: the count of July is that of May, but the closes of May were divided since."""
        counts = table(as_of="2024-07-01", filed="2024-07-08")
        for ratio, factor in ((1.253, 1.253), (10.0, 1.0)):
            made = ms.market_cap_change("2024-05-23", prices([("X", self.AFTER, ratio)]), counts, allow_lookahead=True)
            assert made.table.loc["X", "split_factor"] == factor

    def test_with_a_split_beside_it(self):
        """Three for two in March and a spin-off in April: 1.5 x 2.46 bn; one for eight in June."""
        splits = [("X", "2024-03-11", 1.5), ("X", self.BETWEEN, 1.281), ("X", self.AFTER, 0.125)]
        with pytest.warns(ShareCountWarning, match=r"by 1\.281 on 2024-04-02"):
            row = ms.market_cap_change("2024-05-23", prices(splits), table()).table.loc["X"]
        assert row["shares"] == pytest.approx(2.46e9 * 1.5 / 8)
        assert "count x 0.1875 for the splits of X since (2024-03-11, 2024-06-10)" in row["note"]

    @pytest.mark.parametrize(
        "ratio", [1.5, 10, 1 / 8, 50, 1 / 30, 0.0333, 4 / 3, 1.3333, 20 / 19, 1.25, 2 / 3, 0.972, 0.1566, 100]
    )
    def test_ratios_of_splits(self, ratio):
        made = ms.market_cap_change("2024-05-23", prices([("X", self.BETWEEN, ratio)]), table())
        assert made.table.loc["X", "split_factor"] == ratio

    @pytest.mark.parametrize("ratio", [1.253, 1.281, 1.046, 21 / 20, 1.1414, 2.4321])
    def test_ratios_of_spin_offs(self, ratio):
        with pytest.warns(ShareCountWarning, match="spin-off"):
            made = ms.market_cap_change("2024-05-23", prices([("X", self.BETWEEN, ratio)]), table())
        assert made.table.loc["X", "split_factor"] == 1
