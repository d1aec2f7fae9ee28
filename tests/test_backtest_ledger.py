"""Ten trades worked out by hand, to the cent: dividends, a split, borrow fees, commissions, spread and slippage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms

from .conftest import REFERENCE
from .reference.vectorbt_case import orders_case

CENT = 0.005
DAYS = pd.bdate_range("2024-03-04", periods=20, name="date")
T = np.arange(20.0)
QUOTED = pd.DataFrame({"AAA": 100 + T, "BBB": 50 + T / 2, "CCC": 80 - T, "DDD": 20 + 0 * T}, index=DAYS)
COSTS = ms.Costs(
    bps=10,
    per_share=0.01,
    per_order=1.0,
    half_spread_bps=5,
    slippage_bps=5,
    borrow={"CCC": 0.36, "DDD": 0.036},
)

# In at the open of the session after the event, out at the fourth close; 10,000 at the quoted price each. For each fill
# 10 basis points of spread and slippage, then 10 of commission, a cent a share as traded, and 1.00 an order.
#   event on day, ticker, side -> shares as traded in and out, gross, slippage, dividends, commission, borrow, pnl
BY_HAND = [
    # 99.0099 shares at 101.101 and 103.896: 286.73 - 276.73 of gross less slippage is 10,286.73 - 10,010.00 = 276.73;
    # less 10.01 + 10.29 of commission in basis points, 2 x 0.99 a share, 2 x 1.00 an order: 252.46
    (0, "AAA", "long", 99.0099, 99.0099, 297.03, 20.30, 0.00, 24.28, 0.00, 252.46),
    # 1.00 of dividend on each of 90.09 shares
    (10, "AAA", "long", 90.0901, 90.0901, 270.27, 20.27, 90.09, 24.07, 0.00, 316.02),
    # two for one while held: 92.59 shares at 108 become 185.19, sold at 55.50
    (7, "BBB", "long", 92.5926, 185.1852, 277.78, 20.28, 0.00, 25.06, 0.00, 232.44),
    # borrowed at 0.1 % a day: 78 + 77 + 3 x 76 (over a weekend) = 383, so 0.383 a share
    (1, "CCC", "short", 128.2051, 128.2051, 384.62, 19.62, 0.00, 24.18, 49.10, 291.72),
    # short over an ex-day: pays the dividend; 0.01 % a day on 20.00 for five days
    (3, "DDD", "short", 500.0, 500.0, 0.00, 20.00, -125.00, 32.00, 5.00, -182.00),
    # sold on the ex-day: the dividend belongs to who held the close before
    (2, "DDD", "long", 500.0, 500.0, 0.00, 20.00, 125.00, 32.00, 0.00, 73.00),
    # bought on the ex-day: none
    (5, "DDD", "long", 500.0, 500.0, 0.00, 20.00, 0.00, 32.00, 0.00, -52.00),
    (12, "CCC", "long", 149.2537, 149.2537, -447.76, 19.55, 0.00, 24.54, 0.00, -491.85),
    # the split falls into a short: 91.74 shares sold at 109, 183.49 bought back at 56
    (8, "BBB", "short", 91.7431, 183.4862, -275.23, 20.28, 0.00, 25.03, 0.00, -320.53),
    (9, "AAA", "short", 90.9091, 90.9091, -272.73, 20.27, -90.91, 24.09, 0.00, -408.00),
]
TOTAL = -288.75


@pytest.fixture(scope="module")
def prices() -> ms.Prices:
    dividend = pd.DataFrame(0.0, index=DAYS, columns=QUOTED.columns)
    dividend.loc[DAYS[6], "DDD"], dividend.loc[DAYS[12], "AAA"] = 0.25, 1.0
    splits = pd.DataFrame({"ticker": ["BBB"], "date": [DAYS[10]], "ratio": [2.0]})
    return ms.Prices(QUOTED, QUOTED, {"open": QUOTED, "dividend": dividend}, {}, splits)


@pytest.fixture(scope="module")
def result(prices) -> ms.Backtest:
    events = pd.DataFrame(
        {
            "ticker": [row[1] for row in BY_HAND],
            "date": [DAYS[row[0]] for row in BY_HAND],
            "group": [row[2] for row in BY_HAND],
            "event_id": [f"trade {k}" for k in range(1, 11)],
        }
    )
    rule = ms.rules.Own(function=lambda e: 1.0 if e.group == "long" else -1.0, days=4, name="by hand")
    sizing = ms.Sizing(by="fixed", amount=10_000, max_gross=float("inf"))
    with pytest.warns(ms.errors.OverlapWarning):
        return ms.backtest(events, prices, rule, costs=COSTS, sizing=sizing, capital=100_000, calendar="index")


@pytest.mark.parametrize("number", range(10))
def test_ten_trades_to_the_cent(result, number):
    day, ticker, side, shares, out_shares, *money = BY_HAND[number]
    row = result.legs.set_index("event_id").loc[f"trade {number + 1}"]
    assert (row["ticker"], row["side"], row["exit_reason"]) == (ticker, side, "days held")
    assert (row["entry_session"], row["exit_session"]) == (DAYS[day + 1], DAYS[day + 4])
    assert row[["shares", "exit_shares"]].tolist() == pytest.approx([shares, out_shares], abs=1e-4)
    names = ["gross", "slippage", "dividends", "commission", "borrow", "pnl"]
    assert row[names].tolist() == pytest.approx(money, abs=CENT)


def test_prices_are_those_of_the_day(result):
    row = result.legs.set_index("event_id").loc["trade 3"]
    assert row[["entry_price", "exit_price"]].tolist() == [108.0, 55.5]
    assert row["entry_fill"] == pytest.approx(108.108)
    assert row["exit_fill"] == pytest.approx(55.4445)


def test_the_account_ends_where_the_trades_say(result):
    assert result.legs["pnl"].sum() == pytest.approx(TOTAL, abs=CENT)
    assert result.equity.iloc[-1] == pytest.approx(100_000 + TOTAL, abs=CENT)
    assert result.trades["pnl"].sum() == pytest.approx(TOTAL, abs=CENT)


def test_each_day_reconciles(result):
    daily = result.daily
    assert (daily["cash"] + daily["long"] + daily["short"] - daily["equity"]).abs().max() < 1e-9
    bought = result.orders.groupby("session")["cash_change"].sum().reindex(daily.index, fill_value=0.0)
    flows = bought + daily["dividends"] - daily["borrow"] + daily["interest"]
    assert (daily["cash"].diff().fillna(daily["cash"] - 100_000) - flows).abs().max() < 1e-6
    assert daily["dividends"].sum() == pytest.approx(90.09 - 125 + 125 - 90.91, abs=2 * CENT)
    assert daily["borrow"].sum() == pytest.approx(49.10 + 5.00, abs=CENT)
    assert daily["commission"].sum() == pytest.approx(sum(row[8] for row in BY_HAND), abs=10 * CENT)


def test_interest_by_hand(prices):
    # 150,000 of AAA bought at the close of Tuesday 5 March for 100,000 of cash leaves -50,000, on which 3.6 % a year is
    # 5.00 a night: Wednesday, Thursday and Friday one night each, Monday three.
    rule = ms.rules.HoldAfter(days=4, entry="next_close")
    events = pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[0]]})
    sizing = ms.Sizing(by="fixed", amount=150_000, max_gross=2)
    costs = ms.Costs(financing=0.036)
    result = ms.backtest(events, prices, rule, costs=costs, sizing=sizing, capital=100_000, calendar="index")
    assert result.daily["interest"].round(4).tolist() == pytest.approx([0.0, -5.0, -5.0005, -5.001, -15.0045], abs=1e-9)


# ------------------------------------------------------------------------------------------------------------ vectorbt


@pytest.mark.parametrize(
    ("column", "costs"), [("free", ms.Costs()), ("costly", ms.Costs(bps=5, slippage_bps=10, per_order=1.0))]
)
@pytest.mark.filterwarnings("ignore::marketshock.errors.OverlapWarning")
def test_equity_is_vectorbts(column, costs):
    closes, events = orders_case()
    rule = ms.rules.Own(function=lambda e: 1.0 if e.group == "long" else -1.0, days=7, entry="next_close")
    sizing = ms.Sizing(amount=0.02, max_gross=float("inf"))
    result = ms.backtest(events, closes, rule, costs=costs, sizing=sizing, calendar="index")
    stored = pd.read_csv(REFERENCE / "vectorbt_equity.csv", index_col="date", parse_dates=True)[column]
    assert len(result.orders) == 300
    assert result.equity.index.equals(pd.DatetimeIndex(stored.index))
    assert (result.equity / stored - 1).abs().max() < 1e-9
