"""Trading costs, and the size of the positions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias, get_args

import numpy as np

from .._typing import FloatArray
from ..errors import InputError, UnknownNameError, check_choice, check_count

SizedBy: TypeAlias = Literal["equal", "inverse_volatility", "fixed"]
SIZED_BY: tuple[SizedBy, ...] = get_args(SizedBy)

_BPS = 1e-4
_AMOUNT = {"equal": 0.1, "inverse_volatility": 0.002}


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of trading and holding; all of them zero by default.

    Attributes
    ----------
    bps : float
        Commission per fill, in basis points of the value filled.
    per_share : float
        Commission per share as traded that day (before later splits), in the quote currency.
    per_order : float
        Commission per fill, in the quote currency.
    half_spread_bps, slippage_bps : float
        Basis points by which a fill is worse than the quoted price: above it for purchases, below it for sales.
    slippage_per_share : float
        The same per share as traded, in the quote currency.
    borrow : float or mapping of str to float
        Annual fee (decimal) on the value of a short position at the previous close; a mapping contains the fees by
        ticker, and other tickers have none.
    financing : float
        Annual rate (decimal) paid on negative cash.
    cash : float
        Annual rate (decimal) earned on positive cash, which includes the proceeds of short sales.
    days_in_year : int
        Fees and interest accrue per calendar day: rate x days / `days_in_year`. 360 is the money-market convention.

    Raises
    ------
    InputError
        If a figure is negative or not finite.
    """

    bps: float = 0.0
    per_share: float = 0.0
    per_order: float = 0.0
    half_spread_bps: float = 0.0
    slippage_bps: float = 0.0
    slippage_per_share: float = 0.0
    borrow: float | Mapping[str, float] = 0.0
    financing: float = 0.0
    cash: float = 0.0
    days_in_year: int = 360

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            for name, one in value.items() if isinstance(value, Mapping) else [("", value)]:
                _check_amount(f"{field.name}[{name!r}]" if name else field.name, one)
        if self.bps >= 1 / _BPS:
            raise InputError("bps", f"got {self.bps:g}, which is all of the value", "give basis points: 5 is 0.05 %")
        if self.days_in_year not in (360, 365, 366):
            raise InputError("days_in_year", f"got {self.days_in_year!r}", "give 360, 365 or 366")
        if self.half_spread_bps + self.slippage_bps >= 1 / _BPS:
            raise InputError("slippage_bps", "plus the half-spread is all of the price", "give basis points, such as 5")

    @property
    def proportional(self) -> float:
        """Commission as a share of the value filled."""
        return self.bps * _BPS

    def fill(self, price: FloatArray, buy: FloatArray, split: FloatArray) -> FloatArray:
        """Return the fill price of each order, (n,).

        Parameters
        ----------
        price : ndarray of shape (n,)
            Quoted price (adjusted for later splits).
        buy : ndarray of shape (n,)
            1.0 for a purchase, -1.0 for a sale.
        split : ndarray of shape (n,)
            Quoted shares per share as traded.
        """
        worse = (self.half_spread_bps + self.slippage_bps) * _BPS
        return np.asarray(np.maximum(price * (1 + buy * worse) + buy * self.slippage_per_share / split, 0.0))

    def commission(self, fill: FloatArray, split: FloatArray) -> FloatArray:
        """Return the commission per quoted share without `per_order`, (n,)."""
        return np.asarray(fill * self.proportional + self.per_share / split)

    def borrow_by(self, names: Sequence[str]) -> FloatArray:
        """Return the annual borrow fee of each security, (S,).

        Raises
        ------
        UnknownNameError
            If a fee is given for an unknown security.
        """
        if not isinstance(self.borrow, Mapping):
            return np.full(len(names), float(self.borrow))
        unknown = [name for name in self.borrow if name not in set(names)]
        if unknown:
            raise UnknownNameError("borrow", unknown, names)
        return np.array([float(self.borrow.get(name, 0.0)) for name in names])

    def __str__(self) -> str:
        parts = []
        for name, text in _TEXT.items():
            value = getattr(self, name)
            if isinstance(value, Mapping):
                parts.append(f"borrow fees of {len(value)} tickers")
            elif value:
                parts.append(text.format(100 * value if name in _RATES else value))
        return ", ".join(parts) or "no costs"


_TEXT = {
    "bps": "commission {:g} bp",
    "per_share": "commission {:g} per share",
    "per_order": "commission {:g} per order",
    "half_spread_bps": "half-spread {:g} bp",
    "slippage_bps": "slippage {:g} bp",
    "slippage_per_share": "slippage {:g} per share",
    "borrow": "borrow {:g} % per year",
    "financing": "debit interest {:g} % per year",
    "cash": "credit interest {:g} % per year",
}
_RATES = ("borrow", "financing", "cash")


@dataclass(frozen=True, slots=True)
class Sizing:
    """Position sizes and limits.

    An event's stake is the money of a leg of weight 1. It is computed at the last close before the fill.

    Attributes
    ----------
    by : {"equal", "inverse_volatility", "fixed"}
        "equal": `amount` is a share of equity. "inverse_volatility": `amount` is a daily volatility, as a share of
        equity, and the stake is `amount` times equity over the volatility of the trade's own weighted return in the
        `window` sessions before the fill. "fixed": `amount` is money.
    amount : float
        See `by`; positive. The default is 0.1 ("equal") or 0.002 ("inverse_volatility"); "fixed" has none.
    window : int
        Sessions of the volatility.
    max_gross : float
        Limit of long plus short positions over equity after a fill; 1 is no leverage. Orders beyond the limit are
        scaled down, all events that enter together by the same factor (`scale` in the trades). An event with no room
        left is not traded.
    max_net : float or None
        The same for the absolute value of long minus short positions.
    max_position : float or None
        The same for the absolute position in one security.
    whole_shares : bool
        Round shares as traded down to whole shares.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    by: SizedBy = "equal"
    amount: float | None = None
    window: int = 63
    max_gross: float = 1.0
    max_net: float | None = None
    max_position: float | None = None
    whole_shares: bool = False

    def __post_init__(self) -> None:
        check_choice("by", self.by, SIZED_BY)
        check_choice("whole_shares", self.whole_shares, (True, False))
        if self.amount is None:
            if self.by == "fixed":
                raise InputError("amount", "is missing for by='fixed'", "give the money per event, such as 10_000")
            object.__setattr__(self, "amount", _AMOUNT[self.by])
        for name in ("amount", "max_gross", "max_net", "max_position"):
            value = getattr(self, name)
            if value is None and name in ("max_net", "max_position"):
                continue
            _check_amount(name, value)
            if not value:
                raise InputError(name, "got 0", "give a positive number")
        if self.by != "fixed" and self.amount > 100:  # type: ignore[operator]
            what = f"got {self.amount:g}, a share of equity" if self.by == "equal" else f"got {self.amount:g}"
            raise InputError("amount", what, "0.1 is a tenth; for an amount of money give by='fixed'")
        check_count("window", self.window, 2)

    @property
    def money(self) -> float:
        """`amount`, which is set when the object is made."""
        assert self.amount is not None
        return self.amount

    def reference_stake(self, capital: float) -> float:
        """Return the stake that `Costs.per_order` is divided by where there is no account."""
        return {"fixed": self.money, "equal": capital * self.money}.get(self.by, capital / 10)

    def __str__(self) -> str:
        what = {
            "equal": f"{100 * self.money:g} % of equity per event",
            "inverse_volatility": f"{100 * self.money:g} % of daily volatility per event ({self.window} sessions)",
            "fixed": f"{self.money:,.0f} per event",
        }[self.by]
        limits = {"gross": self.max_gross, "net": self.max_net, "per position": self.max_position}
        bounds = [f"{name} up to {100 * v:g} %" for name, v in limits.items() if v is not None and math.isfinite(v)]
        return ", ".join([what, *bounds, *(["whole shares"] if self.whole_shares else [])])


def _check_amount(name: str, value: object) -> None:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not (value >= 0 and (value < np.inf or name == "max_gross")):  # type: ignore[operator]
        raise InputError(name, f"got {value!r}", "give a number that is not negative")
