"""Portfolios by trailing volatility: by hand, without look-ahead, and as they came out for technology stocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError, UnknownNameError
from marketshock.volatility.portfolios import assign

DAYS = ms.snapshot().dates
PERIOD = {"start": "2024-01-01", "end": "2025-02-12"}


def market(n_days=200, n_stocks=9, seed=0, drift=None) -> pd.DataFrame:
    """Stocks S0, S1, ... of rising volatility."""
    rng = np.random.default_rng(seed)
    sigma = 0.002 * 1.4 ** np.arange(n_stocks)
    returns = rng.normal(0, 1, (n_days, n_stocks)) * sigma + (0 if drift is None else drift)
    return pd.DataFrame(100 * np.exp(returns.cumsum(axis=0)), DAYS[:n_days], [f"S{i}" for i in range(n_stocks)])


class TestByHand:
    """Three stocks, three groups: each group is one stock."""

    CLOSES = pd.DataFrame(
        {
            "A": [100, 101, 100, 101, 102, 103, 104.0],
            "B": [100, 103, 100, 103, 100, 110, 121.0],
            "C": [100, 110, 100, 110, 100, 90, 45.0],
        },
        index=pd.DatetimeIndex(
            ["2025-01-24", "2025-01-27", "2025-01-28", "2025-01-29", "2025-01-30", "2025-01-31", "2025-02-03"]
        ),
    )

    def test_held_once(self):
        told = ms.volatility_portfolios(
            self.CLOSES, lookback=3, groups=3, rebalance="never", start="2025-01-31", end="2025-02-03"
        )
        assert str(told.paths.index[0].date()) == "2025-01-30"
        assert told.table["total_return"].tolist() == pytest.approx([104 / 102 - 1, 0.21, -0.55])
        seen = self.CLOSES["C"].pct_change().iloc[1:4]  # the three sessions that end the day before 30 January
        assert told.table.loc[(3, 3), "volatility"] == pytest.approx(seen.std())
        assert told.spread[3] == pytest.approx(104 / 102 - 1 + 0.55)
        assert told.table["turnover"].isna().all()

    def test_rebalanced_at_the_end_of_january(self):
        """Two groups: A and B are low, C is high, and both are sorted anew at the close of 31 January."""
        told = ms.volatility_portfolios(self.CLOSES, lookback=3, groups=2, start="2025-01-31")
        assert list(told.groups.loc[3].index.strftime("%m-%d")) == ["01-30", "01-31"]
        first = (103 / 102 + 110 / 100) / 2
        second = (104 / 103 + 121 / 110) / 2
        assert told.table["total_return"].tolist() == pytest.approx([first * second - 1, -0.55])
        grown = 103 / 102 / (103 / 102 + 1.1)
        assert told.table.loc[(3, 1), "turnover"] == pytest.approx(abs(0.5 - grown))
        assert told.table.loc[(3, 2), "turnover"] == 0
        assert told.groups.loc[3].iloc[0].to_dict() == {"A": 1, "B": 1, "C": 2}

    def test_assign(self):
        volatility = np.array([3.0, 1, 2, np.nan, 2, 9, 5])
        eligible = np.array([True, True, True, False, True, True, False])
        assert assign(volatility, eligible, 2).tolist() == [2, 1, 1, 0, 1, 2, 0]


def test_planted_groups_are_found():
    told = ms.volatility_portfolios(market(), lookback=60, groups=3)
    for row in told.groups.loc[60].to_numpy():
        assert row.tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    drift = np.repeat([0.002, 0.0, -0.002], 3)
    better = ms.volatility_portfolios(market(drift=drift), lookback=[20, 60], groups=3)
    assert (better.spread > 0.2).all()
    assert better.spread.index.tolist() == [20, 60]


@pytest.mark.parametrize("rebalance", ["month", "quarter", "year", "never"])
def test_no_look_ahead(rebalance):
    """Prices from the day of a sort on decide neither it nor any value before."""
    closes = market(300)
    options = {"lookback": 60, "groups": 3, "rebalance": rebalance}
    before = ms.volatility_portfolios(closes, **options)
    for day in before.groups.loc[60].index[-2:]:
        changed = closes.copy()
        changed.loc[day:] *= np.random.default_rng(1).uniform(0.5, 2, changed.loc[day:].shape)
        after = ms.volatility_portfolios(changed, **options)
        pd.testing.assert_frame_equal(after.groups.loc[60][:day], before.groups.loc[60][:day])
        earlier = before.paths.index < day
        pd.testing.assert_frame_equal(after.paths[earlier], before.paths[earlier])


def test_rebalancing_days():
    closes = market(300)
    dates = ms.volatility_portfolios(closes, lookback=60, start=DAYS[100]).groups.loc[60].index
    assert dates[0] == DAYS[99]
    month_ends = pd.Series(DAYS[:300], DAYS[:300]).groupby(DAYS[:300].to_period("M")).last()
    assert set(dates[1:]) == {d for d in month_ends if DAYS[99] < d < DAYS[299]}
    quarters = ms.volatility_portfolios(closes, lookback=60, rebalance="quarter").groups.loc[60].index[1:]
    assert {d.month for d in quarters} <= {3, 6, 9, 12}
    assert len(ms.volatility_portfolios(closes, lookback=60, rebalance="never").groups) == 1


def test_the_path_is_that_of_the_shares_held():
    """Bought once and held: the mean of the price ratios, not the compounded mean of daily returns."""
    closes = market(150)
    told = ms.volatility_portfolios(closes, lookback=60, groups=3, rebalance="never")
    bought = closes.loc[told.paths.index[0] :]
    expected = (bought / bought.iloc[0])[["S6", "S7", "S8"]].mean(axis=1)
    np.testing.assert_allclose(told.paths[(60, 3)], expected)


def test_a_stock_that_ends_is_held_at_its_last_close():
    closes = market(150)
    closes.loc[DAYS[130] :, "S0"] = np.nan
    told = ms.volatility_portfolios(closes, lookback=60, groups=3, rebalance="never", start=DAYS[100])
    bought = closes.loc[DAYS[99] :]
    expected = (bought / bought.iloc[0])[["S0", "S1", "S2"]].ffill().mean(axis=1)
    np.testing.assert_allclose(told.paths[(60, 1)], expected)
    assert "1 holdings had no close at the end of their holding period" in told.notes[1]


def test_classes_of_one_firm_and_members():
    closes = market().rename(columns={"S0": "GOOG", "S1": "GOOGL"})
    told = ms.volatility_portfolios(closes, lookback=60, groups=2)
    assert "GOOG" not in told.groups.columns
    few = ms.Membership.of(["S2", "S3", "S8"])
    told = ms.volatility_portfolios(closes, lookback=60, groups=3, members=few)
    assert (told.table["n_firms"] == 1).all()
    with pytest.raises(InputError, match="3 firms can be sorted by 60 sessions for 5 groups"):
        ms.volatility_portfolios(closes, lookback=60, groups=5, members=few)
    with pytest.raises(UnknownNameError):
        ms.volatility_portfolios(closes, lookback=60, members=ms.Membership.of(["X"]))


class TestTechnology:
    """The document: the least volatile tech stocks of the Russell 1000 +22 %, the most volatile +10 %."""

    def run(self, groups=3, **options):
        members = ms.datasets.sp500()
        prices = members.prices.adj_close[members.of_sector("Information Technology")]
        return ms.volatility_portfolios(prices, groups=groups, **PERIOD, **options)

    def test_survivors(self):
        told = self.run()
        total = told.table["total_return"]
        assert str(told.paths.index[0].date()) == "2023-12-29"
        assert total[(126, 1)] == pytest.approx(0.240, abs=0.0005)
        assert total[(126, 3)] == pytest.approx(0.427, abs=0.0005)
        assert total[(252, 1)] == pytest.approx(0.237, abs=0.0005)
        assert total[(252, 3)] == pytest.approx(0.421, abs=0.0005)

    def test_members_as_of_each_sort(self):
        """Who joined because it had risen is left out until then: most of the volatile group's lead goes."""
        told = self.run(members=ms.Membership.from_frame(ms.datasets.sp500().joined()))
        total = told.table["total_return"]
        assert total[(126, 1)] == pytest.approx(0.229, abs=0.0005)
        assert total[(126, 3)] == pytest.approx(0.223, abs=0.0005)
        assert (told.table["n_firms"] < 22).all()

    def test_printed(self):
        text = " ".join(repr(self.run(groups=5)).split())
        for words in (
            "1 (low)",
            "5 (high)",
            "low - high",
            "sorted at the end of each month",
            "members of an index",
        ):
            assert words in text, words
        assert "5 (high)" in self.run(groups=5)._repr_html_()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lookback": 1}, "lookback: got 1"),
        ({"lookback": ()}, "lookback: got ()"),
        ({"lookback": 2.5}, "lookback"),
        ({"groups": 1}, "groups: got 1"),
        ({"rebalance": "M"}, "allowed are 'month', 'quarter', 'year', 'never'"),
        ({"min_obs": 61}, "min_obs: got 61"),
        ({"start": DAYS[20]}, "the lookback has too few returns before"),
        ({"lookback": 400}, "at most 0 firms have enough returns in the lookback, for 3 groups"),
        ({"start": DAYS[150], "end": DAYS[140]}, "swap them"),
        ({"groups": 10}, "at most 9 firms have enough returns in the lookback, for 10 groups"),
    ],
)
def test_bad_input(options, words):
    with pytest.raises(InputError) as error:
        ms.volatility_portfolios(market(), **{"lookback": 60, **options})
    assert words in str(error.value)


def test_prices_are_left_alone():
    closes = market()
    held = closes.copy()
    ms.volatility_portfolios(closes, lookback=60)
    pd.testing.assert_frame_equal(closes, held)
