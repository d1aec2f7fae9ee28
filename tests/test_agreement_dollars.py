"""Agreement of every two ways to a dollar: study, market-cap change, derivations, reconciliation and claims.

Generated cases: calendars of New York, of a market without New York's holidays, of all seven days and of weeks; splits
and spin-offs before, on and after the day; a firm of three share classes, one of them unlisted; gaps. The expected
figures are computed here with plain pandas from the rows of the prices.
"""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marketshock as ms
from marketshock.claims import dollars
from marketshock.claims import prices as price_checks
from marketshock.claims.evidence import Evidence, MissingEvidenceError
from marketshock.errors import PriceError
from marketshock.sessions import nyse

FEW = settings(max_examples=10)
ROWS, CALENDARS = 150, ("NYSE", "business days", "seven days", "weekly")
SPIN_OFF = 1.253
SPLIT_DAYS = (-70, -41, -20, -1, 0, 1, 6, None)  # rows from the day; None: after the last row
CLASSES = (("A", "AAA"), ("B", "AAA"), ("C", "AAC"))  # class B is not listed


@dataclass(frozen=True)
class Case:
    """Prices, counts and a day, with the figures by hand."""

    calendar: str
    prices: ms.Prices
    shares: pd.DataFrame
    day: pd.Timestamp
    eve: pd.Timestamp

    @property
    def date(self) -> str:
        return str(self.day.date())

    def cap(self, firm: str, on: pd.Timestamp) -> float:
        """Closes of a day times the counts in the unit of the event day's closes."""
        total = 0.0
        for row in self.shares[self.shares["firm"] == firm].itertuples():
            factor = 1.0
            for ticker, date, ratio in self.prices.splits.itertuples(index=False):
                later = self.day if ratio == SPIN_OFF else pd.Timestamp(row.as_of)
                factor *= ratio if ticker == row.priced_at and date > later else 1.0
            total += self.prices.close.loc[on, row.priced_at] * row.shares * factor
        return total

    def change(self, firm: str) -> float:
        return self.cap(firm, self.day) - self.cap(firm, self.eve)

    def study(self) -> ms.StudyResult:
        events = pd.DataFrame({"ticker": ["AAA", "BBB"], "date": self.date, "event_id": ["a", "b"]})
        return quietly(
            ms.event_study,
            events,
            prices=self.prices,
            model=ms.MarketModel("IDX"),
            window=(-2, 2),
            estimation=(-60, -11),
            min_obs=20,
        )

    def evidence(self) -> Evidence:
        facts = pd.DataFrame({"what": [], "value": []})
        return Evidence(self.prices, ms.SharesTable.from_frame(self.shares), None, facts, _catalog())


@cache
def _catalog() -> ms.Catalog:
    return ms.load_catalog()


def quietly(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def days_of(calendar: str) -> pd.DatetimeIndex:
    """Rows that begin in the middle of 2023; New York is closed on some days of every calendar but its own."""
    if calendar == "NYSE":
        table = nyse().days
        return pd.DatetimeIndex(table[table >= np.datetime64("2023-06-01")][:ROWS].astype("datetime64[ns]"))
    return pd.date_range(
        "2023-06-01", periods=ROWS, freq={"business days": "B", "seven days": "D"}.get(calendar, "W-FRI")
    )


@st.composite
def cases(draw) -> Case:
    calendar = draw(st.sampled_from(CALENDARS))
    index, at = days_of(calendar), draw(st.integers(90, ROWS - 8))
    made = np.random.default_rng(draw(st.integers(0, 10**6)))
    moves = made.normal(0, 0.01, (ROWS, 4)) + made.normal(0, 0.008, (ROWS, 1))
    moves[at, :2] -= 0.05
    close = pd.DataFrame(100 * np.exp(np.cumsum(moves, axis=0)), index, columns=["AAA", "AAC", "BBB", "IDX"])
    for gap in draw(st.lists(st.integers(at - 45, at - 12), max_size=3, unique=True)):
        close.iloc[gap, draw(st.integers(0, 2))] = np.nan
    where = draw(
        st.lists(
            st.tuples(st.sampled_from(["AAA", "AAC", "BBB"]), st.sampled_from(SPLIT_DAYS)), max_size=3, unique=True
        )
    )
    later = index[-1] + pd.Timedelta(days=40)
    splits = pd.DataFrame(
        [
            (t, later if k is None else index[at + k], draw(st.sampled_from([2.0, 10.0, 0.5, SPIN_OFF])))
            for t, k in where
        ],
        columns=["ticker", "date", "ratio"],
    ).astype({"ratio": float, "date": "datetime64[ns]"})
    prices = dataclasses.replace(ms.Prices.from_frame(close, adjusted=False), splits=splits)
    counted = draw(st.sampled_from([at - 60, at - 41, at - 15]))
    rows = [
        ("AAA", name, ticker, made.uniform(1e8, 5e9), index[counted], index[counted + 10]) for name, ticker in CLASSES
    ]
    rows += [("BBB", "common", "BBB", made.uniform(1e8, 5e9), index[counted], index[counted + 1])]
    rows[2] = (*rows[2][:4], index[20], index[22])  # class C is missing in the last filing and keeps its count
    shares = pd.DataFrame(rows, columns=["firm", "share_class", "priced_at", "shares", "as_of", "filed"])
    shares["rounding"] = [1e6, 1, 1e3, 1e4]
    return Case(calendar, prices, shares, index[at], index[at - 1])


def close_to(value, expected):
    return value == pytest.approx(expected, rel=1e-9)


@FEW
@given(cases())
def test_study_and_market_cap_change(case):
    """The same session before and return; abnormal return x cap before; the same change with and without a study."""
    study = case.study()
    change = quietly(ms.market_cap_change, case.date, shares=case.shares, study=study)
    alone = quietly(ms.market_cap_change, case.date, case.prices, case.shares)
    daily, day_0 = study.to_frame(), study.car(0, 0)
    for event, firm in (("a", "AAA"), ("b", "BBB")):
        row = change.table.loc[firm]
        assert pd.Timestamp(change.previous) == pd.Timestamp(alone.previous) == case.eve
        assert close_to(row["cap_before_usd"], case.cap(firm, case.eve))
        assert close_to(row["change_usd"], case.change(firm))
        assert close_to(row["return"], case.change(firm) / case.cap(firm, case.eve))
        assert close_to(row["close_after"] / row["close_before"] - 1, daily.loc[(event, 0), "return"])
        for dollars_, share in (("abnormal_usd", "car"), ("ci_low_usd", "ci_low"), ("ci_high_usd", "ci_high")):
            assert close_to(row[dollars_], day_0.loc[event, share] * case.cap(firm, case.eve))
        same = ["cap_before_usd", "change_usd", "change_low_usd", "change_high_usd", "shares", "split_factor"]
        assert row[same].equals(alone.table.loc[firm, same].astype(object))


@FEW
@given(cases())
def test_derivation_of_a_market_cap_change(case):
    change = quietly(ms.market_cap_change, case.date, shares=case.shares, study=case.study())
    for firm in ("AAA", "BBB"):
        written, row = change.explain(firm).values, change.table.loc[firm]
        assert close_to(written["cap before"], case.cap(firm, case.eve))
        assert close_to(written["change"], case.change(firm))
        assert close_to(written["usd ar"], row["abnormal_usd"])
        assert close_to(written["usd low"], row["ci_low_usd"])
        assert close_to(written["ar"] + written["quantile"] * written["se"], written["high"])
        assert close_to(written["change low"], row["change_low_usd"])


@FEW
@given(cases(), st.sampled_from([(0, 0), (0, 2)]))
def test_derivation_of_a_study(case, window):
    study = case.study()
    for event, firm in (("a", "AAA"), ("b", "BBB")):
        explained = quietly(study.explain, event, *window, shares=ms.SharesTable.from_frame(case.shares))
        assert f"close of {case.eve.date()}" in str(explained)
        assert close_to(explained.values["cap before"], case.cap(firm, case.eve))
        assert close_to(explained.values["usd car"], study.car(*window).loc[event, "car"] * case.cap(firm, case.eve))


@FEW
@given(cases())
def test_reconciliation(case):
    change = quietly(ms.market_cap_change, case.date, case.prices, case.shares)
    for firm in ("AAA", "BBB"):
        listed = quietly(ms.reconcile, firm, case.date, 1e9, prices=case.prices, shares=case.shares, printed={})
        own = listed.table[listed.table["is_own"]]
        assert pd.Timestamp(listed.previous) == case.eve
        assert len(own) == 1
        same = ["change_usd", "change_low_usd", "change_high_usd", "shares", "close_before", "close_after"]
        np.testing.assert_allclose(
            own[same].iloc[0].astype(float), change.table.loc[firm, same].astype(float), rtol=1e-12
        )
        assert close_to(own["change_usd"].item(), case.change(firm))


@FEW
@given(cases())
def test_claims(case):
    evidence, date = case.evidence(), case.day.date()
    daily = case.study().to_frame()
    for event, firm in (("a", "AAA"), ("b", "BBB")):
        answer = quietly(dollars.market_cap_change, evidence, ticker=firm, date=date)
        assert close_to(answer.measures[0].value, case.change(firm))
        loss = quietly(dollars.record_loss, evidence, ticker=firm, date=date).inputs[f"{firm} loss {case.date}, USD"]
        assert close_to(loss, -case.change(firm))
        told = price_checks.day_return(evidence, ticker=firm, date=date).measures[0].value
        assert close_to(told, daily.loc[(event, 0), "return"])


@FEW
@given(cases())
def test_losses_of_earlier_days_are_market_cap_changes(case):
    """A record is a rank among the changes of all days, each with the counts of the last day."""
    evidence = case.evidence()
    for firm in ("AAA", "BBB"):
        losses = dollars._losses(evidence, firm, np.datetime64(case.date))
        days = case.prices.dates[: len(losses) + 1]
        for k in (len(losses) - 5, len(losses) - 1):
            earlier = dataclasses.replace(case, day=days[k + 1], eve=days[k])
            assert close_to(losses[k], -earlier.change(firm))


@FEW
@given(cases(), st.sampled_from(["AAA", "AAC", "BBB"]), st.sampled_from([10.0, 3.0, 0.25, SPIN_OFF]))
def test_a_later_split_changes_no_dollar(case, ticker, ratio):
    """Closes of before divided by the ratio and one more split: what a vendor serves after it."""
    close = case.prices.close.copy()
    close[ticker] /= ratio
    row = pd.DataFrame({"ticker": [ticker], "date": [case.prices.dates[-1] + pd.Timedelta(days=90)], "ratio": [ratio]})
    splits = pd.concat([case.prices.splits, row], ignore_index=True)
    rebased = dataclasses.replace(
        case, prices=dataclasses.replace(case.prices, close=close, adj_close=close, splits=splits)
    )
    usd = ["cap_before_usd", "change_usd", "change_low_usd", "change_high_usd", "return"]
    made = [quietly(ms.market_cap_change, case.date, c.prices, c.shares).table[usd] for c in (case, rebased)]
    pd.testing.assert_frame_equal(*made, rtol=1e-9)
    for firm in ("AAA", "BBB"):
        losses = [dollars._losses(c.evidence(), firm, np.datetime64(case.date)) for c in (case, rebased)]
        np.testing.assert_allclose(*losses, rtol=1e-9, atol=1.0)
        ranks = [dollars.record_loss(c.evidence(), ticker=firm, date=case.day.date()).measures for c in (case, rebased)]
        assert ranks[0] == ranks[1]


@FEW
@given(cases())
def test_without_the_eve_there_is_neither_a_return_nor_a_dollar(case):
    """On New York's calendar a missing row is a missing close, not an earlier session before."""
    bare = dataclasses.replace(
        case.prices, close=case.prices.close.drop(case.eve), adj_close=case.prices.close.drop(case.eve)
    )
    lacking = dataclasses.replace(case, prices=bare)
    if case.calendar != "NYSE":
        change = quietly(ms.market_cap_change, case.date, bare, case.shares)
        assert pd.Timestamp(change.previous) == bare.dates[bare.dates < case.day][-1]
        return
    assert np.isnan(lacking.study().to_frame().loc[("a", 0), "return"])
    with pytest.raises(PriceError, match=f"no close of AA[AC] on {case.eve.date()}"):
        quietly(ms.market_cap_change, case.date, bare, case.shares)
    with pytest.raises(PriceError, match=f"no close of AA[AC] on {case.eve.date()}"):
        ms.reconcile("AAA", case.date, 1e9, prices=bare, shares=case.shares)
    for check in (dollars.record_loss, price_checks.day_return):
        with pytest.raises(MissingEvidenceError):
            check(lacking.evidence(), ticker="AAA", date=case.day.date())


@FEW
@given(cases(), st.sampled_from([4.0, 0.2]), st.sampled_from([-3, 0, 4]))
def test_closes_that_are_not_adjusted_for_a_split_are_refused_by_all(case, ratio, apart):
    at = case.prices.dates.get_loc(case.day) + apart
    close = case.prices.close.copy()
    close.iloc[:at, close.columns.get_loc("AAA")] *= ratio
    row = pd.DataFrame({"ticker": ["AAA"], "date": [close.index[at]], "ratio": [ratio]})
    splits = pd.concat([case.prices.splits[case.prices.splits["date"] != close.index[at]], row], ignore_index=True)
    raw = dataclasses.replace(
        case, prices=dataclasses.replace(case.prices, close=close, adj_close=close, splits=splits)
    )
    said = "the closes are not adjusted for it"
    with pytest.raises(PriceError, match=said):
        raw.study()
    with pytest.raises(PriceError, match=said):
        ms.market_cap_change(case.date, raw.prices, raw.shares)
    with pytest.raises(PriceError, match=said):
        ms.reconcile("AAA", case.date, 1e9, prices=raw.prices, shares=raw.shares)
    with pytest.raises(PriceError, match=said):
        ms.verify_claims(prices=raw.prices, shares=raw.shares)


@pytest.mark.parametrize("ratio", [10.0, 0.125, SPIN_OFF])
def test_no_verdict_changes_with_a_later_split(ratio):
    """The bundled prices as a vendor would serve them after one more split of NVIDIA."""
    bundled = ms.snapshot()

    def rebased(frame):
        return frame.assign(NVDA=frame["NVDA"] / ratio) if "NVDA" in frame else frame

    extra = {name: frame if name == "volume" else rebased(frame) for name, frame in bundled.extra.items()}
    row = pd.DataFrame({"ticker": ["NVDA"], "date": [pd.Timestamp("2025-12-01")], "ratio": [ratio]})
    later = dataclasses.replace(
        bundled,
        close=rebased(bundled.close),
        adj_close=rebased(bundled.adj_close),
        extra=extra,
        splits=pd.concat([bundled.splits, row], ignore_index=True),
    )
    before, after = ms.verify_claims(), ms.verify_claims(prices=later)
    assert {i: v.status for i, v in before.items()} == {i: v.status for i, v in after.items()}
    assert {i: v.computed for i, v in before.items()} == {i: v.computed for i, v in after.items()}


@pytest.mark.parametrize("calendar", CALENDARS)
def test_no_day_0_of_a_study_is_refused(calendar):
    """A row that a study takes for day 0 has its dollars, the first one and the last one too."""
    index = days_of(calendar)
    moves = np.random.default_rng(5).normal(0, 0.01, (ROWS, 1))
    close = pd.DataFrame(100 * np.exp(np.cumsum(moves, axis=0)), index, columns=["AAA"])
    prices = ms.Prices.from_frame(close, adjusted=False)
    shares = pd.DataFrame({"firm": ["AAA"], "shares": 1e9, "as_of": "2023-01-02", "filed": "2023-01-03"})
    events = pd.DataFrame({"ticker": "AAA", "date": index.astype(str)})
    options = {"model": ms.ConstantMean(), "window": (0, 0), "estimation": (-30, -1), "min_obs": 10}
    study = quietly(ms.event_study, events, prices=prices, **options)
    assert len(study) > ROWS - 15
    days = study.panel.session
    closed = days[~nyse().contains(days)]  # in New York
    for day in [*days[:1], *days[-1:], *closed[:2], *(closed[:2] + 1), days[70]]:
        if day not in days:
            continue
        change = quietly(ms.market_cap_change, day, study=study, shares=shares)
        assert pd.Timestamp(change.previous) == index[index.get_loc(pd.Timestamp(day)) - 1]
        assert np.isfinite(change.table["abnormal_usd"]).all()


def test_the_first_loss_of_one_firm_is_a_record_of_its_own():
    """Two rows and one firm: there is no other loss to compare with, and before the second row there is none at all."""
    index = pd.to_datetime(["2025-01-24", "2025-01-27"])
    prices = ms.Prices.from_frame(pd.DataFrame({"AAA": [10.0, 9.0]}, index), adjusted=False)
    shares = pd.DataFrame({"firm": ["AAA"], "shares": 1e9, "as_of": "2024-11-15", "filed": "2024-11-20"})
    evidence = Case("NYSE", prices, shares, index[1], index[0]).evidence()
    answer = dollars.record_loss(evidence, ticker="AAA", date=index[1].date())
    assert answer.measures[0].value == 1
    assert answer.inputs == {"AAA loss 2025-01-27, USD": pytest.approx(1e9)}
    with pytest.raises(MissingEvidenceError, match="on 2025-01-24 or before it is missing"):
        dollars.record_loss(evidence, ticker="AAA", date=index[0].date())
