"""Adding data of other markets, or rows of days on which the market was closed, changes no number."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marketshock as ms
from marketshock.claims.evidence import Evidence
from marketshock.claims.prices import day_return, volatility_ratio
from marketshock.sessions import nyse

from . import made_markets as mm

FIRST, LAST = "2023-11-01", "2025-03-14"
EVENT = "2025-01-27"  # a Monday
STOCKS = ("AAA", "BBB", "CCC", "MKT")
CLOSED = ("2024-01-15", "2024-11-28", "2025-01-09", "2025-01-20")  # of the NYSE: two holidays, Thanksgiving, mourning
EVENTS = pd.DataFrame({"ticker": ["AAA", "BBB", "CCC", "AAA"], "date": [EVENT, EVENT, "2025-01-21", "2024-07-05"]})

Numbers = dict[str, Any]
Change = Callable[[pd.DataFrame], pd.DataFrame]


def new_york(seed: int = 7) -> pd.DataFrame:
    """Return closes of three firms and a market on the sessions of New York."""
    table = nyse().days
    days = table[(table >= np.datetime64(FIRST)) & (table <= np.datetime64(LAST))]
    index = pd.DatetimeIndex(days.astype("datetime64[ns]"), name="date")
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0004, 0.009, len(index))
    returns = np.column_stack([*(1.2 * market + rng.normal(0, 0.012, len(index)) for _ in range(3)), market])
    returns[index == EVENT, :2] -= 0.09
    return pd.DataFrame(np.round(100 * np.cumprod(1 + returns, axis=0), 4), index, list(STOCKS))


def walk(index: pd.DatetimeIndex, name: str, seed: int = 1) -> pd.DataFrame:
    steps = np.random.default_rng(seed).normal(0, 0.02, len(index))
    return pd.DataFrame({name: np.round(40 * np.exp(np.cumsum(steps)), 4)}, index)


# ----------------------------------------------------------------- what others put into a frame of prices


def a_coin(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.join(walk(pd.date_range(frame.index[0], frame.index[-1]), "BTC-USD"), how="outer")


def london(frame: pd.DataFrame) -> pd.DataFrame:
    """Add a stock that trades on New York's holidays, and not on days on which New York is open."""
    days = pd.bdate_range(frame.index[0], frame.index[-1])
    return frame.join(walk(days.delete([30, 38, 39, 110, 200, 291]), "AZN.L"), how="outer")


#: Weekdays from November 2023 to March 2025 on which exchanges were closed; currencies are traded on all.
EVERYWHERE = ["2023-12-25", "2023-12-26", "2024-01-01", "2024-03-29", "2024-04-01", "2024-12-25", "2024-12-26"]
EVERYWHERE += ["2025-01-01"]
HOLIDAYS = {
    "SAP.DE": [*EVERYWHERE, "2024-05-01", "2024-12-24", "2024-12-31"],
    "MC.PA": [*EVERYWHERE, "2024-05-01"],
    "BP.L": [*EVERYWHERE, "2024-05-06", "2024-05-27", "2024-08-26"],
    "BHP.AX": [*EVERYWHERE, "2024-01-26", "2024-04-25", "2024-06-10", "2025-01-27"],
    "EURUSD=X": [],
}


def traded_on(name: str, first: object, last: object, seed: int = 1) -> pd.DataFrame:
    """Return closes of a security on the sessions of its exchange."""
    days = pd.bdate_range(first, last)
    return walk(days.difference(pd.DatetimeIndex(HOLIDAYS[name])), name, seed)


def frankfurt(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.join(traded_on("SAP.DE", frame.index[0], frame.index[-1]), how="outer")


def paris(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.join(traded_on("MC.PA", frame.index[0], frame.index[-1]), how="outer")


def london_alone(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.join(traded_on("BP.L", frame.index[0], frame.index[-1]), how="outer")


def sydney(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.join(traded_on("BHP.AX", frame.index[0], frame.index[-1]), how="outer")


def a_currency_for_longer(frame: pd.DataFrame) -> pd.DataFrame:
    beyond = pd.Timedelta(days=40)
    return frame.join(traded_on("EURUSD=X", frame.index[0] - beyond, frame.index[-1] + beyond), how="outer")


def new_york_beside(frame: pd.DataFrame) -> pd.DataFrame:
    """Add five of New York, which are more than the market's own."""
    return frame.join(new_york().rename(columns="US-{}".format).assign(**{"US-5": 1.0}), how="outer")


def exchanges(frame: pd.DataFrame) -> pd.DataFrame:
    return a_currency_for_longer(sydney(london_alone(paris(frame))))


def a_saturday_of_another(frame: pd.DataFrame) -> pd.DataFrame:
    other = walk(frame.index, "ODD")
    other.loc[pd.Timestamp("2025-01-18")] = 41.0
    return frame.join(other.sort_index(), how="outer")


def empty_weekends(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.asfreq("D")


def an_empty_holiday(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reindex(frame.index.union([pd.Timestamp("2025-01-20")]))


def carried_over_a_holiday(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reindex(frame.index.union([pd.Timestamp(CLOSED[2])])).ffill()


def carried_for_one_stock(frame: pd.DataFrame) -> pd.DataFrame:
    out = frame.reindex(frame.index.union([pd.Timestamp(CLOSED[1])]))
    out["BBB"] = out["BBB"].ffill()
    return out


def an_empty_column(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(NONE=np.nan)


def a_sparse_column(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.join(walk(pd.date_range(frame.index[3], frame.index[-1], freq="11D"), "RARE"), how="outer")


def all_at_once(frame: pd.DataFrame) -> pd.DataFrame:
    return an_empty_column(a_sparse_column(london(a_coin(carried_for_one_stock(frame)))))


COLUMNS: tuple[Change, ...] = (
    *(a_coin, london, a_saturday_of_another, an_empty_column, a_sparse_column),
    *(frankfurt, paris, london_alone, sydney, a_currency_for_longer, exchanges),
)
ROWS: tuple[Change, ...] = (empty_weekends, an_empty_holiday, carried_over_a_holiday, carried_for_one_stock)
CHANGES = (*COLUMNS, *ROWS, all_at_once)

# ------------------------------------------------------------------------------ what is computed from it


def quiet(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call without the warnings that say what was left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*arguments, **options)


def studied(frame: pd.DataFrame, events: pd.DataFrame = EVENTS, **options: Any) -> ms.StudyResult:
    options = {"model": ms.MarketModel("MKT"), **options}
    return quiet(ms.event_study, events, prices=frame, **options)


def numbers_of(frame: pd.DataFrame) -> Numbers:
    return {str(name): frame[name].to_numpy() for name in frame} | {"index": frame.index.to_numpy()}


def of_a_study(frame: pd.DataFrame) -> Numbers:
    made = studied(frame)
    return {
        "ar": made.ar.to_numpy(),
        "n_obs": made.fit.n_obs,
        "params": made.fit.params,
        "session": made.alignment["session"].to_numpy(),
        **numbers_of(made.car(-1, 5)),
        "tests": made.tests(-1, 1)["pvalue"].to_numpy(),
    }


def of_a_study_without_benchmark(frame: pd.DataFrame) -> Numbers:
    made = studied(frame, model=ms.ConstantMean())
    return {"ar": made.ar.to_numpy(), "n_obs": made.fit.n_obs, **numbers_of(made.car(-1, 5))}


def of_timestamps(frame: pd.DataFrame) -> Numbers:
    times = pd.to_datetime([f"{EVENT} 17:00", f"{EVENT} 09:00", "2025-01-18 12:00"]).tz_localize("America/New_York")
    made = studied(frame, pd.DataFrame({"ticker": ["AAA", "BBB", "CCC"], "date": times}))
    return {"session": made.alignment["session"].to_numpy(), "ar": made.ar.to_numpy()}


def of_placebo_days(frame: pd.DataFrame) -> Numbers:
    made = ms.placebo(studied(frame), first=0, last=1)
    return {**numbers_of(made.table), "car": made.distribution["car"].to_numpy()}


def of_the_days_before(frame: pd.DataFrame) -> Numbers:
    return numbers_of(ms.pretrend(studied(frame), 10).to_frame())


def of_other_news(frame: pd.DataFrame) -> Numbers:
    calendar = pd.DataFrame(
        {"ticker": ["AAA", "BBB", "CCC"], "date": ["2025-01-21", "2025-01-18", "2024-12-02"], "title": list("xyz")}
    ).assign(on_closed="next")
    return numbers_of(studied(frame).confounders(calendar))


COUNTS = pd.DataFrame(
    {"firm": ["AAA", "BBB"], "shares": [1e9, 2e9], "as_of": ["2024-10-01"] * 2, "filed": ["2024-10-20"] * 2}
)


def of_a_market_cap(frame: pd.DataFrame) -> Numbers:
    parts = {}
    for date in (EVENT, "2025-01-21", "2024-11-29"):
        made = quiet(ms.market_cap_change, date, frame, COUNTS, tickers=["AAA", "BBB"])
        parts |= {f"{date} {name}": value for name, value in numbers_of(made.table).items()}
        parts |= {f"{date} before": made.previous, f"{date} note": made.note}
    return parts


def of_a_reported_loss(frame: pd.DataFrame) -> Numbers:
    made = quiet(ms.reconcile, "AAA", EVENT, 9e9, prices=frame, shares=COUNTS)
    return {**numbers_of(made.table), "before": made.previous}


def of_large_moves(frame: pd.DataFrame) -> Numbers:
    made = quiet(ms.fragility, frame)
    z = made.z[list(STOCKS)].dropna(how="all")
    own = quiet(ms.fragility, frame[list(STOCKS)]).events()  # rows only
    ranked = made.events()
    ranked = ranked[ranked["ticker"].isin(STOCKS)]
    return {"z": z.to_numpy(), "days": z.index.to_numpy(), **numbers_of(own), "ranked": ranked["z"].to_numpy()}


def of_a_backtest(frame: pd.DataFrame) -> Numbers:
    rule = ms.rules.HoldAfter(days=5, entry="next_close")
    made = quiet(ms.backtest, EVENTS, frame, rule, benchmark="MKT", costs=ms.Costs(bps=3, borrow=0.02))
    curve = {"annual": made.curve.annual_return, "sharpe": made.curve.sharpe, "alpha": made.benchmark_regression.alpha}
    return {**numbers_of(made.daily), **{f"leg {k}": v for k, v in numbers_of(made.trades).items()}, **curve}


def of_a_backtest_without_benchmark(frame: pd.DataFrame, events: pd.DataFrame = EVENTS) -> Numbers:
    """With a position that is still open when the prices end."""
    days = frame[events["ticker"].iloc[0]].dropna().index
    late = pd.concat([events, pd.DataFrame({"ticker": events["ticker"][:1], "date": days[-3:-2]})])
    rule = ms.rules.HoldAfter(days=5, entry="next_close")
    made = quiet(ms.backtest, late, frame, rule, delisting_return=-0.3, costs=ms.Costs(bps=3, borrow=0.02))
    curve = {"annual": made.curve.annual_return, "year": made.curve.sessions_per_year}
    legs = {f"leg {k}": v for k, v in numbers_of(made.legs).items()}
    return {**numbers_of(made.daily), **numbers_of(made.trades), **legs, **curve}


def of_a_rule_that_looks_back(frame: pd.DataFrame) -> Numbers:
    rule = ms.rules.AfterDrop(days=5, sigma=2, window=60, entry="next_close")
    made = quiet(ms.backtest, None, frame, rule, tickers=["AAA", "BBB", "CCC"], benchmark="MKT")
    random = ms.placebo_trades(made, 49)
    return {**numbers_of(made.trades), "p": random.pvalue, "draws": np.asarray(random.distribution)}


def of_groups_by_volatility(frame: pd.DataFrame) -> Numbers:
    """Of rows alone: all columns of a frame are sorted."""
    made = quiet(ms.volatility_portfolios, frame[["AAA", "BBB", "CCC"]], lookback=60, groups=2)
    return numbers_of(made.table)


COMPUTED = (
    of_a_study,
    of_a_study_without_benchmark,
    of_timestamps,
    of_placebo_days,
    of_the_days_before,
    of_other_news,
    of_a_market_cap,
    of_a_reported_loss,
    of_large_moves,
    of_a_backtest,
    of_a_backtest_without_benchmark,
    of_a_rule_that_looks_back,
    of_groups_by_volatility,
)


def differing(one: Numbers, two: Numbers) -> list[str]:
    """Return the names under which two results differ, bit for bit; NaN equals NaN."""
    assert list(one) == list(two)
    return [name for name in one if not same(one[name], two[name])]


def same(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind == "f" and b.dtype.kind == "f":
        return np.array_equal(a, b, equal_nan=True)
    return bool(a.shape == b.shape and repr(a.tolist()) == repr(b.tolist()))


@pytest.fixture(scope="module")
def clean() -> pd.DataFrame:
    return new_york()


@pytest.fixture(scope="module")
def right(clean) -> dict[str, Numbers]:
    return {of.__name__: of(clean) for of in COMPUTED}


@pytest.mark.parametrize("of", COMPUTED, ids=lambda of: of.__name__)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_data_of_others_change_no_number(clean, right, of, change):
    assert differing(right[of.__name__], of(change(clean))) == []


# ------------------------------------------------------------------ a stock of an exchange that has no table here

LOCAL = pd.DataFrame({"ticker": ["SAP.DE"] * 3, "date": ["2024-12-17", "2025-01-09", "2024-06-19"]})


def of_a_local_study(frame: pd.DataFrame) -> Numbers:
    parts = {}
    for model in (ms.ConstantMean(), ms.MarketModel("^GDAXI")):
        made = studied(frame, LOCAL, model=model, estimation=(-110, -11), min_obs=60)
        parts |= {f"{model} {name}": value for name, value in numbers_of(made.car(-1, 5)).items()}
    return parts


def of_local_moves(frame: pd.DataFrame) -> Numbers:
    z = quiet(ms.fragility, frame).z["SAP.DE"].dropna()
    return {"z": z.to_numpy(), "days": z.index.to_numpy()}


def of_a_local_backtest(frame: pd.DataFrame) -> Numbers:
    return of_a_backtest_without_benchmark(frame, LOCAL)


def of_a_local_backtest_beside_its_index(frame: pd.DataFrame) -> Numbers:
    rule = ms.rules.HoldAfter(days=5, entry="next_close")
    made = quiet(ms.backtest, LOCAL, frame, rule, benchmark="^GDAXI")
    return {**numbers_of(made.daily), **numbers_of(made.trades), "alpha": made.benchmark_regression.alpha}


def of_a_local_rule_that_looks_back(frame: pd.DataFrame) -> Numbers:
    rule = ms.rules.AfterDrop(days=5, sigma=1.5, window=60, entry="next_close")
    made = quiet(ms.backtest, None, frame, rule, tickers="SAP.DE")
    return {**numbers_of(made.daily), **numbers_of(made.trades)}


def local() -> pd.DataFrame:
    """Return a stock and an index of Frankfurt; the stock is halted for two days."""
    stock = traded_on("SAP.DE", FIRST, LAST, 5).drop(pd.DatetimeIndex(["2024-09-10", "2024-09-11"]))
    return stock.join(traded_on("SAP.DE", FIRST, LAST, 6).rename(columns={"SAP.DE": "^GDAXI"}), how="outer")


@pytest.mark.parametrize(
    "of",
    [
        *(of_a_local_study, of_local_moves, of_a_local_backtest, of_a_local_backtest_beside_its_index),
        of_a_local_rule_that_looks_back,
    ],
    ids=lambda of: of.__name__,
)
def test_data_of_others_change_no_number_of_a_stock_of_frankfurt(of):
    frame = local()
    want = of(frame)
    changes = [*(c for c in COLUMNS if c is not frankfurt), new_york_beside]
    assert {c.__name__: differing(want, of(c(frame))) for c in changes} == {c.__name__: [] for c in changes}


def test_a_stock_of_frankfurt_is_held_for_sessions_of_frankfurt():
    """Ten sessions after 18 December 2024: the exchange was closed on the 24th to 26th and the 31st, and 1 January."""
    rule, stock = ms.rules.HoldAfter(days=10, entry="next_close"), local()[["SAP.DE"]]
    for frame in (stock, new_york_beside(stock), paris(stock), exchanges(stock)):
        made = quiet(ms.backtest, LOCAL[:1], frame, rule)
        assert str(made.trades["exit_session"].iloc[0].date()) == "2025-01-08"
        assert 250 < made.curve.sessions_per_year < 253  # 252 in these days, without two of a halt


# ------------------------------------------------------------------------------------------- any foreign data

#: Sessions of foreign columns: days of the week, and whether they begin and end beyond the market's.
_KINDS = ("every day", "weekdays", "other holidays", "sparse", "one day", "empty")


@st.composite
def foreign(draw: Any, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Generate columns of other markets, and rows of days that are no session, for a market with some sessions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    beyond = draw(st.sampled_from((20, 0)))
    whole = pd.date_range(days[0] - pd.Timedelta(days=beyond), days[-1] + pd.Timedelta(days=beyond))
    weekday, columns = np.is_busday(whole.to_numpy().astype("datetime64[D]")), []
    for k, kind in enumerate(draw(st.lists(st.sampled_from(_KINDS), max_size=4))):
        there = {
            "every day": np.ones(len(whole), dtype=bool),
            "weekdays": weekday,
            "other holidays": weekday & (rng.random(len(whole)) > 0.1),
            "sparse": rng.random(len(whole)) < 0.05,
            "one day": np.arange(len(whole)) == rng.integers(len(whole)),
            "empty": np.zeros(len(whole), dtype=bool),
        }[kind]
        name = str(rng.permutation([f"A{k}", f"Z{k}.L"])[0])  # before or after the market's own columns
        columns.append(walk(whole, name, int(rng.integers(1000)))[name].where(there))
    rows = whole[rng.random(len(whole)) < draw(st.sampled_from((0.3, 0.0)))]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=days[:0])
    return frame.reindex(frame.dropna(how="all").index.union(rows))


def beside(prices: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Return prices with foreign data, the columns in the order of their names."""
    joined = prices.join(others, how="outer").sort_index()
    return joined[sorted(joined)]


def equal_studies(one: ms.StudyResult, two: ms.StudyResult) -> None:
    assert same(one.ar.to_numpy(), two.ar.to_numpy())
    assert same(one.fit.params, two.fit.params)
    assert differing(numbers_of(one.car(-1, 2)), numbers_of(two.car(-1, 2))) == []
    assert differing(numbers_of(one.exclusions), numbers_of(two.exclusions)) == []
    assert differing(numbers_of(one.tests(-1, 1)), numbers_of(two.tests(-1, 1))) == []


@settings(max_examples=12, derandomize=True, deadline=None)
@given(data=st.data(), market=mm.markets(), model=st.sampled_from((ms.MarketModel("m"), ms.MarketAdjusted("m"))))
def test_any_foreign_data_change_no_study(data, market, model):
    options = {"model": model, **market.options, "calendar": "auto"}
    prices = market.prices
    others = data.draw(foreign(prices.index))
    one, two = (quiet(ms.event_study, market.events, prices=p, **options) for p in (prices, beside(prices, others)))
    equal_studies(one, two)


@settings(max_examples=8, derandomize=True, deadline=None)
@given(data=st.data(), market=mm.markets(exclusions=False))
def test_any_foreign_data_change_no_backtest(data, market):
    prices, rule = market.prices, ms.rules.HoldAfter(days=3, entry="next_close")
    others = data.draw(foreign(prices.index))
    one, two = (
        quiet(ms.backtest, market.events, p, rule, benchmark="m", costs=ms.Costs(bps=2, borrow=0.01))
        for p in (prices, beside(prices, others))
    )
    for name in ("trades", "daily", "performance", "exclusions"):
        assert differing(numbers_of(getattr(one, name)), numbers_of(getattr(two, name))) == []


@settings(max_examples=8, derandomize=True, deadline=None)
@given(data=st.data(), market=mm.markets(exclusions=False, gaps=("none",)))
def test_any_foreign_data_change_no_move_and_no_market_cap(data, market):
    prices = market.prices
    wide = beside(prices, data.draw(foreign(prices.index)))
    own = list(prices.columns)
    one, two = (quiet(ms.fragility, p, window=10).z[own].dropna(how="all") for p in (prices, wide))
    assert one.index.equals(two.index)
    np.testing.assert_allclose(one, two, rtol=1e-11)  # sums in blocks from the first row of the market's securities
    counts = pd.DataFrame({"firm": ["AA"], "shares": [1e9], "as_of": ["1960-01-01"], "filed": ["1960-02-01"]})
    date = prices.index[30]
    one, two = (quiet(ms.market_cap_change, date, p, counts) for p in (prices, wide))
    assert one.previous == two.previous == prices.index[29].to_numpy().astype("datetime64[D]")
    assert differing(numbers_of(one.table), numbers_of(two.table)) == []


# --------------------------------------------------------------------------------------- markets side by side


def beside_each_other() -> pd.DataFrame:
    """Return stocks of New York and London on the sessions of each, and a coin."""
    frame = london(new_york())
    other = pd.DatetimeIndex(["2024-03-29", "2024-04-01", "2024-05-06", "2024-12-25", "2024-12-26", "2025-01-01"])
    frame.loc[frame.index.isin(other), "AZN.L"] = np.nan
    return a_coin(frame)


def test_london_takes_its_own_session_before():
    """New York was closed on 20 January 2025; the close before the 21st is London's of the 20th."""
    frame = beside_each_other()
    counts = pd.DataFrame({"firm": ["AAA", "AZN.L", "BTC-USD"], "shares": 1e9, "as_of": "2024-10-01"})
    made = quiet(ms.market_cap_change, "2025-01-21", frame, counts.assign(filed="2024-10-20"))
    before = {"AAA": "2025-01-17", "AZN.L": "2025-01-20", "BTC-USD": "2025-01-20"}
    for firm, day in before.items():
        change = frame.loc["2025-01-21", firm] - frame.loc[day, firm]
        assert made.table.loc[firm, "change_usd"] == pytest.approx(1e9 * change, rel=1e-9), firm
        assert day in repr(made.explain(firm))
    assert "from 2025-01-20, the session before of its own market" in made.table.loc["AZN.L", "note"]
    told = quiet(ms.reconcile, "AZN.L", "2025-01-21", 5e8, prices=frame, shares=counts.assign(filed="2024-10-20"))
    assert str(told.previous) == "2025-01-20"
    with pytest.raises(ms.errors.NotSessionError, match="2025-01-20"):
        quiet(ms.market_cap_change, "2025-01-20", frame, counts.assign(filed="2024-10-20"), tickers="AAA")


def test_moves_of_several_markets_are_those_of_each():
    frame = beside_each_other()
    whole = quiet(ms.fragility, frame)
    assert whole.tickers == list(frame.columns)
    for names in (list(STOCKS), ["AZN.L"], ["BTC-USD"]):
        alone = quiet(ms.fragility, frame[names].dropna(how="all"))
        assert whole.z[names].dropna(how="all").equals(alone.z.dropna(how="all"))
    parts = [quiet(ms.fragility, frame[n].dropna(how="all")) for n in (list(STOCKS), ["AZN.L"], ["BTC-USD"])]
    assert whole.without_z.tolist() == sum(part.without_z.to_numpy() for part in parts).tolist()
    assert whole.count("2025-01-18") in (0, 1)  # a Saturday: the coin


def test_an_account_of_stocks_does_not_wait_for_a_coin():
    """Held five sessions of New York, whatever else is in the frame; without a benchmark the traded decide."""
    rule = ms.rules.HoldAfter(days=5, entry="next_close")
    frame = new_york()
    alone, beside_coin = (quiet(ms.backtest, EVENTS, p, rule) for p in (frame, all_at_once(frame)))
    assert differing(numbers_of(alone.trades), numbers_of(beside_coin.trades)) == []
    assert beside_coin.curve.sessions_per_year == 252
    coin = pd.DataFrame({"ticker": ["BTC-USD"], "date": ["2025-01-18"]})
    held = quiet(ms.backtest, coin, a_coin(frame), rule)
    assert str(held.trades["exit_session"].iloc[0].date()) == "2025-01-24"
    assert held.curve.sessions_per_year == 365


def test_a_dividend_of_a_closed_day_is_paid_on_the_next_session():
    frame = new_york()
    paid = pd.DataFrame(0.0, frame.index.union([pd.Timestamp("2025-01-20")]), list(STOCKS))
    paid.loc["2025-01-20", "AAA"] = 0.5
    closes = frame.reindex(paid.index)
    prices = ms.Prices(closes, closes, {"dividend": paid}, {})
    event = pd.DataFrame({"ticker": ["AAA"], "date": ["2025-01-15"]})
    made = quiet(ms.backtest, event, prices, ms.rules.HoldAfter(days=5, entry="next_close"), benchmark="MKT")
    assert made.trades["dividends"].iloc[0] == pytest.approx(0.5 * made.legs["shares"].iloc[0])
    assert made.daily.loc["2025-01-21", "dividends"] > 0


def test_a_claim_is_checked_on_the_sessions_of_its_own_securities(clean):
    def answers(frame: pd.DataFrame) -> Numbers:
        none = pd.DataFrame(index=pd.Index([], name="id"))
        prices = ms.Prices.from_frame(frame, adjusted=False)
        evidence = Evidence(prices, ms.SharesTable.from_frame(COUNTS), None, none, ms.load_catalog())
        day = pd.Timestamp(EVENT).date()
        told = quiet(day_return, evidence.about({"ticker": "AAA"}), ticker="AAA", date=day)
        end = pd.Timestamp("2025-02-20").date()
        ratio = quiet(volatility_ratio, evidence.about({"ticker": "BBB"}), ticker="BBB", date=day, end=end)
        return {"day": [m.value for m in told.measures], "ratio": [m.value for m in ratio.measures]}

    right = answers(clean)
    assert {change.__name__: differing(right, answers(change(clean))) for change in CHANGES} == {
        change.__name__: [] for change in CHANGES
    }
