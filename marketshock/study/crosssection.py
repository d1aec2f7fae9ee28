"""Cross-section of the events: differences between groups, and regressions of CARs on traits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from .. import _format
from .._native import as_pandas
from .._typing import Alternative, BoolArray, Frame
from ..catalog.table import members
from ..errors import InputError, UnknownNameError, check_choice
from ..inference.mean import How, mean_difference
from ..inference.moments import Moments
from ..inference.outcome import t_pvalue
from ..inference.sample import Sample
from ..windows import Window, days_of
from .frames import labels_of
from .results import StudyResult

_METHODS: Mapping[How, str] = {
    "prediction": "contrast by date",
    "portfolio": "contrast on one date",
    "portfolios": "contrast by date",
    "cross-sectional": "Welch",
    "none": "none",
}
_COVARIANCES = ("HC3", "HC1", "HC0", "classic", "cluster")


def group_differences(
    study: StudyResult,
    first: int | None = None,
    last: int | None = None,
    *,
    by: str = "group",
    alternative: Alternative = "two-sided",
) -> pd.DataFrame:
    """Test whether groups of events differ in their mean CAR, pair by pair.

    Parameters
    ----------
    study : StudyResult
        With a column `by` in ``study.events`` that has two values or more.
    first, last : int, optional
        Trading days relative to day 0, both included; by default the whole event window.
    by : str, optional
        Column that names the groups: "group", or any other such as a trait.
    alternative : {"two-sided", "less", "greater"}, optional
        Of "the first group's mean less the second's".

    Returns
    -------
    DataFrame
        Indexed by group_1 and group_2: first, last (the window), n_1, n_2, mean_1, mean_2, difference (decimal), se, t,
        df, pvalue, method, note. On one common date the difference is a contrast of the multivariate regression, t(M -
        k) with the firms' covariance (exact under normality). Where events share several dates it is a sum of such
        contrasts, one per date, dates independent, with Satterthwaite's df: what two groups share on a date is in their
        covariance. Events mostly on dates of their own (more than 0.75 dates per event) are independent: Welch's t. An
        event of both groups counts in both means, and its covariance with itself is in se. Without an honest standard
        error se, t and pvalue are NaN, method is "none" and note gives the reason.

    Raises
    ------
    InputError
        If there is no such column, or there are fewer than two groups.

    References
    ----------
    Binder (1985), Journal of Accounting Research 23; Welch (1947), Biometrika 34; Satterthwaite (1946), Biometrics
    Bulletin 2.
    """
    positions = members(pd.Series(labels_of(study.events, by)).astype(str).to_numpy(dtype=object), by)
    names = list(positions)
    if len(names) < 2:
        raise InputError("by", f"all events are of one {by}: {names[0]!r}", "give events of two groups or more")
    window = days_of(study.spec.window, first, last)
    sample = study.sample(window.first, window.last)
    _refuse_unequal(sample)
    inside = {name: np.isin(np.arange(len(study)), at) for name, at in positions.items()}
    rows = [_difference(sample, window, pair, inside, alternative) for pair in combinations(names, 2)]
    return pd.DataFrame(rows).set_index(["group_1", "group_2"])


def _difference(
    sample: Sample,
    window: Window,
    pair: tuple[str, str],
    inside: Mapping[str, BoolArray],
    alternative: Alternative,
) -> dict[str, Any]:
    """Return the row of two groups."""
    one, other = (inside[name] for name in pair)
    x, y = (Moments.of(sample.sum.car[group]) for group in (one, other))
    found = mean_difference(sample, one, other)
    t = found.mean / found.se if found.se > 0 else np.nan
    return {
        "group_1": pair[0],
        "group_2": pair[1],
        "first": window.first,
        "last": window.last,
        "n_1": x.n,
        "n_2": y.n,
        "mean_1": x.mean,
        "mean_2": y.mean,
        "difference": found.mean,
        "se": found.se,
        "t": t,
        "df": found.df,
        "pvalue": float(t_pvalue(np.array(t), found.df, alternative)),
        "method": _METHODS[found.how],
        "note": found.note,
    }


@dataclass(frozen=True, eq=False)
class CrossSection:
    """A regression of CARs on traits.

    Attributes
    ----------
    table : DataFrame
        Indexed by term: coefficient, se, t, df, pvalue, ci_low, ci_high.
    n_events : int
        Events used.
    r_squared : float
        Share of the variance of the CARs explained.
    covariance : str
        Of the coefficients.
    window : Window
        Days cumulated.
    exclusions : DataFrame
        Events without a CAR or without a trait, as `StudyResult.exclusions`.
    """

    table: pd.DataFrame
    n_events: int
    r_squared: float
    covariance: str
    window: Window
    exclusions: pd.DataFrame

    def __repr__(self) -> str:
        head = ["term", "coefficient", "se", "t", "p"]
        rows = [
            [
                r["term"],
                f"{r['coefficient']:.5f}",
                f"{r['se']:.5f}",
                _format.number(r["t"]),
                _format.pvalue(r["pvalue"]),
            ]
            for r in _format.rows(self.table)
        ]
        left = f"; {len(self.exclusions)} left out" if len(self.exclusions) else ""
        what = f"{self.n_events} events{left}, {self.covariance} errors, R2 {self.r_squared:.3f}"
        caption = f"CAR{self.window} on traits: {what}"
        return f"{caption}\n\n{_format.text_table(head, rows)}"


def _refuse_unequal(sample: Sample) -> None:
    """Raise `InputError` if the CARs are sums of different days: their levels and variances do not compare."""
    if sample.evidence.own_windows and not sample.asked.all():
        what = "the events have windows of their own, so that their CARs are sums of different days"
        raise InputError("first, last", what, "name days that lie in the windows of all events")


def regress_car(
    study: StudyResult,
    traits: Frame | Sequence[str] | str,
    first: int | None = None,
    last: int | None = None,
    *,
    cov: Literal["HC3", "HC1", "HC0", "classic", "cluster"] = "HC3",
) -> CrossSection:
    """Regress CARs on traits of the events, with robust errors.

    Parameters
    ----------
    study : StudyResult
        The events.
    traits : str, sequence of str, or DataFrame
        Columns of ``study.events`` by name, numeric or text that spells numbers. Or a frame of pandas, polars or Arrow,
        indexed by event_id or by ticker (or with a column of one of these names), whose other columns are numeric. A
        constant is added.
    first, last : int, optional
        Trading days relative to day 0, both included; by default the whole event window.
    cov : {"HC3", "HC1", "HC0", "classic", "cluster"}, optional
        Heteroskedasticity-robust (MacKinnon and White 1985), classical, or clustered by event date.

    Returns
    -------
    CrossSection

    Raises
    ------
    InputError
        If a column is not there, the index matches neither events nor tickers, a trait is not numeric, there are too
        few events, or clusters by date are asked for with fewer than ten dates.

    Notes
    -----
    Estimated with statsmodels; p-values are from t(n - k), with clusters from t(G - 1). On one common date the CARs are
    correlated, and no robust error mends that.
    """
    check_choice("cov", cov, _COVARIANCES)
    import statsmodels.api as sm

    window = days_of(study.spec.window, first, last)
    _refuse_unequal(study.sample(window.first, window.last))
    data, exclusions = _aligned(study, _by_event(study, traits), window)
    if len(data) < data.shape[1] + 2:
        raise InputError(
            "traits", f"{len(data)} events for {data.shape[1] - 1} traits", "give more events, or fewer traits"
        )
    design = sm.add_constant(data.drop(columns="car"), has_constant="add")
    options: dict[str, Any] = {"cov_type": "nonrobust" if cov == "classic" else cov, "use_t": True}
    if cov == "cluster":
        dates = study.events["date"][data.index]
        if dates.nunique() < 10:
            problem = f"{dates.nunique()} event dates are too few clusters"
            raise InputError("cov", problem, "use HC3, and mind that events of one date are correlated")
        options["cov_kwds"] = {"groups": dates.to_numpy().astype(np.int64)}
    fit = sm.OLS(data["car"], design).fit(**options)
    interval = fit.conf_int()
    table = pd.DataFrame(
        {
            "coefficient": fit.params,
            "se": fit.bse,
            "t": fit.tvalues,
            "df": float(fit.df_resid_inference if cov == "cluster" else fit.df_resid),
            "pvalue": fit.pvalues,
            "ci_low": interval[0],
            "ci_high": interval[1],
        }
    ).rename_axis("term")
    return CrossSection(table, len(data), float(fit.rsquared), cov, window, exclusions)


def _by_event(study: StudyResult, traits: Any) -> pd.DataFrame:
    """Return a frame of traits, indexed by event_id or ticker: columns of the events, or what the user gave."""
    if isinstance(traits, str) or (isinstance(traits, Sequence) and all(isinstance(name, str) for name in traits)):
        return _own_traits(study, [traits] if isinstance(traits, str) else list(traits))
    traits = as_pandas("traits", traits)
    if not isinstance(traits, pd.DataFrame):
        raise InputError(
            "traits", f"got a {type(traits).__name__}", "give names of columns of the events, or a DataFrame"
        )
    keys = [c for c in traits.columns if str(c).casefold() in ("event_id", "ticker")]
    if not isinstance(traits.index, pd.RangeIndex) or not keys:
        return traits
    if len(keys) > 1:
        raise InputError("traits", f"has the columns {keys}", "keep the one by which the traits are known")
    return traits.set_index(keys[0])


def _own_traits(study: StudyResult, names: Sequence[str]) -> pd.DataFrame:
    """Return columns of the events as numbers; a file of events holds them as text."""
    events = study.events
    unknown = [name for name in names if name not in events.columns]
    if unknown:
        raise UnknownNameError("traits", unknown, [str(c) for c in events.columns])
    columns = {}
    for name in names:
        column = events[name]
        if not pd.api.types.is_numeric_dtype(column):
            plain = column.astype(object).where(column.notna(), np.nan)
            empty = plain.isna() | (plain == "")
            column = pd.to_numeric(plain.where(~empty), errors="coerce")
            if (column.isna() & ~empty).any():
                problem = f"{name!r} holds {plain[column.isna() & ~empty].iloc[0]!r}, which is no number"
                raise InputError("traits", problem, "give numbers, or use the column as by= of group_differences")
        columns[name] = column.astype(float)
    return pd.DataFrame(columns, index=events.index)


def _aligned(study: StudyResult, traits: pd.DataFrame, window: Window) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return traits and CAR of the events that have all of them, and the other events with their reasons."""
    numeric = [c for c in traits.columns if pd.api.types.is_numeric_dtype(traits[c])]
    if len(numeric) < traits.shape[1] or not numeric or "car" in traits.columns:
        raise InputError("traits", f"columns {list(traits.columns)}", "give numeric columns, none of them named 'car'")
    if traits.index.has_duplicates:
        raise InputError(
            "traits", f"{traits.index[traits.index.duplicated()][0]!r} stands there twice", "keep one row each"
        )
    car = study.car(window.first, window.last)["car"]
    tickers = pd.Index(study.panel.ticker)
    if car.index.isin(traits.index).any():
        rows = traits.reindex(car.index)
    elif tickers.isin(traits.index).any():
        rows = traits.reindex(tickers).set_axis(car.index)
    else:
        raise InputError("traits", f"index {list(traits.index[:3])} matches no event", "index it by event_id or ticker")
    data = rows.astype(float).assign(car=car)
    whole = data.notna().all(axis=1)
    reasons = [f"no {', '.join(map(str, data.columns[row]))}" for row in data[~whole].isna().to_numpy()]
    left_out = study.events.loc[~whole, ["ticker", "date"]].assign(code="missing_value", reason=reasons)
    return data[whole], left_out
