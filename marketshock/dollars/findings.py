"""The checks of closes, on the days that a market cap reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def noted_by_firm(counted: Mapping[str, FirmShares], found: Iterable[PriceFinding]) -> dict[str, str]:
    """Return what was found in the closes of each firm, in words: what the change of a cap may be instead of news."""
    notes: dict[str, list[str]] = {}
    for finding in found:
        for firm, shares in counted.items():
            if finding.ticker in shares.tickers:
                of = "" if finding.ticker == firm else f"{finding.ticker} "
                notes.setdefault(firm, []).append(f"{of}{finding.cause} ({finding.day}) [{finding.rule}]")
    return {firm: "; ".join(notes[firm]) for firm in counted if firm in notes}
