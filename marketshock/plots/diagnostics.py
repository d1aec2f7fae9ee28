"""Whether the estimation's residuals are what the tests take them for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _format
from .._typing import BoolArray, DateArray, FloatArray
from ..inference.diagnostics import ResidualChecks, normal_quantiles, residual_checks
from ..study.inputs import positions_of
from ..study.results import StudyResult
from ._style import COLOURS, NEUTRAL, date_axis, folded, ink, new_figure, p_said, style, veil
from .robustness import histogram_bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def residuals(study: StudyResult, event_id: str, *, figure: Figure | None = None) -> list[Axes]:
    """Draw the estimation residuals of one event: through time, their distribution, autocorrelations, and quantiles.

    Parameters
    ----------
    study : StudyResult
        The events.
    event_id : str
        Which event.
    figure : Figure, optional
        An empty figure to draw in.

    Returns
    -------
    list of Axes
        Over time (percent; lines at two standard deviations; days without a return are gaps), histogram (days, with
        the normal of the same mean and standard deviation), autocorrelations by lag with the 95 % band of white noise,
        and quantiles against the normal's (standard deviations). Titles hold Durbin and Watson's statistic, Jarque and
        Bera's, and Ljung and Box's Q with their p-values in large samples. ``axes[0].figure`` is the figure.

    Raises
    ------
    UnknownNameError
        If the event is not in the study.
    """
    study = study.part_of(event_id)
    evidence = study.evidence.take(positions_of(study.panel, str(event_id)))
    mask = evidence.mask[0]
    values = evidence.residuals[0] - evidence.fit.residual_mean[0]
    known = values[mask]
    sd = float(known.std(ddof=1))  # not zero: a study leaves out events whose residuals do not vary
    checks = residual_checks(values, mask)
    inside = np.clip(evidence.rows[0], 0, len(study.single_panel.returns.days) - 1)
    figure = new_figure(figure, (8.4, 6.0))
    with style():
        panels = list(figure.subplots(2, 2).flat)
        _over_time(panels[0], study.single_panel.returns.days[inside], 100 * values, mask, 100 * sd, checks)
        _histogram(panels[1], 100 * known, checks)
        _autocorrelations(panels[2], checks)
        _quantiles(panels[3], (known - known.mean()) / sd)
        days = f"{checks.n} estimation days {study.spec.estimation}, standard deviation {100 * sd:.2f} % a day"
        title = f"{folded(f'Residuals of {event_id}, {study.spec.model.name}', 96)}\n{days}"
        figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    return panels


def _over_time(
    ax: Axes, days: DateArray, values: FloatArray, mask: BoolArray, sd: float, checks: ResidualChecks
) -> None:
    ax.plot(days, np.where(mask, values, np.nan), color=COLOURS[0], linewidth=0.9)
    ax.axhline(0, color=ink(), linewidth=0.6)
    for line in (-2 * sd, 2 * sd):
        ax.axhline(line, color=NEUTRAL, linewidth=0.9, linestyle="--")
    date_axis(ax)
    ax.set_ylabel("residual, %")
    ax.set_title(f"Over time, with two sd: Durbin-Watson {_format.number(checks.durbin_watson)}", fontsize=9)


def _histogram(ax: Axes, values: FloatArray, checks: ResidualChecks) -> None:
    edges = np.array(histogram_bins(values, float(values[0])))
    ax.hist(values, bins=list(edges), color=NEUTRAL, alpha=veil(0.55))
    mean, sd = values.mean(), values.std(ddof=1)
    at = np.linspace(edges[0], edges[-1], 201)
    expected = np.exp(-0.5 * ((at - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi)) * len(values) * (edges[1] - edges[0])
    ax.plot(at, expected, color=ink(), linewidth=1.2, label="normal")
    ax.set_xlabel("residual, %")
    ax.set_ylabel("days")
    shape = f"skewness {checks.skewness:.2f}, kurtosis {checks.kurtosis:.1f}"
    ax.set_title(f"Jarque-Bera {checks.jarque_bera:.1f}, {p_said(checks.jarque_bera_pvalue)}\n{shape}", fontsize=9)
    ax.legend(fontsize=8, loc="upper right")


def _autocorrelations(ax: Axes, checks: ResidualChecks) -> None:
    lags = np.arange(1, len(checks.autocorrelation) + 1)
    ax.axhspan(-checks.band, checks.band, color=NEUTRAL, alpha=veil(0.2), linewidth=0)
    ax.vlines(lags, 0, checks.autocorrelation, color=COLOURS[0], linewidth=1.4)
    ax.plot(lags, checks.autocorrelation, "o", color=COLOURS[0], markersize=3.2)
    ax.axhline(0, color=ink(), linewidth=0.6)
    ax.set_xticks(range(1, len(lags) + 1, max(1, len(lags) // 10)))
    reach = 1.25 * max(checks.band, float(np.abs(checks.autocorrelation).max()))
    ax.set_ylim(-reach, reach)
    ax.set_xlabel("lag, sessions")
    ax.set_ylabel("autocorrelation")
    box = f"Ljung-Box Q({checks.lags}) {checks.ljung_box:.1f}, {p_said(checks.ljung_box_pvalue)}"
    ax.set_title(f"{box}; band: 95 %", fontsize=9)


def _quantiles(ax: Axes, standard: FloatArray) -> None:
    expected = normal_quantiles(len(standard))
    ax.plot(expected, expected, color=ink(), linewidth=0.9, linestyle="--")
    ax.plot(expected, np.sort(standard), "o", color=COLOURS[0], markersize=2.8)
    ax.grid(visible=True, axis="x")
    ax.set_xlabel("quantile of the normal, sd")
    ax.set_ylabel("residual, sd")
    ax.set_title("Quantiles: on the line, if normal", fontsize=9)
