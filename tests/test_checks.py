"""What the checks of bars find, and what they leave alone."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketshock.providers.bars import FIELDS, Bars, adjusted_close
from marketshock.providers.checks import ERROR, FINDINGS, NOTE, WARNING, Finding, check_bars, found_in, words
from marketshock.sessions import nyse

DAYS = nyse().between(np.datetime64("2025-01-02"), np.datetime64("2025-03-31"))


def made(close=None, *, days=DAYS, zone="America/New_York", instrument="EQUITY", listed=None, **fields) -> Bars:
    close = np.full(len(days), 100.0) if close is None else np.asarray(close, dtype=float)
    close = close + np.arange(len(close)) * 0.01  # never twice the same
    values = np.zeros((len(days), len(FIELDS)))
    values[:, :4] = close[:, None] * [1, 1.01, 0.99, 1]
    values[:, 4] = 1e6
    for name, column in fields.items():
        values[:, FIELDS.index(name)] = column
    covered = (days[0].item(), days[-1].item() + dt.timedelta(days=1))
    about = {"timezone": zone, "instrument": instrument, "interval": "1d", "first_trade": listed}
    return Bars("X", days, days.astype("datetime64[s]"), values, covered, about)


def moved(at: int, factor: float, *, stays: bool = False) -> Bars:
    close = np.full(len(DAYS), 100.0)
    close[at : None if stays else at + 1] *= factor
    return made(close)


def names(bars: Bars, *more) -> list[tuple[str, str]]:
    return [(f.name, f.severity) for f in check_bars(bars, *more)]


def test_good_bars_are_left_alone():
    assert check_bars(made()) == []
    assert set(FINDINGS) >= {"spike", "jump", "adjustment"}


@pytest.mark.parametrize(
    ("factor", "stays", "found"),
    [
        (100, False, [("spike", ERROR)]),
        (0.01, False, [("spike", ERROR)]),
        (3, False, [("spike", WARNING)]),
        (1.5, False, []),
        (100, True, [("jump", ERROR)]),
        (2.5, True, [("jump", WARNING)]),
        (0.5, True, [("jump", WARNING)]),
        (0.83, True, []),
    ],
)
@pytest.mark.parametrize("at", [1, 20])
def test_moves(factor, stays, found, at):
    assert names(moved(at, factor, stays=stays)) == found


def test_a_spike_at_an_end_is_a_jump():
    assert names(moved(len(DAYS) - 1, 100)) == [("jump", ERROR)]
    assert names(moved(0, 100)) == [("jump", ERROR)]


@given(at=st.integers(1, len(DAYS) - 2), factor=st.sampled_from([100.0, 0.01, 1000.0, 10.0]))
def test_every_hundredfold_bar_is_found_on_its_day(at, factor):
    (finding,) = check_bars(moved(at, factor))
    assert (finding.name, finding.days) == ("spike", (str(DAYS[at]),))


def test_a_series_that_doubles_and_halves_by_turns_is_one_of_spikes():
    close = np.where(np.arange(len(DAYS)) % 2, 300.0, 100.0)
    assert {name for name, _ in names(made(close))} == {"spike"}


class TestAdjustment:
    def test_a_dividend_explains_its_step(self):
        dividend = np.zeros(len(DAYS))
        dividend[[10, 30]] = 2.0, 1.5
        bars = made(dividend=dividend)
        assert check_bars(bars, adjusted_close(bars["close"], dividend)) == []
        assert check_bars(bars, 0.37 * adjusted_close(bars["close"], dividend)) == []  # whatever the anchor

    @pytest.mark.parametrize(("step", "severity"), [(0.3, ERROR), (0.01, ERROR), (0.001, WARNING)])
    def test_a_step_without_a_dividend(self, step, severity):
        bars = made()
        adjusted = bars["close"].copy()
        adjusted[:12] *= 1 - step
        (finding,) = check_bars(bars, adjusted)
        assert (finding.name, finding.severity, finding.days) == ("adjustment", severity, (str(DAYS[12]),))

    def test_a_dividend_the_vendor_forgot(self):
        dividend = np.zeros(len(DAYS))
        dividend[10] = 2.0
        bars = made(dividend=dividend)
        assert names(bars, bars["close"]) == [("adjustment", ERROR)]

    def test_a_dividend_as_large_as_the_share(self):
        dividend = np.zeros(len(DAYS))
        dividend[10] = 200.0
        bars = made(dividend=dividend)
        assert ("adjustment", ERROR) in names(bars, bars["close"])

    @pytest.mark.parametrize("at", [10, 11])
    def test_a_dividend_on_a_day_without_a_close(self, at):
        dividend = np.zeros(len(DAYS))
        dividend[10] = 2.0
        bars = made(dividend=dividend)
        bars.values[at, 3] = np.nan
        assert names(bars, adjusted_close(bars["close"], dividend)) == [("missing", WARNING)]

    def test_a_special_dividend_explains_the_fall_of_its_day(self):
        dividend, close = np.zeros(len(DAYS)), np.full(len(DAYS), 100.0)
        dividend[10], close[10:] = 60.0, 40.0
        bars = made(close, dividend=dividend)
        assert names(bars, adjusted_close(bars["close"], dividend)) == []

    def test_missing_closes_do_not_hide_a_step(self):
        bars = made()
        bars.values[11:13, 3] = np.nan
        adjusted = bars["close"].copy()
        adjusted[:12] *= 0.7
        assert ("adjustment", ERROR) in names(bars, adjusted)


class TestSplits:
    @pytest.mark.parametrize("ratio", [2.0, 10.0, 0.1, 1.5])
    def test_an_unadjusted_split(self, ratio):
        split, close = np.zeros(len(DAYS)), np.full(len(DAYS), 100.0)
        split[10] = ratio
        close[:10] *= ratio
        assert ("split", ERROR) in names(made(close, split=split))

    @pytest.mark.parametrize("ratio", [2.0, 10.0, 0.1, 1.05])
    def test_an_adjusted_split(self, ratio):
        split = np.zeros(len(DAYS))
        split[10] = ratio
        assert names(made(split=split)) == []


class TestSessions:
    def test_absent_and_closed(self):
        keep = np.delete(np.arange(len(DAYS)), [3, 4])
        assert names(made(days=DAYS[keep])) == [("absent", WARNING)]
        with_holiday = np.sort(np.append(DAYS, np.datetime64("2025-01-09")))
        (finding,) = check_bars(made(days=with_holiday))
        assert (finding.name, finding.severity, finding.days) == ("closed_day", ERROR, ("2025-01-09",))

    def test_absent_at_the_start_unless_it_was_listed_later(self):
        late = made(days=DAYS[10:], listed=str(DAYS[10]))
        assert names(Bars(*_with_cover(late, DAYS[0]))) == [("starts_late", WARNING)]
        early = made(days=DAYS[10:], listed="2000-01-03")
        (finding,) = check_bars(Bars(*_with_cover(early, DAYS[0])))
        assert (finding.name, len(finding.days)) == ("absent", 10)

    def test_absent_at_the_end(self):
        bars = made(days=DAYS[:-5])
        cover = (bars.covered[0], DAYS[-1].item() + dt.timedelta(days=1))
        (finding,) = check_bars(Bars(bars.symbol, bars.day, bars.time, bars.values, cover, bars.about))
        assert len(finding.days) == 5

    @pytest.mark.parametrize(("zone", "instrument"), [("Europe/Berlin", "EQUITY"), ("America/New_York", "FUTURE")])
    def test_other_calendars_are_not_known_and_said_so(self, zone, instrument):
        assert names(made(zone=zone, instrument=instrument)) == [("calendar", NOTE)]


def _with_cover(bars: Bars, first) -> tuple:
    return bars.symbol, bars.day, bars.time, bars.values, (first.item(), bars.covered[1]), bars.about


class TestSingleBars:
    def test_close_outside_its_range(self):
        bars = made()
        bars.values[5, 1] = 99.0  # the high below the close
        assert names(bars) == [("range", ERROR)]

    def test_open_outside_its_range(self):
        bars = made()
        bars.values[5, 0] = 110.0
        assert names(bars) == [("range", WARNING)]

    def test_rounding_is_no_fault(self):
        bars = made()
        bars.values[5, 1] = bars.values[5, 3] * (1 - 5e-4)
        assert names(bars) == []

    def test_zeros(self):
        bars = made()
        bars.values[5, 0] = 0
        assert names(bars) == [("not_positive", WARNING)]
        bars.values[5, 3] = 0
        assert ("not_positive", ERROR) in names(bars)

    def test_missing(self):
        bars = made()
        bars.values[5, :4] = np.nan
        assert names(bars) == [("missing", WARNING)]

    @pytest.mark.parametrize(("count", "found"), [(4, []), (5, [("stale", WARNING)]), (12, [("stale", WARNING)])])
    def test_stale(self, count, found):
        bars = made()
        bars.values[10 : 10 + count, :4] = bars.values[10, :4]
        assert names(bars) == found

    def test_order(self):
        bars = made()
        bars.time[5] = bars.time[4]
        assert names(bars) == [("order", ERROR)]


def test_nothing_to_check():
    assert check_bars(made().where(np.zeros(len(DAYS), bool))) == []


def test_findings_in_words_and_within_days():
    finding = Finding("spike", ERROR, "close x100 and back", ("2025-01-03", "2025-02-03", "2025-03-03", "2025-03-04"))
    assert words([finding]) == "close x100 and back on 2025-01-03, 2025-02-03, 2025-03-03 and 1 more [spike]"
    about = {"findings": [finding.to_dict(), Finding("calendar", NOTE, "not known").to_dict()]}
    inside = found_in(about, dt.date(2025, 2, 1), dt.date(2025, 3, 1))
    assert [f.days for f in inside] == [("2025-02-03",), ()]
    assert [f.name for f in found_in(about, dt.date(2026, 1, 1), dt.date(2026, 2, 1))] == ["calendar"]


def test_real_figures_pass_clean(prices):
    days = prices.dates.to_numpy().astype("datetime64[D]")
    for ticker in prices.tickers:
        values = np.zeros((len(days), len(FIELDS)))
        for at, name in enumerate(("open", "high", "low")):
            values[:, at] = prices.extra[name][ticker]
        values[:, 3] = prices.close[ticker]
        about = {"timezone": "America/New_York", "instrument": "EQUITY", "interval": "1d"}
        cover = (days[0].item(), days[-1].item() + dt.timedelta(days=1))
        assert check_bars(Bars(ticker, days, days.astype("datetime64[s]"), values, cover, about)) == [], ticker
