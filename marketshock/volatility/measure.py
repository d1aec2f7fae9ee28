"""Fragility: daily returns in units of trailing volatility."""

from __future__ import annotations

import numpy as np

from .._typing import CalendarName, Frame
from ..errors import InputError, check_choice, check_count
from ..markets import check_calendar
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
    """Measure each daily return in units of the trailing volatility of its stock.

    Parameters
    ----------
    prices : Prices or DataFrame
        Prices. Returns are total returns, from adjusted closes.
    returns : DataFrame, optional
        Decimal returns, dates by tickers, instead of prices.
    window : int, optional
        Sessions in the volatility window. The window ends the day before the move and excludes the move itself.
    threshold : float, optional
        A move is an event if ``|z|`` is at least this large.
    log : bool, optional
        True for log returns, False for simple returns. The default is True with prices. It is required with
        ``returns=``, where it states the kind of the given returns.
    about : {"zero", "mean"}, optional
        "zero" for the realized volatility, sqrt(mean of r^2); "mean" for the standard deviation about the mean (divisor
        n - 1). The move itself is measured from zero in both.
    min_obs : int, optional
        Minimum number of returns in the window; by default `window`. One missing price makes two returns missing.
    members : Membership, optional
        Members counted by default in the tables, as of each day; by default all tickers.
    calendar : {"auto", "NYSE", "index"}, optional
        Calendar on which sessions are counted, as in `event_study`.

    Returns
    -------
    Fragility
        ``.z``, ``.count(date)``, ``.counts()``, ``.events()``, ``.by_year()``, ``.ranking()``, ``.clustering()``.

    Raises
    ------
    InputError
        If an option is out of range, both or neither of `prices` and `returns` are given, or `returns` is given
        without `log`.
    ChoiceError
        If `about`, `log` or `calendar` is not one of the allowed values.
    PriceError
        If prices or returns are invalid: infinite, text, duplicate or unsorted dates, or prices that are not positive.

    Warns
    -----
    CalendarWarning
        If ``calendar="auto"`` and the dates do not match the NYSE sessions.

    Notes
    -----
    z_t = r_t / s_t, with s_t^2 = sum of r_u^2 over the window / number of returns in it. z is NaN if the window has
    fewer than `min_obs` returns or the stock did not move in it; ``lost`` has the counts.

    There is no look-ahead in z: s_t uses returns up to t - 1. The choice of stocks can still bias the counts. Prices of
    today's index members are prices of survivors, so pass `members` as of each day.

    A threshold of 3 does not correspond to three standard deviations of a normal variable. For independent normal
    returns z follows Student's t with `window` degrees of freedom (``by_year()["expected_per_stock_year"]``).

    References
    ----------
    The measure is Bank of America's "fragility", as reported: a daily move of at least three times the 21-day trailing
    realized volatility. The definition does not specify log or simple returns, or volatility about zero or the mean;
    ``docs/fragility.md`` compares the choices.

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
    check_calendar("calendar", calendar)
    market = _market(prices, returns, calendar, spec.log)
    volatility, n_obs = trailing_volatility(market.values, spec.window, spec.about, spec.min_obs)
    short = np.isfinite(market.values) & (n_obs < spec.min_obs)
    return Fragility(spec, market, volatility, members, int(short.sum()))


def _spec(
    of_returns: bool, window: int, threshold: float, log: bool | None, about: About, min_obs: int | None
) -> FragilitySpec:
    if log is None and of_returns:
        problem = "is missing, and returns= may be log or simple"
        raise InputError("log", problem, "give log=False for simple returns, log=True for log returns")
    check_choice("log", log, (None, True, False))
    check_choice("about", about, ABOUT)
    least = 1 if about == "zero" else 2
    check_count("window", window, least, 10**5)
    min_obs = window if min_obs is None else min_obs
    check_count("min_obs", min_obs, least, window)
    is_number = isinstance(threshold, (int, float, np.integer, np.floating)) and not isinstance(threshold, bool)
    if not is_number or not 0 < threshold < np.inf:
        raise InputError("threshold", f"got {threshold!r}", "give a positive number, such as 3.0")
    return FragilitySpec(int(window), float(threshold), log is None or bool(log), about, int(min_obs))


def _market(prices: Prices | Frame | None, returns: Frame | None, calendar: CalendarName, log: bool) -> Returns:
    if (prices is None) == (returns is None):
        given = "neither" if prices is None else "both"
        remedy = "give exactly one of the two; the bundled ones are ms.datasets.sp500().prices"
        raise InputError("prices", f"{given} of prices= and returns= given", remedy)
    if returns is not None:
        return returns_of_frame(returns, calendar, log)
    checked = prices if isinstance(prices, Prices) else Prices.from_frame(prices)  # type: ignore[arg-type]
    return returns_of_prices(checked, calendar, log)
