"""How often tests reject: their size and power."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._typing import FloatArray
from ..errors import InputError
from ..inference.registry import TESTS
from ..simulate import RejectionRates
from ._style import COLOURS, NEUTRAL, canvas, folded, ink, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def size_power(rates: RejectionRates, *, ax: Axes | None = None) -> Axes:
    """Draw how often each test rejects against the abnormal return that is there; at zero this is its size.

    Parameters
    ----------
    rates : RejectionRates
        Of ``marketshock.simulate.rejection_rates``, with up to seven tests.
    ax : Axes, optional
        Where to draw. The legend stands to the right of it.

    Returns
    -------
    Axes
        Percent. The bars are the Monte Carlo error, 1.96 times its standard error on both sides; the dashed line is
        the nominal level. A test that never applies is named in the legend and has no line.

    Raises
    ------
    InputError
        If there are more than seven tests.
    """
    names = [str(name) for name in rates.table.index.unique("test")]
    if len(names) > len(COLOURS):
        problem = f"{len(names)} tests are too many for one picture"
        raise InputError("rates", problem, f"name up to {len(COLOURS)} in rejection_rates(tests=...)")
    with canvas(ax, (8, 4.2)) as ax:
        for k, name in enumerate(names):
            _draw(ax, rates, name, look(k))
        ax.axhline(
            100 * rates.level, color=ink(), linewidth=0.9, linestyle="--", label=f"level: {100 * rates.level:g} %"
        )
        shocks = 100 * rates.table.index.unique("shock").to_numpy(dtype=float)
        if shocks.min() < 0 < shocks.max():
            ax.axvline(0, color=NEUTRAL, linewidth=0.8, linestyle=":")
        ax.set_ylim(-3, 103)
        ax.margins(x=0.03)
        ax.set_xlabel("abnormal return on day 0, %")
        ax.set_ylabel("samples rejected, %")
        ax.set_title(f"Size and power at the {100 * rates.level:g} % level, {rates.alternative}\n{_design(rates)}")
        ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
    return ax


def _draw(ax: Axes, rates: RejectionRates, name: str, shape: dict[str, Any]) -> None:
    part = rates.table.xs(name, level="test").sort_index()
    there = part["rate"].notna().to_numpy()
    label = TESTS[name].label if there.any() else f"{TESTS[name].label} (does not apply)"
    shock, rate, error = (100 * column for column in _columns(part[there].reset_index().to_numpy(dtype=float)))
    ax.errorbar(shock, rate, yerr=1.96 * error, linewidth=1.4, elinewidth=0.9, capsize=2, label=label, **shape)


def _columns(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    return values[:, 0], values[:, 1], values[:, 2]


def _design(rates: RejectionRates) -> str:
    design = rates.design
    dates = "one date" if design.dates == "common" else "dates of their own"
    plural = "s" if design.n_firms != 1 else ""
    drawn = int(np.nanmax(rates.table["n_samples"].to_numpy()))
    parts = [
        f"{drawn:,} samples of {design.n_firms} firm{plural} on {dates}",
        "real returns"
        if rates.real
        else f"residuals: {design.tails}, sd {100 * design.sigma:g} %, correlation {design.correlation:g}",
    ]
    if design.event_variance != 1 and not rates.real:
        parts.append(f"event variance x {design.event_variance:g}")
    if design.missing and not rates.real:
        parts.append(f"{100 * design.missing:g} % missing")
    if design.window > 1:
        parts.append(f"{design.window} days tested")
    return folded("; ".join(parts))
