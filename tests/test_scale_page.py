"""The recipe for Spark on the page about scale does what it says, on frames as Spark hands them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

import marketshock as ms

from .conftest import ROOT


def recipe():
    """Return the page's function."""
    page = (ROOT / "docs" / "scale.md").read_text("utf-8")
    block = next(b for b in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def cars" in b)
    scope: dict[str, object] = {}
    exec(block, scope)
    return scope


def batches(frame):
    """Hand a frame over in parts, as Spark does."""
    yield from (frame[lo : lo + 400] for lo in range(0, len(frame), 400))


def test_a_spark_partition():
    rng = np.random.default_rng(0)
    days = pd.bdate_range("2018-01-01", periods=500, name="date")
    factors = pd.DataFrame({"MKT": 0.01 * rng.normal(size=500)}, index=days)
    names = [f"S{i}" for i in range(4)]
    wide = pd.DataFrame(factors.to_numpy() + 0.02 * rng.normal(size=(500, 4)), index=days, columns=names)
    wide.iloc[100:103, 1] = np.nan
    events = pd.DataFrame({"ticker": names * 5, "date": days[300:320], "event_id": [f"e{i}" for i in range(20)]})
    long = wide.reset_index().melt("date", var_name="ticker", value_name="ret").dropna()
    scope = recipe()
    scope |= {"events": events, "factors": factors}
    parts = [pd.concat(scope["cars"](batches(long[long["ticker"].isin(some)]))) for some in (names[:1], names[1:])]
    found = pd.concat(parts).set_index("event_id").loc[events["event_id"]]
    whole = ms.summarize_events(
        events, returns=wide, factors=factors, model=ms.MarketModel("MKT"), calendar="index", cars=True
    ).car()
    np.testing.assert_array_equal(found["car"], whole["car"])
    assert list(scope["cars"](iter([]))) == []
    assert list(scope["cars"](iter([long.assign(ticker="other")[:500]]))) == []


def test_every_block_of_code_on_the_page_parses():
    page = (ROOT / "docs" / "scale.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        compile(block, "docs/scale.md", "exec")
