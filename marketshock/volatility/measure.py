"""Fragility: each day's return in units of the volatility of the days before it."""

from __future__ import annotations

import numpy as np

from .._typing import CALENDARS, CalendarName, Frame
from ..errors import InputError, check_choice
from ..panel.returns import Returns, returns_of_frame, returns_of_prices
from ..providers.base import Prices
from ._trailing import ABOUT, About, trailing_volatility
from .fragility import Fragility, FragilitySpec
from .membership import Membership


def fragility(
    prices: Prices | Frame | None = None,
    *,
    returns: Frame | None = None,
    window: int = 21,
    threshold: float = 3.0,
    log: bool | None = None,
    about: About = "zero",
    min_obs: int | None = None,
    members: Membership | None = None,
    calendar: CalendarName = "auto",
) -> Fragility:
    """Measure each day's return in units of the stock's own volatility over the days before it.

    Parameters
    ----------
    prices : Prices or DataFrame
        Adjusted closes are read: total returns.
    returns : DataFrame, optional
        Instead of prices: decimal returns, dates by tickers.
    window : int, optional
        Sessions over which the volatility is taken. They end the day before the move, which itself is not among them.
    threshold : float, optional
        A move is an event where its z is at least this large, up or down.
    log : bool, optional
        Log instead of simple returns: the default with prices. With ``returns=`` it says which of the two they are, and
        has to be given.
    about : {"zero", "mean"}, optional
        Volatility as sqrt(mean of r^2), the realised volatility, or as the standard deviation about the mean (divisor
        n - 1). The move itself is measured from zero in both.
    min_obs : int, optional
        Returns needed in the window; by default all of it. A missing price makes two returns missing.
    members : Membership, optional
        Whom the tables count by default, as of each day; everybody by default.
    calendar : {"auto", "NYSE", "index"}, optional
        As in `event_study`: on which sessions days are counted.

    Returns
    -------
    Fragility
        ``.z``, ``.count(date)``, ``.counts()``, ``.events()``, ``.by_year()``, ``.ranking()``, ``.clustering()``.

    Raises
    ------
    InputError
        If an option is out of range, both or neither of `prices` and `returns` are given, or `log` is not said.
    PriceError
        If prices or returns cannot be right.

    Warns
    -----
    CalendarWarning
        If ``calendar="auto"`` finds that the dates do not fit the NYSE.

    Notes
    -----
    z_t = r_t / s_t, s_t^2 = sum of r_u^2 over the window's days / their number. There is no z where fewer than
    `min_obs` returns are in the window or the stock stood still in it; ``lost`` says how many.

    No look-ahead: s_t reads returns up to t - 1. Who is counted is another matter: prices of today's members of an
    index are prices of survivors, and so are counts over them. Give `members` as of each day.

    With the defaults a threshold of 3 is not three standard deviations of a normal variable: for independent normal
    returns z follows Student's t with `window` degrees of freedom (``by_year()["expected"]``).

    References
    ----------
    The measure is Bank of America's "fragility", as reported: a daily move of at least three times the 21-day trailing
    realised volatility. Its definition leaves open log or simple, about zero or about the mean; ``docs/fragility.md``
    has what each gives.

    Examples
    --------
    >>> import marketshock as ms
    >>> measured = ms.fragility(ms.datasets.sp500().prices)
    >>> measured.count("2025-01-27")
    70
    >>> round(float(measured.z.loc["2025-01-30", "IBM"]), 2)
    14.18
    """
    spec = _spec(prices is None, window, threshold, log, about, min_obs)
    check_choice("calendar", calendar, CALENDARS)
    market = _market(prices, returns, calendar, spec.log)
    volatility, n_obs = trailing_volatility(market.values, spec.window, spec.about, spec.min_obs)
    short = np.isfinite(market.values) & (n_obs < spec.min_obs)
    return Fragility(spec, market, volatility, members, int(short.sum()))


def _spec(
    of_returns: bool, window: int, threshold: float, log: bool | None, about: About, min_obs: int | None
) -> FragilitySpec:
    if log is None and of_returns:
        what = "is not said, and returns= may be either"
        raise InputError("log", what, "give log=False for simple returns, log=True for log returns")
    check_choice("log", log, (None, True, False))
    check_choice("about", about, ABOUT)
    least = 1 if about == "zero" else 2
    _check_whole("window", window, least, 10**5)
    min_obs = window if min_obs is None else min_obs
    _check_whole("min_obs", min_obs, least, window)
    number = isinstance(threshold, (int, float, np.integer, np.floating)) and not isinstance(threshold, bool)
    if not number or not 0 < threshold < np.inf:
        raise InputError("threshold", f"got {threshold!r}", "give a positive number, such as 3.0")
    return FragilitySpec(int(window), float(threshold), log is None or bool(log), about, int(min_obs))


def _check_whole(parameter: str, value: object, low: int, high: int) -> None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not low <= value <= high:  # type: ignore[operator]
        raise InputError(parameter, f"got {value!r}", f"give a whole number from {low} to {high}")


def _market(prices: Prices | Frame | None, returns: Frame | None, calendar: CalendarName, log: bool) -> Returns:
    if (prices is None) == (returns is None):
        came = "neither" if prices is None else "both"
        remedy = "give exactly one of the two; the bundled ones are ms.datasets.sp500().prices"
        raise InputError("prices", f"{came} of prices= and returns= given", remedy)
    if returns is not None:
        return returns_of_frame(returns, calendar, log)
    held = prices if isinstance(prices, Prices) else Prices.from_frame(prices)  # type: ignore[arg-type]
    return returns_of_prices(held, calendar, log)
