"""Types and shapes of prices, events and windows: the same numbers, or one error that names the argument."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import MarketShockError

DAYS = pd.bdate_range("2022-01-03", periods=300)
_RNG = np.random.default_rng(3)
_MARKET = _RNG.normal(0, 0.01, len(DAYS))
RETURNS = pd.DataFrame({name: _MARKET + _RNG.normal(0, 0.01, len(DAYS)) for name in "AB"}, index=DAYS)
PRICES = 100 * (1 + RETURNS.assign(MKT=_MARKET)).cumprod()
EVENTS = pd.DataFrame({"ticker": ["A", "B", "A"], "date": DAYS[[200, 220, 260]]})


def run(events=EVENTS, prices=PRICES, **named):
    options = {"model": ms.MarketModel("MKT"), "estimation": (-130, -11), "calendar": "index", **named}
    return ms.event_study(events, prices=prices, **options)


def car(study) -> np.ndarray:
    return study.car(0, 1)["car"].to_numpy()


@pytest.fixture(scope="module")
def expected():
    return car(run())


def indexed(change):
    return PRICES.set_axis(change(PRICES.index))


SAME = {
    "objects": lambda: run(prices=PRICES.astype(object)),
    "Decimal": lambda: run(prices=PRICES.map(lambda v: decimal.Decimal(repr(v)))),
    "Float64": lambda: run(prices=PRICES.astype("Float64")),
    "arrow": lambda: run(prices=PRICES.astype("double[pyarrow]")),
    "longdouble": lambda: run(prices=PRICES.astype("longdouble")),
    "sparse": lambda: run(prices=PRICES.astype(pd.SparseDtype(float))),
    "categories as columns": lambda: run(prices=PRICES.set_axis(pd.CategoricalIndex(PRICES.columns), axis=1)),
    "UTC": lambda: run(prices=PRICES.tz_localize("UTC")),
    "New York": lambda: run(prices=PRICES.tz_localize("America/New_York")),
    "text dates": lambda: run(prices=indexed(lambda i: i.strftime("%Y-%m-%d"))),
    "dates": lambda: run(prices=indexed(lambda i: [day.date() for day in i])),
    "periods": lambda: run(prices=PRICES.to_period("D")),
    "seconds": lambda: run(prices=indexed(lambda i: i.as_unit("s"))),
    "milliseconds": lambda: run(prices=indexed(lambda i: i.as_unit("ms"))),
    "huge prices": lambda: run(prices=PRICES * 1e300),
    "small prices": lambda: run(prices=PRICES * 1e-30),
    "numbers as names": lambda: run(EVENTS.assign(ticker=[1, 2, 1]), PRICES.rename(columns={"A": 1, "B": 2})),
    "ids: numbers": lambda: run(EVENTS.assign(event_id=[1, 2, 3])),
    "ids: tuples": lambda: run(EVENTS.assign(event_id=pd.Series([(1, 2), (1, 3), (2, 1)], dtype=object))),
    "ids: categories": lambda: run(EVENTS.assign(event_id=pd.Categorical(["a", "b", "c"]))),
    "ids: dates": lambda: run(EVENTS.assign(event_id=[dt.date(2020, 1, day) for day in (1, 2, 3)])),
    "ids: UUIDs": lambda: run(EVENTS.assign(event_id=[uuid.UUID(int=n) for n in range(3)])),
    "ids: long": lambda: run(EVENTS.assign(event_id=["x" * 100_000, "b", "c"])),
    "text dates of events": lambda: run(EVENTS.assign(date=EVENTS.date.dt.strftime("%Y-%m-%d"))),
    "index of events repeats": lambda: run(EVENTS.set_axis([0, 0, 0])),
    "NumPy window": lambda: run(window=np.array([-1, 5])),
    "another name that is all missing": lambda: run(prices=PRICES.assign(X=np.nan)),
}

REFUSED = {
    "text": lambda: run(prices=PRICES.astype(str)),
    "complex": lambda: run(prices=PRICES.astype(complex)),
    "bool": lambda: run(prices=PRICES > 0),
    "days first": lambda: run(prices=indexed(lambda i: i.strftime("%d/%m/%Y"))),
    "numbers as dates": lambda: run(prices=indexed(lambda i: i.strftime("%Y%m%d").astype(int))),
    "seconds since 1970": lambda: run(prices=indexed(lambda i: i.astype("int64"))),
    "reversed": lambda: run(prices=PRICES.iloc[::-1]),
    "shuffled": lambda: run(prices=PRICES.sample(frac=1, random_state=1)),
    "a day twice": lambda: run(prices=pd.concat([PRICES, PRICES.iloc[[10]]]).sort_index()),
    "no date": lambda: run(prices=indexed(lambda i: pd.DatetimeIndex([pd.NaT, *i[1:]]))),
    "a name twice": lambda: run(prices=pd.concat([PRICES, PRICES[["A"]]], axis=1)),
    "infinite": lambda: run(prices=PRICES.replace(PRICES.iloc[200, 0], np.inf)),
    "zero": lambda: run(prices=PRICES.replace(PRICES.iloc[200, 0], 0.0)),
    "minus zero": lambda: run(prices=PRICES.replace(PRICES.iloc[200, 0], -0.0)),
    "negative": lambda: run(prices=PRICES.replace(PRICES.iloc[200, 0], -5.0)),
    "no rows": lambda: run(prices=PRICES.iloc[:0]),
    "one row": lambda: run(prices=PRICES.iloc[:1]),
    "a series": lambda: run(prices=PRICES["A"]),
    "an array": lambda: run(prices=PRICES.to_numpy()),
    "a dictionary": lambda: run(prices=PRICES.to_dict("series")),
    "a path": lambda: run(prices="prices.csv"),
    "nothing": lambda: run(prices=None),
    "benchmark all missing": lambda: run(prices=PRICES.assign(MKT=np.nan)),
    "benchmark constant": lambda: run(prices=PRICES.assign(MKT=100.0)),
    "benchmark unknown": lambda: run(model=ms.MarketModel("NOPE")),
    "all firms missing": lambda: run(prices=PRICES.assign(A=np.nan, B=np.nan)),
    "a class as the model": lambda: run(model=ms.MarketModel),
    "text as the model": lambda: run(model="market"),
    "tuples as names": lambda: run(EVENTS.assign(ticker=[("A",), ("B",), ("A",)])),
    "ids: none": lambda: run(EVENTS.assign(event_id=[None, "b", "c"])),
    "ids: NaN": lambda: run(EVENTS.assign(event_id=[np.nan, "b", "c"])),
    "ids: 1 and '1'": lambda: run(EVENTS.assign(event_id=pd.Series([1, "1", 2], dtype=object))),
    "ids: twice": lambda: run(EVENTS.assign(event_id=["a", "a", "b"])),
    "events: days first": lambda: run(EVENTS.assign(date=EVENTS.date.dt.strftime("%d.%m.%Y"))),
    "events: serial days of a spreadsheet": lambda: run(EVENTS.assign(date=[44000, 44001, 44002])),
    "events: no date": lambda: run(EVENTS.assign(date=[pd.NaT, *EVENTS.date[1:]])),
    "events: year 9999": lambda: run(EVENTS.assign(date=["9999-12-31"] * 3)),
    "events: year 1": lambda: run(EVENTS.assign(date=["0001-01-01"] * 3)),
    "events: year 100000": lambda: run(EVENTS.assign(date=["100000-01-01"] * 3)),
    "events: no rows": lambda: run(EVENTS.iloc[:0]),
    "events: no columns": lambda: run(pd.DataFrame()),
    "events: nothing": lambda: run(None),
    "events: a dictionary": lambda: run(EVENTS.to_dict("list")),
    "events: a generator": lambda: run(row for row in [("A", DAYS[200])]),
    "window: from right to left": lambda: run(window=(3, -3)),
    "window: fractions": lambda: run(window=(-1.0, 5.0)),
    "window: text": lambda: run(window="-1:5"),
    "window: huge": lambda: run(window=(0, 10**12)),
    "estimation: in the window": lambda: run(estimation=(-100, 2)),
    "estimation: from right to left": lambda: run(estimation=(-11, -260)),
    "estimation: one day": lambda: run(estimation=(-11, -11), min_obs=1),
    "min_obs: 0": lambda: run(min_obs=0),
    "min_obs: NaN": lambda: run(min_obs=float("nan")),
    "min_obs: huge": lambda: run(min_obs=10**9),
    "min_obs: flag": lambda: run(min_obs=True),
}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.filterwarnings("ignore::marketshock.errors.MarketShockWarning")
def test_the_same_numbers(name, expected):
    np.testing.assert_allclose(car(SAME[name]()), expected, rtol=1e-9)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore::marketshock.errors.MarketShockWarning")
def test_one_error_of_the_library(name):
    with pytest.raises(MarketShockError) as caught:
        REFUSED[name]()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("dtype", "digits"), [("float32", 1e-4), ("int64", 1e-2)])
def test_fewer_digits_are_fewer_digits(dtype, digits, expected):
    """Prices as float32 or in whole units of 0.001 are those prices: nothing else is rounded."""
    prices = (PRICES * 1000).round().astype(dtype) if dtype == "int64" else PRICES.astype(dtype)
    np.testing.assert_allclose(car(run(prices=prices)), expected, atol=digits)


@pytest.mark.filterwarnings("ignore::marketshock.errors.MarketShockWarning")
def test_a_firm_without_a_move_or_a_price_is_an_exclusion_with_a_reason():
    for prices in (PRICES.assign(A=np.nan), PRICES.assign(A=100.0)):
        study = run(prices=prices)
        assert len(study.exclusions) == 2
        assert study.exclusions["reason"].str.len().gt(10).all()
