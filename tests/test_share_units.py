"""Counts that are not in the shares that closes quote: thousands, receipts, splits that are none or not applied."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import PriceError, ShareCountWarning

DAY = "2025-01-27"


def counted(shares: float, firm: str = "NVDA", **columns) -> pd.DataFrame:
    row = {"firm": firm, "shares": shares, "as_of": "2024-11-15", "filed": "2024-11-20", **columns}
    return pd.DataFrame(row, index=[0])


def closes(prices, *names: str) -> ms.Prices:
    """Closes alone: no volume, no splits."""
    return ms.Prices.from_frame(prices.close[list(names)], adjusted=False)


class TestThousands:
    @pytest.mark.parametrize("unit", [1e3, 1e6])
    def test_a_whole_table_in_thousands_or_millions_by_its_volume(self, prices, unit):
        """24.49 bn shares at 142.62: in thousands 3.5 bn USD, an ordinary firm but for 280 million shares a day."""
        with pytest.warns(ShareCountWarning, match="NVDA: .* is the count in thousands or in millions"):
            change = ms.market_cap_change(DAY, prices, counted(24.49e9 / unit))
        assert "times the count of" in change.table.loc["NVDA", "note"]

    @pytest.mark.parametrize("shares", [53_501, 1_000, 1_000_000, 24_490])
    def test_by_the_implied_value_where_volume_is_not_known(self, prices, shares):
        held = closes(prices, "NVDA")
        with pytest.warns(
            ShareCountWarning, match=r"shares x close are [\d.,]+ million USD: is the count in thousands"
        ):
            ms.market_cap_change(DAY, held, counted(shares))
        notes = ms.reconcile("NVDA", DAY, 1e9, prices=held, shares=counted(shares)).notes
        assert any("is the count in thousands" in note for note in notes)

    def test_ordinary_firms_are_not_doubted(self, prices):
        ms.market_cap_change(DAY, prices)  # warnings are errors
        ms.market_cap_change(DAY, closes(prices, "IBM"), counted(924e6, "IBM"))
        few = ms.Prices.from_frame(prices.close[["IBM"]] * 40, adjusted=False)  # NVR: 3 million shares at 8,000 USD
        ms.market_cap_change(DAY, few, counted(3e6, "IBM"))
        ms.market_cap_change(DAY, few, counted(0.6e6, "IBM"))  # Berkshire's A shares are fewer and dearer still

    def test_the_classes_of_a_firm_count_together(self, prices):
        """An unlisted class of 1,000 shares is none of thousands."""
        table = pd.concat([counted(924e6, "IBM", share_class="A"), counted(1000, "IBM", share_class="B")])
        ms.market_cap_change(DAY, closes(prices, "IBM"), table)

    def test_a_study_says_so_beside_its_dollars(self, prices):
        events = pd.DataFrame({"ticker": ["NVDA"], "date": [DAY]})
        study = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
        table = ms.SharesTable.from_frame(counted(24.49e6))
        text = str(study.explain(study.panel.event_id[0], 0, 0, shares=table))
        assert "is the count in thousands or in millions" in " ".join(text.split())


def company(tmp_path, shares: float, floats: list[tuple[str, str, float]], form: str = "10-Q") -> ms.SharesTable:
    rows = [{"end": "2024-11-07", "val": shares, "accn": "0-1", "form": form, "filed": "2024-11-12"}]
    dei = {"EntityCommonStockSharesOutstanding": {"units": {"shares": rows}}}
    if floats:
        usd = [
            {"end": end, "val": value, "accn": "0-2", "form": "10-K", "filed": filed} for end, filed, value in floats
        ]
        dei["EntityPublicFloat"] = {"units": {"USD": usd}}
    path = tmp_path / "CIK0000000001.json"
    path.write_text(json.dumps({"cik": 1, "entityName": "Made", "facts": {"dei": dei}}))
    return ms.sec_share_counts(path, "IBM")


class TestReceipts:
    """IBM's closes, on 28 June 2024 172.95, as if they were of receipts."""

    JUNE = "2024-06-28"

    def change(self, prices, table):
        return ms.market_cap_change(DAY, closes(prices, "IBM"), table)

    @pytest.mark.parametrize("ratio", [6, 10, 13, 40])
    def test_of_a_filer_of_10_k_and_10_q(self, prices, tmp_path, ratio):
        """The public holds 90 % of it, at a close of which each stands for several of the shares counted."""
        close = prices.close.loc[self.JUNE, "IBM"]
        table = company(tmp_path, 1.385e9, [(self.JUNE, "2024-09-01", 0.9 * 1.385e9 / ratio * close)])
        assert table.notes == ()
        with pytest.warns(
            ShareCountWarning, match=r"public float .* times count x close: they count ordinary .*\(ADRs\)"
        ):
            self.change(prices, table)

    @pytest.mark.parametrize("share", [0.35, 0.9, 1.0])
    def test_a_float_that_fits_is_no_doubt(self, prices, tmp_path, share):
        close = prices.close.loc[self.JUNE, "IBM"]
        table = company(
            tmp_path, 924e6, [("2023-06-30", "2024-02-01", 1.0), (self.JUNE, "2024-09-01", share * 924e6 * close)]
        )
        self.change(prices, table)

    def test_a_count_in_thousands_is_below_its_float(self, prices, tmp_path):
        close = prices.close.loc[self.JUNE, "IBM"]
        table = company(tmp_path, 924e6 / 1000 * 30, [(self.JUNE, "2024-09-01", 924e6 * close)])
        with pytest.warns(ShareCountWarning, match="the count may be in thousands or millions, or of one class"):
            self.change(prices, table)

    def test_without_a_float_nothing_tells(self, prices, tmp_path):
        table = company(tmp_path, 1.385e9, [])
        assert "hold no public float" in table.notes[0]
        with pytest.warns(
            ShareCountWarning, match=r"hold no public float, .*\(ADRs\), each of which may stand for several"
        ):
            self.change(prices, table)

    def test_a_split_between_float_and_closes(self, prices, tmp_path):
        """Closes in shares of after a 10-for-1 split, the count and the float of before it: nothing is wrong."""
        close = prices.close[["IBM"]]
        splits = pd.DataFrame({"ticker": ["IBM"], "date": ["2024-12-02"], "ratio": [10.0]})
        held = ms.Prices(close / 10, close / 10, {}, {}, splits)
        worth = 0.9 * 924e6 * close.loc[self.JUNE, "IBM"]
        table = company(tmp_path, 924e6, [(self.JUNE, "2024-09-01", worth)])
        change = ms.market_cap_change(DAY, held, table)
        assert change.table.loc["IBM", "split_factor"] == 10
        assert "public float" not in change.table.loc["IBM", "note"]


def with_splits(prices, **splits) -> pd.DataFrame:
    """Return a long table of closes with a column of splits: 1.0 but for one ratio of each ticker."""
    close = prices.close[list(splits)]
    ratio = pd.DataFrame(1.0, index=close.index, columns=close.columns)
    for ticker, (day, r) in splits.items():
        ratio.loc[day, ticker] = r
    both = pd.concat({"close": close, "split": ratio}, axis=1, names=["field", "ticker"])
    return both.stack("ticker", future_stack=True).reset_index()  # noqa: PD013


class TestSplitColumns:
    @pytest.mark.parametrize("fill", [1.0, 1, 0.0, np.nan, 1 + 1e-12])
    def test_ones_are_no_splits(self, prices, fill):
        table = with_splits(prices, IBM=("2025-02-20", 4.0))
        table["split"] = table["split"].where(table["split"] != 1, fill)
        made = ms.Prices.from_frame(table)
        assert made.splits.to_dict("records") == [{"ticker": "IBM", "date": pd.Timestamp("2025-02-20"), "ratio": 4.0}]
        counts = counted(924e6, "IBM", as_of="2024-10-31", filed="2024-11-05")
        assert "2025-02-20" in ms.market_cap_change(DAY, made, counts).table.loc["IBM", "note"]

    def test_ones_in_a_table_of_splits_are_none(self, prices):
        rows = pd.DataFrame({"ticker": "IBM", "date": ["2024-12-02", "2024-12-03"], "ratio": [1.0, 2.0]})
        assert ms.Prices(prices.close, prices.close, {}, {}, rows).checked_splits["ratio"].tolist() == [2.0]

    def test_a_factor_of_each_day_is_refused(self, prices):
        table = with_splits(prices, IBM=("2025-02-20", 1.0))
        table.loc[table["date"] < "2025-02-20", "split"] = 4.0
        with pytest.raises(PriceError, match="the split of IBM is 4 on 2022-12-30 and on the rows after it"):
            ms.Prices.from_frame(table)

    @pytest.mark.parametrize("ratio", [1.25, 1.5, 4.0, 0.1])
    @pytest.mark.parametrize("other", [False, True])
    def test_closes_as_traded_are_refused_by_every_reader(self, prices, ratio, other):
        """Of one or of several firms, in a market cap, a reconciliation and a study."""
        splits = {"IBM": ("2025-02-20", ratio), **({"MRK": ("2024-12-02", 2.0)} if other else {})}
        table = with_splits(prices, **splits)
        for ticker, (day, r) in splits.items():
            table.loc[(table["ticker"] == ticker) & (table["date"] < day), "close"] *= r
        events = pd.DataFrame({"ticker": ["IBM"], "date": [DAY]})
        for call in (
            lambda: ms.market_cap_change(DAY, table, counted(924e6, "IBM")),
            lambda: ms.reconcile("IBM", DAY, 1e9, prices=table, shares=counted(924e6, "IBM")),
            lambda: ms.event_study(events, prices=table, model=ms.ConstantMean()),
        ):
            with pytest.raises(PriceError, match="the closes are not adjusted for it; divide those before by"):
                call()
