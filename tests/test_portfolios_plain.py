"""Volatility portfolios against a plain twin that holds shares day by day, and what is printed against the tables."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError

from .test_portfolios import DAYS, TestByHand, market

LOOKBACK, MIN_OBS, GROUPS = 40, 36, 3


def with_gaps(n_days=420):
    """Nine stocks; one lacks some days, one begins late, one ends early, and their volatilities change ranks."""
    closes = market(n_days)
    returns = closes.pct_change(fill_method=None).fillna(0.0)
    returns.iloc[n_days // 2 :] = returns.iloc[n_days // 2 :, ::-1].to_numpy()
    closes = 50 * (1 + returns).cumprod()
    closes.loc[DAYS[100] : DAYS[102], "S2"] = np.nan
    closes.loc[: DAYS[70], "S4"] = np.nan
    closes.loc[DAYS[300] :, "S6"] = np.nan
    return closes


def sort_days(days, rebalance, first):
    """The first day and the last of each period but for the last day of all."""
    keys = {"month": days.to_period("M"), "quarter": days.to_period("Q"), "year": days.to_period("Y")}
    ends = [] if rebalance == "never" else list(pd.Series(days, days).groupby(keys[rebalance]).last())
    return [first, *(day for day in ends[:-1] if day > first)]


def plain(closes, rebalance, start):
    """Buy for equal amounts at each sort and value the shares at each close, or the last one before it."""
    days = closes.index
    volatility = closes.pct_change(fill_method=None).rolling(LOOKBACK, min_periods=MIN_OBS).std().shift(1)
    sorts = sort_days(days, rebalance, days[days.get_loc(start) - 1])
    value = pd.DataFrame(1.0, days[days.get_loc(sorts[0]) :], range(1, GROUPS + 1))
    counted, seen, turnover = ({g: [] for g in value} for _ in range(3))
    shares: dict[int, pd.Series] = {}
    last_close = closes.iloc[0]
    for day, until in zip(sorts, [*sorts[1:], days[-1]], strict=True):
        known = volatility.loc[day].dropna()
        names = known.index[closes.loc[day, known.index].notna()]
        ranked = known[names].sort_values(kind="stable").index
        held = closes.loc[day:until].ffill()
        for g, part in enumerate(np.array_split(ranked, GROUPS), start=1):
            worth = value.loc[day, g]
            bought = pd.Series(worth / len(part) / closes.loc[day, part], part)
            if g in shares:
                old = shares[g] * last_close[shares[g].index]
                change = (bought * closes.loc[day, part]).sub(old, fill_value=0.0).abs()
                turnover[g].append(change.sum() / 2 / worth)
            shares[g] = bought
            value.loc[day:until, g] = (held[part] * bought).sum(axis=1)
            counted[g].append(len(part))
            seen[g].extend(known[part])
        last_close = held.iloc[-1]
    means = {g: (np.mean(counted[g]), np.mean(seen[g]), np.mean(turnover[g]) if turnover[g] else np.nan) for g in value}
    return value, pd.DataFrame(means, ["n_firms", "volatility", "turnover"]).T, sorts


@pytest.mark.parametrize("rebalance", ["month", "quarter", "year", "never"])
def test_equals_shares_held_day_by_day(rebalance):
    closes, start = with_gaps(), DAYS[80]
    value, means, sorts = plain(closes, rebalance, start)
    found = ms.volatility_portfolios(
        closes, lookback=LOOKBACK, min_obs=MIN_OBS, groups=GROUPS, rebalance=rebalance, start=start
    )
    assert list(found.groups.loc[LOOKBACK].index) == sorts
    paths = found.paths[LOOKBACK]
    np.testing.assert_allclose(paths, value, rtol=1e-12)
    assert (paths.index == value.index).all()
    table = found.table.loc[LOOKBACK]
    np.testing.assert_allclose(table["total_return"], value.iloc[-1] - 1, atol=1e-12)
    for column in means:
        np.testing.assert_allclose(table[column], means[column], rtol=1e-12, err_msg=column)
    assert found.spread[LOOKBACK] == pytest.approx(value.iloc[-1, 0] - value.iloc[-1, -1])


def test_the_first_sort_is_the_first_with_enough_stocks():
    """The earliest start that the error names is accepted, and is the default."""
    closes = market()
    with pytest.raises(InputError) as error:
        ms.volatility_portfolios(closes, lookback=60, start=DAYS[20])
    named = re.search(r"start on (\S+) or later", str(error.value))[1]
    found = ms.volatility_portfolios(closes, lookback=60, start=named)
    assert str(found.paths.index[1].date()) == named
    default = ms.volatility_portfolios(closes, lookback=60)
    pd.testing.assert_frame_equal(found.paths, default.paths)
    day_before = DAYS[DAYS.get_loc(pd.Timestamp(named)) - 1]
    with pytest.raises(InputError, match=f"start on {named} or later"):
        ms.volatility_portfolios(closes, lookback=60, start=day_before)


def test_the_shortest_lookback_is_two_sessions():
    found = ms.volatility_portfolios(market(30), lookback=2, rebalance="never")
    known = market(30).pct_change(fill_method=None).iloc[1:3].std()
    assert found.paths.index[0] == DAYS[3]
    assert found.table.loc[(2, 1), "volatility"] == pytest.approx(known.nsmallest(3).mean())


@pytest.mark.parametrize("min_obs", [1, 2.5, True, "40", 41])
def test_a_min_obs_that_is_no_number_of_returns(min_obs):
    with pytest.raises(InputError, match=r"min_obs: got .*give a whole number from 2 to 40"):
        ms.volatility_portfolios(market(), lookback=[40, 60], min_obs=min_obs)


def test_printed_numbers_are_those_of_the_table():
    """Two groups by hand: 104/102, 121/100 and 45/90; see `test_portfolios.TestByHand`."""
    text = repr(ms.volatility_portfolios(TestByHand.CLOSES, lookback=3, groups=2, start="2025-01-31"))
    lines = [re.split(r"  +", line) for line in text.splitlines()]
    low = ((103 / 102 + 1.1) / 2) * ((104 / 103 + 1.1) / 2) - 1
    grown = 103 / 102 / (103 / 102 + 1.1)
    volatility = TestByHand.CLOSES.pct_change().rolling(3).std().shift(1).iloc[[4, 5]]
    assert lines[5:8] == [
        [
            "3",
            "1 (low)",
            f"{100 * low:+.1f} %",
            "2.0",
            f"{100 * volatility[['A', 'B']].to_numpy().mean():.2f} %",
            f"{100 * abs(0.5 - grown):.0f} %",
        ],
        ["3", "2 (high)", "-55.0 %", "1.0", f"{100 * volatility['C'].mean():.2f} %", "0 %"],
        ["3", "low - high", f"{100 * (low + 0.55):+.1f} %"],
    ]
    assert lines[8] == [""]


def test_names_stand_left_and_numbers_right():
    found = ms.volatility_portfolios(TestByHand.CLOSES, lookback=3, groups=2, start="2025-01-31")
    text = repr(found)
    aligned = re.findall(r'<th style="text-align:(\w+)">([\w ]+)</th>', found._repr_html_())
    assert aligned[:3] == [("left", "lookback"), ("left", "group"), ("right", "total return")]
    assert "lookback  group       total return  firms\n" in re.sub(r"(firms) .*\n", r"\1\n", text)
    assert "\n3         1 (low)          +11.3 %    2.0 " in text
    assert "\n3         low - high       +66.3 %" in text


@pytest.mark.parametrize("first_missing", [DAYS[149], DAYS[130]])
def test_holdings_without_a_last_close_are_counted(first_missing):
    """One stock lacks the last close only, or all of the last ones: one holding either way."""
    closes = market(150)
    closes.loc[first_missing:, "S0"] = np.nan
    found = ms.volatility_portfolios(closes, lookback=60, rebalance="never", start=DAYS[100])
    assert found.notes[1].startswith("1 holdings had no close at the end")
    closes.loc[DAYS[149], "S0"] = 100.0
    assert len(ms.volatility_portfolios(closes, lookback=60, rebalance="never", start=DAYS[100]).notes) == 1


def test_a_sort_at_the_last_close_holds_nothing():
    options = {"lookback": 40, "min_obs": 40}
    with pytest.raises(InputError, match=rf"nothing is held from {DAYS[41].date()} to {DAYS[41].date()}"):
        ms.volatility_portfolios(market(42), **options)
    assert len(ms.volatility_portfolios(market(43), **options).paths) == 2
