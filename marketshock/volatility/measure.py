"""Fragility: daily returns in units of trailing volatility."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .._typing import CalendarName, FloatArray, Frame, IntArray
from ..errors import InputError, check_choice, check_count
from ..markets import check_calendar
from ..panel.returns import Returns, Sheet
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
        Calendar on which sessions are counted, as in `event_study`. By default each security is measured on its
        own sessions (New York's, or the days of its prices): no other column changes a number of it.

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
    sheet = _sheet(prices, returns, spec.log)
    markets = _markets(sheet, calendar)
    found = [trailing_volatility(market.values, spec.window, spec.about, spec.min_obs) for market in markets]
    n_short = sum(
        int((np.isfinite(market.values) & (n_obs < spec.min_obs)).sum())
        for market, (_, n_obs) in zip(markets, found, strict=True)
    )
    if len(markets) == 1:
        return Fragility(spec, markets[0], found[0][0], members, n_short)
    joined, at = _joined(markets, sheet.names)
    trailing = _spread(joined.values.shape, at, [volatility for volatility, _ in found])
    closed = joined.values.size - sum(market.values.size for market in markets)
    return Fragility(spec, joined, trailing, members, n_short, closed)


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


def _sheet(prices: Prices | Frame | None, returns: Frame | None, log: bool) -> Sheet:
    if (prices is None) == (returns is None):
        given = "neither" if prices is None else "both"
        remedy = "give exactly one of the two; the bundled ones are ms.datasets.sp500().prices"
        raise InputError("prices", f"{given} of prices= and returns= given", remedy)
    if returns is not None:
        return Sheet.of_frame(returns, log)
    checked = prices if isinstance(prices, Prices) else Prices.from_frame(prices)  # type: ignore[arg-type]
    return Sheet.of_prices(checked, log)


def _markets(sheet: Sheet, calendar: CalendarName) -> list[Returns]:
    """Return the returns of the securities by their own sessions."""
    if calendar != "auto":
        return [sheet.on(sheet.sessions((), calendar), sheet.names)]
    clocks = sheet.own_clocks(sheet.names, warn=False)
    foreign = [name for names, sessions in clocks if sessions.name != "NYSE" for name in names]
    if foreign:
        sheet.sessions(foreign[:1], "auto")  # warns
    return [sheet.on(sessions, names, only=len(clocks) > 1) for names, sessions in clocks]


def _joined(markets: Sequence[Returns], names: tuple[str, ...]) -> tuple[Returns, list[tuple[IntArray, IntArray]]]:
    """Return the markets on the days of all, in the order of the names, and the rows and columns of each.

    The sessions of a year, for tables of all securities together, are those of the median one.
    """
    days = np.unique(np.concatenate([market.days for market in markets]))
    place = {name: k for k, name in enumerate(names)}
    at = [
        (np.searchsorted(days, market.days), np.array([place[name] for name in market.names], dtype=np.int64))
        for market in markets
    ]
    values = _spread((len(days), len(names)), at, [market.values for market in markets])
    by_year = sorted(markets, key=lambda market: np.nan_to_num(market.session_year.n))
    reached = np.cumsum([len(market.names) for market in by_year])
    median = by_year[int(np.searchsorted(2 * reached, len(names)))]
    return replace(median, days=days, names=names, values=values), at


def _spread(shape: tuple[int, ...], at: Sequence[tuple[IntArray, IntArray]], parts: Sequence[FloatArray]) -> FloatArray:
    out = np.full(shape, np.nan)
    for (rows, columns), values in zip(at, parts, strict=True):
        out[np.ix_(rows, columns)] = values
    return out
