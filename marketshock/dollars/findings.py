"""The checks of closes, on the days that a market cap reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..providers.found import NOTE, REFUSE, Handling, PriceFinding
from ..providers.price_findings import price_findings
from ..valuation import FirmShares

_STEPS = ("split_8plus", "split_2to7", "split_1.5", "volume_basis")


def checked_caps(counted: Iterable[FirmShares], handling: Handling, where: str) -> tuple[PriceFinding, ...]:
    """Check the closes that value firms: of the session and the one before, and for splits since the day of the count.

    A step near a split ratio of 8 or more is refused here: with counts of before it, a cap is off by the ratio. Raises
    and warns as `Handling.settle`; `where` says where all findings are.
    """
    found: list[PriceFinding] = []
    for firm in counted:
        session = firm.session.astype("datetime64[D]")
        for ticker, as_of in zip(firm.tickers, firm.table["as_of"], strict=True):
            day = np.datetime64(as_of, "D") + 1
            for f in price_findings(firm.prices, [ticker], min(day, session), session, "close"):
                if f.rule in _STEPS:
                    severity = REFUSE if f.rule == "split_8plus" and f.severity != NOTE else f.severity
                    found.append(replace(f, severity=severity))
                elif f.reach[0] <= session <= f.reach[1]:
                    found.append(replace(f, severity=REFUSE) if f.rule == "stale_end_10" else f)
    return handling.settle(found, where)
