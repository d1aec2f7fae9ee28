"""The page on columns names what the frames hold, and each name has one meaning."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import marketshock as ms

from .conftest import ROOT
from .test_backtest import made_events, made_prices, quiet

PAGE = (ROOT / "docs" / "columns.md").read_text("utf-8")
WIDE = {  # one column per day, ticker or portfolio: the names are those of the two axes
    *("study.ar", "study.sar", "measured.z", "measured.returns", "measured.volatility"),
    *("result.positions", "result.paths", "portfolios.paths", "portfolios.groups"),
}


def of_studies(seven: ms.StudyResult) -> dict[str, pd.DataFrame]:
    event, days = "deepseek-selloff/NVDA", (0, 0)
    params = seven.params.drop(columns=list(seven.spec.model.param_names))
    return {
        **{f"study.{name}": getattr(seven, name) for name in ("ar", "sar", "events", "exclusions", "alignment")},
        "study.params": params,
        "study.findings": seven.findings,
        "check_prices()": ms.check_prices(seven.prices),
        "study.car()": seven.car(),
        "study.car(adjust=...)": seven.car(adjust="holm"),
        "study.bhar()": seven.bhar(),
        "study.aar()": seven.aar(),
        "study.tests()": seven.tests(),
        "study.tests(by=...)": seven.tests(*days, by="ticker"),
        "study.power()": seven.power(),
        "study.to_frame()": seven.to_frame(),
        "study.confounders()": seven.confounders(),
        "compare()": ms.compare([seven]),
        "placebo().table": ms.placebo(seven, event, *days).table,
        "placebo().distribution": ms.placebo(seven, event, *days).distribution,
        "pretrend().table": ms.pretrend(seven).table,
        "pretrend().joint": ms.pretrend(seven).joint,
    }


def of_many(prices: ms.Prices) -> dict[str, pd.DataFrame]:
    closes = prices.close
    events = pd.DataFrame({"ticker": [t for t in closes.columns if t != "^GSPC"], "date": "2025-01-27"})
    events = events.assign(group=["a", "b"] * (len(events) // 2) + ["a"] * (len(events) % 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
        sums = ms.summarize_events(events, prices=prices, model=ms.MarketModel("^GSPC"), cars=True)
    traits = pd.DataFrame({"size": np.arange(len(study)) % 5}, index=study.events.index)
    regression = ms.regress_car(study, traits)
    curve = ms.specification_curve(events[:1], prices=prices, models=[ms.MarketModel("^GSPC"), ms.ConstantMean()])
    return {
        "summarize_events().exclusions": sums.exclusions,
        "summarize_events().counts": sums.counts.to_frame().T,
        "summarize_events().aar()": sums.aar(),
        "summarize_events().tests()": sums.tests(),
        "summarize_events().car()": sums.car(),
        "group_differences()": ms.group_differences(study),
        "regress_car().table": regression.table,
        "regress_car().exclusions": regression.exclusions,
        "specification_curve().table": curve.table,
    }


def of_dollars(seven: ms.StudyResult, folder) -> dict[str, pd.DataFrame]:
    change = ms.market_cap_change("2025-01-27", study=seven)
    reconciled = ms.reconcile("NVDA", "2025-01-27")
    path = folder / "a.txt"
    path.write_text("Nvidia fell 17% on January 27.")
    document = ms.read_document(path, "2025-02-13")
    return {
        "change.findings": change.findings,
        "change.table": change.table,
        "change.total": change.total.to_frame().T,
        "change.classes": change.classes["NVDA"],
        "reconcile().table": reconciled.table,
        "reconcile().reported": reconciled.reported,
        "verify_claims().table": ms.verify_claims().table,
        **{f"document.{name}": getattr(document, name) for name in ("mentions", "figures", "instruments")},
        "share_counts().table": ms.share_counts().table,
        "prices.splits": seven.prices.splits,
        "datasets.recorded_facts()": ms.datasets.recorded_facts(),
        "french_factors()": ms.french_factors(),
        "datasets.sp500().table": ms.datasets.sp500().table,
    }


def of_volatility(prices: ms.Prices) -> dict[str, pd.DataFrame]:
    closes = prices.adj_close.drop(columns="^GSPC")
    measured = ms.fragility(closes)
    portfolios = ms.volatility_portfolios(closes, lookback=20, groups=2, start="2024-06-01")
    return {
        **{f"measured.{name}": getattr(measured, name) for name in ("z", "returns", "volatility")},
        **{f"measured.{name}()": getattr(measured, name)() for name in ("counts", "events", "by_year", "ranking")},
        **{f"portfolios.{name}": getattr(portfolios, name) for name in ("table", "paths", "groups")},
        "index_contribution().table": ms.index_contribution(["NVDA", "AAPL"], "2025-01-27").table,
    }


def of_rules() -> dict[str, pd.DataFrame]:
    events, prices = made_events(60), made_prices()
    several = {f"{n} days": quiet(events, prices, ms.rules.HoldAfter(days=n), benchmark="MKT") for n in (1, 3)}
    result = several["1 days"]
    placebo = ms.placebo_trades(result, draws=99)
    names = (
        "alignment",
        "exclusions",
        "findings",
        "trades",
        "legs",
        "orders",
        "positions",
        "daily",
        "performance",
        "paths",
    )
    walked = ms.walk_forward(several, "2021-10-01", every="month", min_trades=5)
    design = ms.simulate.Design(n_firms=3)
    return {
        **{f"result.{name}": getattr(result, name) for name in names},
        "result.path()": result.path(),
        "result.split()": result.split("2021-10-01"),
        "placebo_trades().to_frame()": placebo.to_frame(),
        "placebo_trades().band()": placebo.band(),
        "compare_rules().table": ms.compare_rules(several, draws=99).table,
        "walk_forward().table": walked.table,
        "walk_forward().trades": walked.trades,
        "simulate.rejection_rates().table": ms.simulate.rejection_rates(design, tests=["patell"], n_samples=20).table,
    }


def of_earnings(yahoo, folder) -> dict[str, pd.DataFrame]:
    path = folder / "earnings.csv"
    path.write_text("ticker,date\nNVDA,2025-02-26\n")
    return {
        "earnings_dates()": ms.earnings_dates("NVDA", cache=folder / "cache", session=yahoo.session),
        "read_earnings()": ms.read_earnings(path),
    }


@pytest.fixture
def frames(seven, prices, yahoo, tmp_path) -> dict[str, pd.DataFrame]:
    return {
        **of_studies(seven),
        **of_many(prices),
        **of_dollars(seven, tmp_path),
        **of_volatility(prices),
        **of_rules(),
        **of_earnings(yahoo, tmp_path),
    }


def names_of(name: str, frame: pd.DataFrame) -> set[str]:
    """Return the names of a frame: its index levels, and its columns or the names of their levels."""
    columns = frame.columns.names if name in WIDE else frame.columns
    return {str(label) for label in [*frame.index.names, *columns] if label is not None}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading of the page."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def ticked(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_page_names_every_column(frames):
    listed = {name: set(ticked(" ".join(cells))) for first, *cells in rows("Frames") for name in ticked(first)}
    assert listed == {name: names_of(name, frame) for name, frame in frames.items()}


def test_every_name_has_one_unit_and_meaning():
    entries = [name for first, *_ in rows("Names") for name in ticked(first)]
    assert len(entries) == len(set(entries))
    assert all(unit and meaning for _, unit, meaning in rows("Names"))
    assert set(entries) == {name for _, *cells in rows("Frames") for name in ticked(" ".join(cells))}
