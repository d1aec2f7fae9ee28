"""Daily bars stamped at midnight of their exchange and converted to UTC, and stamps that only look like them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import PriceError
from marketshock.providers.frames import session_dates

WEEK = "Mon Tue Wed Thu Fri"
GULF = "Sun Mon Tue Wed Thu"


def bars(zone: str, hour: str = "00:00", first: str = "2024-01-01", n: int = 320, week: str = WEEK) -> pd.DatetimeIndex:
    """Return the sessions of an exchange at an hour of its own clock, converted to UTC."""
    days = pd.bdate_range(first, periods=n, freq="C", weekmask=week) + pd.Timedelta(f"{hour}:00")
    return pd.DatetimeIndex(days).tz_localize(zone).tz_convert("UTC")


def spelled(index: pd.DatetimeIndex, how: str) -> pd.Index:
    return {
        "times": index,
        "Z": pd.Index(index.strftime("%Y-%m-%dT%H:%M:%SZ"), dtype=object),
        "offset": pd.Index(index.strftime("%Y-%m-%d %H:%M:%S+00:00"), dtype=object),
        "naive": index.tz_localize(None),
        "New York": index.tz_convert("America/New_York"),
    }[how]


EAST = [
    *("Asia/Tokyo", "Asia/Seoul", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Asia/Kolkata", "Asia/Bangkok"),
    *("Europe/Paris", "Europe/London", "Europe/Athens", "Europe/Istanbul", "Africa/Johannesburg", "Asia/Karachi"),
    *("Australia/Sydney", "Pacific/Auckland"),
]


@pytest.mark.parametrize("how", ["times", "Z", "offset", "naive"])
@pytest.mark.parametrize("zone", EAST)
def test_midnight_east_of_greenwich_in_utc_is_refused_with_a_zone_of_that_clock(zone, how):
    index = bars(zone)
    with pytest.raises(PriceError, match="UTC lie on Sundays and not on Fridays") as error:
        session_dates("prices", spelled(index, how))
    named = error.value.remedy.split(" to ")[1].split(" first")[0]
    early = index[index.hour >= 11]
    assert (early.tz_convert(named) == early.tz_convert(named).normalize()).all()


@pytest.mark.parametrize("first", ["2024-01-08", "2024-07-08"])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Asia/Kolkata", "Europe/Paris"])
def test_a_few_weeks_are_enough(zone, first):
    with pytest.raises(PriceError, match="Sundays"):
        session_dates("prices", bars(zone, first=first, n=10))


def test_london_in_summer_and_in_winter():
    session_dates("prices", bars("Europe/London", first="2024-01-08", n=30))  # midnight is midnight UTC
    with pytest.raises(PriceError, match="midnight in Europe/London"):
        session_dates("prices", bars("Europe/London"))


@pytest.mark.parametrize("zone", ["Asia/Riyadh", "Asia/Jerusalem", "Asia/Dhaka"])
def test_weeks_from_sunday_to_thursday(zone):
    with pytest.raises(PriceError, match="Saturdays and not on Thursdays"):
        session_dates("prices", bars(zone, week=GULF))


def test_another_zone_than_utc_may_be_wrong_as_well():
    with pytest.raises(PriceError, match="Asia/Tokyo"):
        session_dates("prices", spelled(bars("Asia/Tokyo"), "New York"))


def test_an_odd_session_on_a_saturday_hides_nothing():
    index = bars("Asia/Kolkata").append(pd.DatetimeIndex(["2025-01-31 18:30"], tz="UTC")).unique().sort_values()
    with pytest.raises(PriceError, match="18:30 UTC"):
        session_dates("prices", index)


@pytest.mark.parametrize("how", ["times", "Z", "offset", "naive"])
@pytest.mark.parametrize("n", [7, 20, 320])
@pytest.mark.parametrize(
    ("zone", "hour", "week"),
    [
        ("America/New_York", "00:00", WEEK),
        ("America/New_York", "16:00", WEEK),
        ("America/Sao_Paulo", "00:00", WEEK),
        ("Europe/Paris", "17:35", WEEK),
        ("Europe/Berlin", "17:30", WEEK),
        ("Europe/London", "16:30", WEEK),
        ("Asia/Tokyo", "15:00", WEEK),
        ("Asia/Kolkata", "15:30", WEEK),
        ("Asia/Shanghai", "15:00", WEEK),
        ("Asia/Jerusalem", "17:25", GULF),
        ("Asia/Kuwait", "12:40", GULF),
        ("UTC", "00:00", WEEK),
        ("UTC", "06:00", WEEK),
        ("UTC", "15:30", WEEK),
        ("UTC", "21:00", WEEK),
        ("UTC", "15:00", WEEK + " Sat Sun"),
        ("UTC", "00:00", WEEK + " Sat Sun"),
    ],
)
def test_stamps_of_the_right_day_are_left_alone(zone, hour, week, n, how):
    index = bars(zone, hour, n=n, week=week)
    assert (session_dates("prices", spelled(index, how)) == index.tz_localize(None).to_numpy().astype("M8[D]")).all()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/Paris", "Asia/Kolkata"])
def test_a_zone_that_is_kept_has_its_own_dates(zone):
    index = bars(zone).tz_convert(zone)
    text = pd.Index([stamp.isoformat() for stamp in index], dtype=object)
    want = index.tz_localize(None).to_numpy().astype("datetime64[D]")
    assert (session_dates("prices", index) == want).all()
    assert (session_dates("prices", text) == want).all()


def test_long_frames_files_returns_and_factors(tmp_path):
    index = bars("Asia/Tokyo")
    values = 100 + np.arange(len(index)) / 10
    long = pd.DataFrame({"date": index, "ticker": "7203.T", "close": values})
    for given in (long, long.astype({"date": str}), pd.DataFrame({"7203.T": values}, index=index)):
        with pytest.raises(PriceError, match="Asia/Tokyo"):
            ms.Prices.from_frame(given)
    path = tmp_path / "prices.csv"
    long.to_csv(path, index=False)
    with pytest.raises(PriceError, match=r"prices\.csv: bars at 15:00 UTC"):
        ms.read_prices(path)
    wide = pd.DataFrame({"7203.T": 0.01, "m": 0.0}, index=index.strftime("%Y-%m-%dT%H:%M:%SZ"))
    wide.to_csv(path, index_label="date")
    with pytest.raises(PriceError, match=r"prices\.csv: bars at 15:00 UTC"):
        ms.read_returns(path)
    events = pd.DataFrame({"ticker": ["7203.T"], "date": ["2025-01-27"]})
    with pytest.raises(PriceError, match="returns: bars"):
        ms.event_study(events, returns=wide.set_axis(index), model=ms.ConstantMean())


# --------------------------------------------------------------------------- securities beside others


def beside(index: pd.DatetimeIndex, name: str = "OWN") -> pd.DataFrame:
    return pd.DataFrame({name: 100 + np.arange(len(index)) / 10}, index=index)


EVERY_DAY = WEEK + " Sat Sun"


def melted(frame: pd.DataFrame) -> pd.DataFrame:
    """As users write it: with rows that have no price."""
    return frame.rename_axis("date").reset_index().melt("date", var_name="ticker", value_name="close")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Tokyo", "Asia/Kolkata", "Australia/Sydney"])
@pytest.mark.parametrize("n", [20, 320])
def test_a_coin_beside_a_stock_hides_nothing(zone, n):
    coin = beside(bars(zone, n=7 * n // 5, week=EVERY_DAY), "COIN")
    both = coin.join(beside(bars(zone, n=n)), how="outer")
    for given in (both, both[["OWN", "COIN"]], both.set_axis(both.index.tz_localize(None)), melted(both)):
        with pytest.raises(PriceError, match="UTC lie on Sundays and not on Fridays"):
            ms.Prices.from_frame(given)
    events = pd.DataFrame({"ticker": ["OWN"], "date": ["2024-01-22"]})
    carried, plain = both.ffill(), beside(bars("UTC", n=n)) / 1e4
    with pytest.raises(PriceError, match="UTC lie on Sundays"):
        ms.Prices.from_frame(carried)
    for returns in (carried.pct_change(), both.apply(lambda column: column.dropna().pct_change())):
        with pytest.raises(PriceError, match="returns: bars"):
            ms.event_study(events, returns=returns, model=ms.ConstantMean())
        factors = returns.rename(columns={"OWN": "Mkt-RF", "COIN": "RF"})
        with pytest.raises(PriceError, match="factors: bars"):
            ms.event_study(events, returns=plain, factors=factors, model=ms.MarketModel("Mkt-RF"))


def test_a_coin_in_a_file_hides_nothing(tmp_path):
    zone = "Europe/Berlin"
    both = beside(bars(zone, n=448, week=EVERY_DAY), "COIN").join(beside(bars(zone)), how="outer")
    path = tmp_path / "prices.csv"
    both.to_csv(path, index_label="date")
    with pytest.raises(PriceError, match=r"midnight in Europe/Paris"):
        ms.read_prices(path)
    melted(both).to_csv(path, index=False)
    with pytest.raises(PriceError, match=r"prices\.csv: bars at 22:00 and 23:00 UTC"):
        ms.read_prices(path)
    both.apply(lambda column: column.dropna().pct_change()).to_csv(path, index_label="date")
    with pytest.raises(PriceError, match=r"prices\.csv: bars"):
        ms.read_returns(path)


def test_a_gulf_stock_beside_a_stock_of_tokyo():
    gulf = beside(bars("Asia/Riyadh", week=GULF), "GULF")
    with pytest.raises(PriceError, match="Saturdays and not on Thursdays"):
        ms.Prices.from_frame(gulf.join(beside(bars("Asia/Riyadh", week=EVERY_DAY, n=448), "COIN"), how="outer"))


@pytest.mark.parametrize(
    "other",
    [
        bars("UTC", "15:00", week="Sun", n=60),  # weekly bars
        bars("UTC", "15:00", week="Sun Mon", n=60),
        bars("UTC", "15:00", n=40)[:1] - pd.Timedelta(days=1),  # one
        bars("UTC", "15:00", week=EVERY_DAY)[::9],
        bars("UTC", "15:00")[:0],
    ],
)
def test_what_is_no_week_of_an_exchange_is_left_alone(other):
    coin = beside(bars("UTC", "15:00", n=448, week=EVERY_DAY), "COIN")
    both = coin.join(beside(bars("UTC", "15:00"), "STOCK"), how="outer").join(beside(other), how="left")
    assert len(ms.Prices.from_frame(both).dates) == len(both)
    assert len(ms.Prices.from_frame(melted(both)).dates) == len(both)
