"""The bundled members of the S&P 500: adjusted closes, sectors and market caps, offline."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .._bundled import bundled_path
from .base import ADJUSTED, Prices

CAPS_AT = "2024-11-13"  # the close that market_caps.csv is brought back to


@dataclass(frozen=True, eq=False)
class IndexMembers:
    """The members of an index on one day, with their prices before and after it.

    Attributes
    ----------
    name : str
        The index.
    as_of : datetime64[D]
        The day whose members these are. Firms that left before are missing: what is counted further back is counted
        over survivors.
    table : DataFrame
        A row a listing, indexed by ticker: sector ("" where not known) and since (the day it joined; NaT if before the
        first price).
    prices : Prices
        Adjusted closes; NaN where they are not bundled or the firm was not listed. Market caps refuse them, for they
        hold dividends.
    caps_usd : Series
        Market cap in USD at the close of ``caps_at``, by ticker, of all classes of the firm; the listings without one
        were worth less than `smallest_usd` each.
    caps_at : datetime64[D]
        Day of the caps.
    smallest_usd : float
        The smallest cap of the list.
    """

    name: str
    as_of: np.datetime64
    table: pd.DataFrame
    prices: Prices
    caps_usd: pd.Series[float]
    caps_at: np.datetime64
    smallest_usd: float

    def of_sector(self, sector: str) -> list[str]:
        """Return the tickers of a sector, as listed."""
        return [str(ticker) for ticker in self.table.index[self.table["sector"] == sector]]

    def joined(self) -> pd.DataFrame:
        """Return whether each listing was a member on each session: bool, dates by tickers.

        Of those that were members on `as_of` only; who had left by then is not there.
        """
        since = self.table["since"].to_numpy().astype("datetime64[ns]")
        days = self.prices.dates.to_numpy().astype("datetime64[ns]")[:, None]
        inside = np.isnat(since)[None, :] | (days >= since[None, :])
        return pd.DataFrame(inside, index=self.prices.dates, columns=self.table.index)

    def market_caps(self) -> pd.DataFrame:
        """Return market caps in USD on every session, dates by tickers of `caps_usd`.

        The cap of ``caps_at`` is carried along the adjusted closes: exact for a firm that neither pays dividends nor
        changes its number of shares, and otherwise off by what it paid or issued in between (a percent or so in a
        quarter). Good for ranks and weights, not for the dollars of one firm: `market_cap_change` does those.
        """
        closes = self.prices.adj_close[list(self.caps_usd.index)]
        return closes / closes.loc[pd.Timestamp(self.caps_at)] * self.caps_usd

    def __repr__(self) -> str:
        days = self.prices.dates
        span = f"{days[0].date()} to {days[-1].date()}"
        return f"{self.name}: {len(self.table)} listings of {self.as_of}, {span}, caps of {len(self.caps_usd)} firms"


def sp500() -> IndexMembers:
    """Return the bundled members of the S&P 500 on 27 January 2025.

    Returns
    -------
    IndexMembers
        503 listings of 500 firms. Adjusted closes from 2024-11-13 to 2025-02-14; of information technology and of firms
        worth 100 billion USD or more from 2023-01-03. Between 2024-12-23 and 2025-03-24 nobody joined or left.

    Raises
    ------
    MarketShockError
        If the installation lacks its data folder.

    Examples
    --------
    >>> import marketshock as ms
    >>> ms.datasets.sp500()
    S&P 500: 503 listings of 2025-01-27, 2023-01-03 to 2025-02-14, caps of 347 firms
    """
    table = pd.read_csv(bundled_path("figures", "sp500_members.csv"), keep_default_na=False).set_index("ticker")
    table["since"] = pd.to_datetime(table["since"]).astype("datetime64[ns]")
    listed = pd.read_csv(bundled_path("figures", "market_caps.csv")).set_index("ticker")
    caps = 1e9 * listed["cap_usd_bn"] / (1 + listed["change_percent"] / 100)
    return IndexMembers(
        "S&P 500",
        np.datetime64("2025-01-27"),
        table,
        _prices(),
        caps.rename("cap_usd"),
        np.datetime64(CAPS_AT),
        float(caps.min()),
    )


def _prices() -> Prices:
    with np.load(bundled_path("figures", "sp500_adj_close.npz")) as packed:
        about = json.loads(str(packed["about"]))
        days = packed["dates"].astype("datetime64[D]").astype("datetime64[ns]")
        units = np.cumsum(packed["adj_close"], axis=0, dtype=np.int64)
        tickers = [str(t) for t in packed["tickers"]]
    values = np.where(units == 0, np.nan, units / round(1 / about["units"]["adj_close"]))
    frame = pd.DataFrame(values, index=pd.DatetimeIndex(days, name="date"), columns=tickers)
    told = {"source": "bundled S&P 500 members", "returns_from": "adj_close", "close_is": ADJUSTED}
    return Prices(frame, frame, {}, {**about, **told})
