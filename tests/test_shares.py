"""Share counts: where they come from, when they were known, and the splits between them and the closes."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError, LookAheadError, PriceError, ShareCountWarning, SharesError

from .conftest import ROOT

BUNDLED = ROOT / "data" / "figures" / "shares.csv"


def table(**columns) -> ms.SharesTable:
    """One count of X, unless told otherwise: 2.46 bn in old shares, rounded to 10 million."""
    row = {"firm": "X", "shares": 2.46e9, "rounding": 1e7, "as_of": "2024-03-01", "filed": "2024-03-08"}
    length = max((len(v) for v in columns.values() if isinstance(v, list)), default=1)
    return ms.SharesTable.from_frame(pd.DataFrame({**row, **columns}, index=range(length)))


def prices(splits=(("X", "2024-06-10", 10.0),), currency=None, **closes) -> ms.Prices:
    """Closes in new shares: X went from 950 to 1040 as traded then, from 95 to 104 in today's units."""
    index = pd.to_datetime(["2024-05-22", "2024-05-23"])
    made = ms.Prices.from_frame(pd.DataFrame({"X": [95.0, 104.0], **closes}, index=index))
    frame = None if splits is None else pd.DataFrame(splits, columns=["ticker", "date", "ratio"])
    about = {**made.provenance, **({"currency": currency} if currency else {})}
    return dataclasses.replace(made, splits=frame, provenance=about)


class TestVendorCounts:
    VENDOR: ClassVar = {"basis": "vendor", "filed": [None, None], "shares": [1e9, 2e9]}

    def test_a_count_dated_before_is_taken_and_the_reader_is_told(self):
        counts = table(**self.VENDOR, as_of=["2024-05-20", "2024-05-23"])
        with pytest.warns(ShareCountWarning, match=r"X: vendor count dated 2024-05-20, .*look-ahead cannot be excl"):
            change = ms.market_cap_change("2024-05-23", prices(None), counts)
        row = change.table.loc["X"]
        assert (row["shares"], row["basis"], row["lookahead"]) == (1e9, "vendor", False)
        assert pd.isna(row["filed"])
        assert "look-ahead cannot be excluded" in row["note"]
        assert "not known" in repr(change)
        assert "look-ahead cannot be excluded" in " ".join(repr(change).split())

    def test_of_the_very_day_is_not_before(self):
        counts = table(**self.VENDOR, as_of=["2024-05-23", "2024-05-24"])
        with pytest.raises(LookAheadError, match="first count of X was dated on 2024-05-23, not before 2024-05-23"):
            ms.market_cap_change("2024-05-23", prices(None), counts)
        with pytest.warns(ShareCountWarning):
            change = ms.market_cap_change("2024-05-23", prices(None), counts, allow_lookahead=True)
        assert change.table.loc["X", "lookahead"]

    def test_a_filing_date_counts_where_a_vendor_gives_one(self):
        counts = table(basis="vendor", as_of="2024-05-20", filed="2024-05-28")
        with pytest.raises(LookAheadError, match="filed on 2024-05-28"):
            counts.known_on("X", np.datetime64("2024-05-23"))

    @pytest.mark.parametrize(("other", "taken"), [("cover", "cover"), ("balance sheet", "balance sheet")])
    def test_filed_counts_come_first(self, other, taken):
        counts = table(basis=["vendor", other], filed=[None, "2024-03-08"], as_of=["2024-05-20", "2024-03-01"])
        assert list(counts.known_on("X", np.datetime64("2024-05-23"))["basis"]) == [taken]

    def test_averages_value_nothing(self):
        with pytest.raises(SharesError, match=r"no cover count of X \(its bases are 'diluted average'\)"):
            table(basis="diluted average").known_on("X", np.datetime64("2024-05-23"))

    @pytest.mark.parametrize("basis", ["cover", "balance sheet"])
    def test_others_need_a_filing_date(self, basis):
        with pytest.raises(SharesError, match="only a count of basis 'vendor' may have none"):
            table(basis=basis, filed=[None])

    def test_two_of_one_day(self):
        with pytest.raises(SharesError, match="two vendor counts of common dated 2024-03-01"):
            table(**self.VENDOR)

    def test_reconcile_lists_them_by_their_date(self):
        counts = table(basis=["vendor"] * 3, filed=[None] * 3, as_of=["2022-01-03", "2024-05-20", "2024-05-24"])
        listed = ms.reconcile("X", "2024-05-23", 9e9, prices=prices(None), shares=counts, printed={})
        assert list(listed.table["share_count"]) == ["vendor count dated 2024-05-20"]
        ahead = ms.reconcile(
            "X", "2024-05-23", 9e9, prices=prices(None), shares=counts, printed={}, allow_lookahead=True
        )
        assert list(ahead.table["lookahead"]) == [False, True]
        assert "dated) on or after the session" in repr(ahead)


class TestKnown:
    def test_an_amendment_of_an_old_filing_does_not_displace_a_newer_count(self):
        """The amended annual report is filed after the quarterly one, and its count is of an earlier day."""
        counts = table(
            shares=[1e9, 2e9, 1.1e9],
            as_of=["2024-01-31", "2024-04-30", "2024-01-31"],
            filed=["2024-02-10", "2024-05-05", "2024-05-10"],
        )
        known = [counts.known_on("X", np.datetime64(day))["shares"].item() for day in ("2024-05-01", "2024-05-23")]
        assert known == [1e9, 2e9]

    def test_an_amendment_is_known_from_its_own_filing(self):
        counts = table(shares=[1e9, 1.1e9], filed=["2024-03-08", "2024-05-10"])
        known = [counts.known_on("X", np.datetime64(day))["shares"].item() for day in ("2024-05-10", "2024-05-13")]
        assert known == [1e9, 1.1e9]

    def test_an_old_count_is_taken_with_a_word(self):
        counts = table(as_of="2020-01-02", filed="2020-01-10")
        with pytest.warns(ShareCountWarning, match="count dated 2020-01-02 is 1603 days older than the session"):
            change = ms.market_cap_change("2024-05-23", prices(None), counts)
        assert "1603 days older" in change.table.loc["X", "note"]

    def test_a_warning_names_three_firms_at_most(self):
        firms = ["X", "A", "B", "C"]
        closes = {firm: [1.0, 2.0] for firm in "ABC"}
        with pytest.warns(ShareCountWarning, match="and 1 more: see the column note"):
            ms.market_cap_change("2024-05-23", prices(None, **closes), table(firm=firms, as_of="2020-01-02"))


class TestCurrency:
    @pytest.mark.parametrize("currency", [{"X": "EUR"}, "GBp"])
    def test_closes_in_another_currency_are_refused(self, currency):
        with pytest.raises(
            PriceError, match=r"X is quoted in (EUR|GBp), and market caps are in USD; give its closes in"
        ):
            ms.market_cap_change("2024-05-23", prices(currency=currency), table())

    @pytest.mark.parametrize("currency", [None, {"X": "USD", "Y": "EUR"}, {"X": None}, {"Y": "EUR"}, "USD"])
    def test_what_is_not_said_is_taken_for_dollars(self, currency):
        assert len(ms.market_cap_change("2024-05-23", prices(currency=currency), table()).table) == 1


class TestCsv:
    HEAD = "firm,shares,as_of,filed\n"

    def read(self, tmp_path, text) -> ms.SharesTable:
        (tmp_path / "mine.csv").write_text(text)
        return ms.SharesTable.from_csv(tmp_path / "mine.csv")

    def test_the_bundled_table(self):
        pd.testing.assert_frame_equal(ms.SharesTable.from_csv(BUNDLED).table, ms.share_counts().table)
        bundled = ms.share_counts()
        assert bundled.table["shares"].dtype == np.int64
        assert bundled.table["listed"].dtype == bool
        assert bundled.notes == ()
        assert bundled.source == "cover pages of SEC filings (bundled)"

    def test_least_columns_and_a_ticker_that_looks_like_something_else(self, tmp_path):
        read = self.read(tmp_path, self.HEAD + "TRUE,1000000,2025-01-01,2025-01-15\nNA,2000000,2025-01-01,2025-01-15\n")
        assert read.firms == ["TRUE", "NA"]
        assert read.source == "mine.csv"

    def test_a_vendor_s_count_without_a_filing_date(self, tmp_path):
        read = self.read(tmp_path, "firm,shares,basis,as_of,filed\nX,1000000,vendor,2025-01-01,\n")
        assert read.table["filed"].isna().all()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "cannot be read|no table of counts|empty"),
            ("firm,shares,as_of,filed\n", "no table of counts"),
            ("firm,shares,as_of\nX,1,2025-01-01\n", "columns missing: filed"),
            ("firm,shares,as_of,filed,class\nX,1,2025-01-01,2025-01-02,A\n", "unknown columns: class; known are firm"),
            ("firm,shares,as_of,filed,listed\nX,1,2025-01-01,2025-01-02,maybe\n", "listed holds 'maybe'; write yes or"),
            (HEAD + 'X,"1,000,000",2025-01-01,2025-01-15\n', "shares 1,000,000 is not positive; give a plain number"),
            (HEAD + "X,1000000,01/15/2025,2025-01-15\n", "as_of holds '01/15/2025', which is no date"),
            (HEAD + "X,1000000,2025-01-15,2025-01-01\n", "X: filed 2025-01-01 before its date 2025-01-15"),
            (HEAD + ",1000000,2025-01-01,2025-01-15\n", "a count has no firm"),
            ("firm,shares,as_of,filed,share_class\nX,1,2025-01-01,2025-01-02,\n", "a count of X has no share_class"),
            ("firm,shares,as_of,filed,rounding\nX,1,2025-01-01,2025-01-02,\n", "X: rounding nan is not positive"),
            (HEAD + "X,1,2025-01-01,2025-01-02,9,9\n", "more fields than its header|cannot be read"),
        ],
    )
    def test_one_sentence_on_each_bad_file(self, tmp_path, text, message):
        with pytest.raises(InputError, match=message) as caught:
            self.read(tmp_path, text)
        assert "mine.csv" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_no_such_file(self, tmp_path):
        with pytest.raises(InputError, match="no such file"):
            ms.SharesTable.from_csv(tmp_path / "nothing.csv")


class TestNotes:
    ROW: ClassVar = {"firm": ["X"], "shares": [1e6], "as_of": ["2025-01-01"], "filed": ["2025-01-15"]}

    def test_columns_that_are_not_read_are_named(self):
        assert ms.SharesTable.from_frame(pd.DataFrame({**self.ROW, "isin": "?"})).notes == ("columns not read: isin",)

    def test_the_repr_shows_five(self):
        few = ms.SharesTable.from_frame(pd.DataFrame(self.ROW), notes=["one", "two"])
        assert repr(few).splitlines()[1:] == ["  one", "  two"]
        many = ms.SharesTable.from_frame(pd.DataFrame(self.ROW), notes=["note"] * 8)
        assert repr(many).splitlines()[-1] == "  ... 3 more in .notes"
