"""The sessions of an account: those of its benchmark or, without one, of what it trades."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError

from .test_foreign_data import a_coin, new_york, quiet, traded_on

HOLD = ms.rules.HoldAfter(days=5, entry="next_close")


def events(*pairs: tuple[str, str], **columns: Any) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["ticker", "date"]).assign(**columns)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Three firms and an index of New York, two of Frankfurt, a coin."""
    own = new_york()
    both = [
        traded_on("SAP.DE", own.index[0], own.index[-1], k).set_axis([n], axis=1) for k, n in enumerate(("F1", "F2"))
    ]
    return a_coin(own.join(both, how="outer"))


class TestTraded:
    def test_those_of_the_events_decide(self, frame):
        for ticker, year in (("AAA", (252, 252)), ("F1", (252.5, 255)), ("BTC-USD", (365, 365))):
            made = quiet(ms.backtest, events((ticker, "2024-12-17")), frame, HOLD)
            assert year[0] <= made.curve.sessions_per_year <= year[1], ticker
            assert not any("other days" in note for note in made.notes)

    def test_a_pair_decides_and_not_the_tickers_of_its_events(self, frame):
        rule = ms.rules.Pair(long="F1", short="F2", days=5, entry="next_close")
        made = quiet(ms.backtest, events(("AAA", "2025-01-09"), ("BTC-USD", "2024-12-17")), frame, rule)
        assert len(made.trades) == 2  # New York was closed on 9 January 2025
        assert sorted(set(made.legs["exit_session"].astype(str))) == ["2024-12-30", "2025-01-17"]
        alone = quiet(ms.backtest, events(("AAA", "2025-01-09")), frame[["F1", "F2"]].dropna(), rule)
        assert made.trades["return"].iloc[0] == alone.trades["return"].iloc[0]

    def test_what_a_sort_chooses_from_decides(self, frame):
        event = events(("AAA", "2025-01-09"))
        rule = ms.rules.LowVolatility(groups=2, lookback=60, among=["F1", "F2"], days=5, entry="next_close")
        made, alone = (quiet(ms.backtest, event, p, rule) for p in (frame, frame[["F1", "F2"]].dropna()))
        assert made.trades["return"].tolist() == alone.trades["return"].tolist()
        hedged = ms.rules.Hedged(
            ms.rules.LowVolatility(groups=2, lookback=60, days=5, entry="next_close"), "F1", min_obs=60
        )
        made = quiet(ms.backtest, events(("AAA", "2025-01-27")), frame, hedged)
        assert made.curve.sessions_per_year == 252  # of all, most are of New York

    def test_several_markets_are_named_in_a_note(self, frame):
        two = events(("AAA", "2024-12-17"), ("BBB", "2024-12-17"), ("F1", "2024-12-17"))
        made = quiet(ms.backtest, two, frame, HOLD)
        assert made.curve.sessions_per_year == 252
        assert sum("The prices of F1 have other days than the account" in note for note in made.notes) == 1
        turned = quiet(ms.backtest, two[::-1], frame[frame.columns[::-1]], HOLD)
        assert turned.trades["return"].sort_index().equals(made.trades["return"].sort_index())
        beside_index = quiet(ms.backtest, events(("F1", "2024-12-17")), frame, HOLD, benchmark="MKT")
        assert any("The prices of F1 have other days" in note for note in beside_index.notes)

    def test_two_of_one_market_that_begin_apart_and_halt_are_no_two_markets(self, frame):
        cut = frame.copy()
        cut.loc[:"2024-02-01", "AAA"] = cut.loc["2024-09-02":"2024-09-06", "BBB"] = np.nan
        made = quiet(ms.backtest, events(("AAA", "2024-12-17"), ("BBB", "2024-12-17")), cut, HOLD)
        assert not any("other days" in note for note in made.notes)

    def test_halts_are_no_other_days_and_the_holidays_of_frankfurt_are(self, frame):
        other = traded_on("MC.PA", frame.index[0], frame.index[-1])
        both = frame[["F1", "F2"]].join(other, how="outer").dropna(how="all")
        both.loc["2024-09-10", "F2"] = np.nan
        for names, apart in ((("F1", "F2"), False), (("F1", "MC.PA"), True)):
            made = quiet(ms.backtest, events(*((name, "2024-12-17") for name in names)), both, HOLD)
            assert any("The prices of F1 have other days" in note for note in made.notes) == apart, names

    def test_a_rule_that_looks_back_over_all_says_which_have_other_days(self, frame):
        rule = ms.rules.AfterDrop(days=5, sigma=1.0, window=60, entry="next_close")
        made = quiet(ms.backtest, None, frame, rule)
        assert set(made.trades["ticker"]) == {"AAA", "BBB", "CCC", "MKT", "F1", "F2", "BTC-USD"}
        assert any("have other days than the account" in note for note in made.notes)
        again = quiet(ms.backtest, None, frame[frame.columns[::-1]], rule)
        assert sorted(again.trades["return"]) == pytest.approx(sorted(made.trades["return"]), rel=1e-9)


class TestEnd:
    def test_others_that_go_on_are_no_delisting(self, frame):
        ended = frame.copy()
        ended.loc["2025-01-16":, "F1"] = np.nan
        event = events(("F1", "2025-01-10"))
        for prices in (ended, ended[["F1"]].dropna()):
            made = quiet(ms.backtest, event, prices, HOLD, delisting_return=-0.3)
            assert made.legs["exit_reason"].tolist() == ["still open"]
            assert str(made.daily.index[-1].date()) == "2025-01-15"
            assert any("no delisting_return: a benchmark tells" in note for note in made.notes)

    @pytest.mark.parametrize("told", [{"benchmark": "F2"}, {"tickers": ["F2"]}])
    def test_the_benchmark_and_others_that_are_traded_tell_a_delisting(self, frame, told):
        ended = frame.copy()
        ended.loc["2025-01-16":, "F1"] = np.nan
        made = quiet(ms.backtest, events(("F1", "2025-01-10")), ended, HOLD, delisting_return=-0.3, **told)
        assert made.legs["exit_reason"].tolist() == ["delisted"]
        assert made.trades["return"].iloc[0] < -0.2


class TestColumnsOfEvents:
    @pytest.mark.parametrize("column", ["calendar", "market"])
    def test_one_calendar_of_all_events_is_that_of_the_account(self, frame, column):
        made = quiet(ms.backtest, events(("BTC-USD", "2025-01-18"), **{column: "24/7"}), frame, HOLD)
        assert str(made.trades["exit_session"].iloc[0].date()) == "2025-01-24"
        made = quiet(ms.backtest, events(("AAA", "2025-01-17"), **{column: "24/7"}), frame, HOLD, on_closed="next")
        assert made.trades.empty  # the next day has no price: it is a session all the same
        assert "2025-01-18" in made.exclusions["reason"].iloc[0]

    def test_rows_may_be_said_to_be_the_calendar(self, frame):
        made = quiet(ms.backtest, events(("AAA", "2025-01-15"), calendar="index"), frame, HOLD)
        assert made.legs["exit_session"].astype(str).tolist() == ["2025-01-21"]

    @pytest.mark.parametrize(
        ("columns", "options", "said"),
        [
            ({"market": "Frankfurt"}, {}, r"column 'market'.*'Frankfurt'.*one calendar"),
            ({"calendar": ["NYSE", "24/7"]}, {}, r"column 'calendar'.*'NYSE' and '24/7'"),
            ({"calendar": ["NYSE", ""]}, {}, r"column 'calendar'"),
            ({"calendar": "24/7"}, {"calendar": "NYSE"}, r"column 'calendar'"),
            ({"market": "NYSE", "calendar": "24/7"}, {}, r"column 'calendar'|column 'market'"),
            ({"benchmark": "MKT"}, {}, r"column 'benchmark'.*one benchmark.*benchmark='MKT'"),
            ({"benchmark": ["MKT", "AAA"]}, {"benchmark": "MKT"}, r"column 'benchmark'"),
        ],
    )
    def test_what_an_account_cannot_do_is_refused_by_name(self, frame, columns, options, said):
        pair = events(("AAA", "2025-01-15"), ("BBB", "2025-01-21"), **columns)
        with pytest.raises(InputError, match=f"(?s){said}"):
            quiet(ms.backtest, pair, frame, HOLD, **options)

    def test_what_says_the_same_as_the_call_is_read(self, frame):
        pair = events(("AAA", "2025-01-15"), ("BBB", "2025-01-21"))
        plain = quiet(ms.backtest, pair, frame, HOLD, benchmark="MKT", calendar="NYSE")
        stated = pair.assign(benchmark="MKT", calendar="NYSE")
        made = quiet(ms.backtest, stated, frame, HOLD, benchmark="MKT")
        assert made.trades["return"].equals(plain.trades["return"])


def test_the_sessions_of_a_year_of_all_moves_are_those_of_the_median_security(frame):
    """Of stocks with halts each has days of its own, and two coins have the same."""
    days = traded_on("SAP.DE", frame.index[0], frame.index[-1])
    stocks = [days.drop(days.index[100 + k]).set_axis([f"F{k}"], axis=1) for k in range(5)]
    coins = frame[["BTC-USD"]].assign(ETH=frame["BTC-USD"] * 2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = ms.fragility(coins.join(stocks, how="outer"))
    assert 250 < made.market.session_year.n < 256
    assert len([w for w in caught if issubclass(w.category, ms.errors.CalendarWarning)]) == 1
