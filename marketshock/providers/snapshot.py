"""The bundled figures: real daily bars and factors around the two documents, offline."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from .._bundled import bundled_path
from .._typing import IntArray
from .base import Prices

_CENTS = ("open", "high", "low", "close")


def snapshot() -> Prices:
    """Return the bundled daily prices: 17 tickers, 2022-12-30 to 2025-03-31.

    The Magnificent Seven (and GOOG), AVGO, IBM, MRK, PM, SPY, QQQ, ^GSPC, ^NDX and ^IXIC. ``provenance`` says what
    was checked against a second vendor and where the two disagree; ``data/README.md`` says what each figure is.

    Returns
    -------
    Prices
        ``extra`` holds open, high, low (quote currency) and volume (shares, NaN where not reported); ``splits`` those
        of the period.
    """
    with np.load(bundled_path("figures", "daily.npz")) as packed:
        about = json.loads(str(packed["about"]))
        index = _index(packed["dates"])
        tickers = [str(t) for t in packed["tickers"]]
        raw = {name: np.cumsum(packed[name], axis=0) for name in (*_CENTS, "adj_close", "volume")}
    units = about["units"]
    scaled = {name: raw[name] / round(1 / units["prices"]) for name in _CENTS}
    scaled["adj_close"] = raw["adj_close"] / round(1 / units["adj_close"])
    scaled["volume"] = np.where(raw["volume"] < 0, np.nan, raw["volume"])
    frames = {name: pd.DataFrame(values, index=index, columns=tickers) for name, values in scaled.items()}
    since = {"splits_since": str(index[0].date())}
    provenance = {"source": "bundled figures", "returns_from": "adj_close", **about, **since}
    splits = pd.read_csv(bundled_path("figures", "splits.csv"), parse_dates=["date"]).astype({"ratio": float})
    return Prices(frames.pop("close"), frames.pop("adj_close"), frames, provenance, splits)


def bundled_factors() -> pd.DataFrame:
    """Return the bundled daily Fama-French factors as decimals (0.01 is one percent).

    Returns
    -------
    DataFrame
        Columns Mkt-RF, SMB, HML, RF, RMW, CMA, SMB5, MOM; 2022-12-30 to 2025-03-31. ``attrs["vintage"]`` names the
        vintage of the data library (YYYYMM): its history is restated, and two vintages must not be mixed.
    """
    with np.load(bundled_path("figures", "french_daily.npz")) as packed:
        about = json.loads(str(packed["about"]))
        values = packed["percent"] / 1e4 / 100
        frame = pd.DataFrame(values, index=_index(packed["dates"]), columns=[str(n) for n in packed["names"]])
    frame.attrs = {"source": "bundled Fama-French factors", **about}
    return frame


def _index(days: IntArray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(days.astype("datetime64[D]").astype("datetime64[ns]"), name="date")
