"""The correlation of events in several markets against a double loop over their returns, on made markets."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.inference.overlap import overlap_correlation

CLOSES = {"A": 21, "B": 6, "C": 15.5, "D": 24}  # hours of UTC after the midnight that begins a session's date
N_DAYS = 260
WINDOW, ESTIMATION = (-2, 3), (-70, -6)


def made(
    seed: int, closes: dict[str, float], holes: float = 0.0, dates: int | None = None, **options
) -> ms.StudyResult:
    """Return a study of made markets with holidays of their own, whose sessions close at these hours."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2022-01-03", periods=N_DAYS)
    common = rng.normal(0, 0.01, N_DAYS)
    columns, markets, rows = {}, [], []
    for name, hour in closes.items():
        closed = rng.random(N_DAYS) < 0.25
        open_days = days[~closed]
        close = (open_days + pd.Timedelta(hours=hour)).tz_localize("UTC")
        table = pd.DataFrame({"session": open_days.date, "close_utc": close})
        markets.append(ms.Market(name, f"{name}X", sessions=table, zone="UTC"))
        for firm in [f"{name}X", *(f"{name}{k}" for k in range(5))]:
            moves = np.roll(common, 0 if hour > 12 else 1) + rng.normal(0, 0.01, N_DAYS)
            hole = rng.random(N_DAYS) < (holes if firm[-1] != "X" else 0.0)
            columns[firm] = np.where(closed | hole, np.nan, 100 * np.exp(np.cumsum(moves)))
        whole = open_days[120:-10] if dates is None else open_days[150 : 150 + dates]
        rows += [(f"{name}{k}", rng.choice(whole), name) for k in range(5) for _ in range(2)]
    events = pd.DataFrame(rows, columns=["ticker", "date", "market"]).drop_duplicates(["ticker", "date"])
    options = {"window": WINDOW, "estimation": ESTIMATION, "min_obs": 15} | options
    return ms.event_study(
        events, prices=pd.DataFrame(columns, index=days), model=ms.MarketModel("AX"), markets=markets,
        on_findings="ignore", **options,
    )  # fmt: skip


def returns_of(study: ms.StudyResult, closes: dict[str, float], which: str) -> list[np.ndarray]:
    """Return the returns of each event in a window: beginning and end in hours, date, residual."""
    evidence, out = study.evidence, []
    for i, (part, place) in enumerate(zip(study.panel.part, study.panel.place, strict=True)):
        own = study.panel.parts[part]
        sessions = own.returns.sessions.days
        data = getattr(own, f"{which}_data")
        table = study.panel.table
        hour = closes[str(table.market[study.panel.position[i]])]
        residuals = dict(zip(study.panel.estimation.offsets().tolist(), evidence.residuals[i], strict=True))
        for_event, window = [], own.estimation if which == "estimation" else own.window
        days = own.dates(window)[place]
        for k, day in enumerate(days):
            if not data.mask[place, k]:
                continue
            at = int(np.searchsorted(sessions, day))
            n = 1 if data.span is None else int(data.span[place, k])
            end, begin = (24 * s.astype(int) + hour for s in (sessions[at], sessions[at - n]))
            value = residuals[window.first + k] if which == "estimation" else 1.0
            for_event.append((begin, end, sessions[at].astype(int), value))
        out.append(np.array(for_event).reshape(-1, 4))
    return out


def classes(one: np.ndarray, other: np.ndarray, kind: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the pairs of returns by class: the same date, a later and an earlier one of the other event."""
    overlap = (one[:, None, 0] < other[:, 1]) & (other[:, 0] < one[:, None, 1])
    same, later = one[:, None, 2] == other[:, 2], one[:, None, 2] < other[:, 2]
    if kind == "label":
        return [np.nonzero(same)]
    return [np.nonzero(overlap & c) for c in (same, later, ~same & ~later)]


def by_hand(study: ms.StudyResult, closes: dict[str, float], days: slice, kind: str) -> float:
    estimation, event = (returns_of(study, closes, which) for which in ("estimation", "event"))
    masks = study.evidence.event_mask[:, days]
    event = [e[masks_before(study, i, days)] for i, e in enumerate(event)]
    total, n = 0.0, len(study)
    for i, j in itertools.combinations(range(n), 2):
        if not masks[i].any() or not masks[j].any():
            continue
        pairs = zip(classes(estimation[i], estimation[j], kind), classes(event[i], event[j], kind), strict=True)
        for (a, b), (tested, _) in pairs:
            if len(a) < 30:
                continue
            rho = np.corrcoef(estimation[i][a, 3], estimation[j][b, 3])[0, 1]
            total += rho * len(tested) / np.sqrt(masks[i].sum() * masks[j].sum())
    return 2 * total / (n * (n - 1))


def masks_before(study: ms.StudyResult, i: int, days: slice) -> np.ndarray:
    """Return which of the returns of an event are of the days under test."""
    at = np.flatnonzero(study.evidence.event_mask[i])
    return (at >= days.start) & (at < days.stop)


CASES = {
    "complete": {},
    "one close": {"closes": {"A": 24, "B": 24}},
    "gaps": {"holes": 0.05},
    "spans": {"holes": 0.1, "gaps": "span"},
    "weighted spans": {"holes": 0.1, "gaps": "trade_to_trade"},
    "reopened": {"holes": 0.1, "on_halt": "reopen"},
    "one date": {"dates": 1},
    "few dates": {"dates": 3, "holes": 0.02},
    "no order of dates": {"closes": {"A": 21, "B": -20, "C": 40}},
    "no order, spans": {"closes": {"A": 21, "B": -20, "C": 40}, "holes": 0.1, "gaps": "span"},
}


@pytest.mark.parametrize("kind", ["date", "label"])
@pytest.mark.parametrize("case", CASES)
def test_is_the_double_loop(case, kind):
    options = {"closes": CLOSES} | CASES[case]
    study = made(len(case), **options)
    for days in (slice(0, 6), slice(2, 3), slice(3, 6)):
        expected = by_hand(study, options["closes"], days, kind)
        found = overlap_correlation(study.evidence, days.start, days.stop, kind)
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-15)
    assert expected != 0.0


@pytest.mark.parametrize("dates", [None, 2])
def test_blocks_do_not_matter(dates, monkeypatch):
    evidence = made(5, CLOSES, holes=0.03, dates=dates).evidence
    whole = overlap_correlation(evidence, 0, 6, "date")
    for few, many, others in ((1, 1, 1), (2, 3, 2), (7, 7, 64)):
        for name, size in (("_FEW", few), ("_MANY", many), ("_OTHERS", others)):
            monkeypatch.setattr(f"marketshock.inference.overlap.{name}", size)
        assert overlap_correlation(evidence, 0, 6, "date") == pytest.approx(whole, rel=1e-12)


def test_events_without_a_return_under_test_have_no_weight():
    study = made(6, CLOSES, holes=0.15, estimation=(-110, -6))
    days = slice(2, 3)
    assert not study.evidence.event_mask[:, days].all()
    expected = by_hand(study, CLOSES, days, "date")
    assert overlap_correlation(study.evidence, 2, 3, "date") == pytest.approx(expected, rel=1e-10)
    assert expected != 0.0
