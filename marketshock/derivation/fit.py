"""The model's steps: sums and coefficients, and the variance of a daily abnormal return."""

from __future__ import annotations

from ..explained.blocks import Block, Grid, Line, Step, step_of
from ..explained.mathtext import literal
from ..models.garch import GarchModel
from ..models.mean import MarketAdjusted
from ..models.nonsync import Dimson, ScholesWilliams
from ..models.robust import HuberModel
from ..models.variance import RecentVolatility
from .case import Case

_V = "V is the covariance of the coefficients; Vjk stands in row j and column k."
_ESTIMATES = {
    ScholesWilliams: (
        "beta = cov(R, z) / cov(Rm, z) with the instrument z, the sum of the benchmark's return on the day before, the "
        "day and the day after; alpha = mean(R) - beta mean(Rm)."
    ),
    Dimson: (
        "beta is the sum of the slopes of a least-squares regression on the benchmark's leads, its day and its lags; "
        "alpha = mean(R) - beta mean(Rm)."
    ),
    HuberModel: (
        "Huber's M-estimator: least squares in which residuals beyond c scales weigh less, iterated until it settles."
    ),
    GarchModel: (
        "coefficients and GARCH(1,1) variances, h_t = omega + a e_(t-1)^2 + b h_(t-1), together by maximum likelihood; "
        "s^2 is the mean of h over the estimation days, and the variance of an event day is its forecast."
    ),
    RecentVolatility: (
        "the coefficients come from the whole estimation window, s^2 is the mean square of the last residuals alone, "
        "and df is their number."
    ),
}


def model_step(case: Case, figures: dict[str, float]) -> Step:
    """Write out how the coefficients are estimated, as far as that is arithmetic."""
    if case.kind == "adjusted":
        heading, body = "Model: the normal return is the benchmark's, nothing is estimated", _adjusted(case)
    elif case.kind == "fit":
        heading, body = f"Model: {_equation(case)}, as it was fitted", _fitted(case)
    elif case.n_params == 1:
        heading, body = "Model: the normal return is the mean", [_mean("alpha", case)]
    elif case.n_params == 2:
        heading, body = f"Regression {_equation(case)} + e by least squares", _one_slope(case)
    else:
        heading, body = f"Regression {_equation(case)} + e by least squares", _several(case)
    if case.kind == "least squares" and not case.classic:
        body = [*body, *_robust(case)]
    return step_of(heading, body, figures)


def _equation(case: Case) -> str:
    slopes = [f"{b} {name}" for b, name in zip(case.coefficients[-len(case.terms) :], case.regressors, strict=False)]
    return f"{case.y} = {' + '.join(['alpha'] * int(case.spec.model.intercept) + slopes)}"


def _mean(left: str, case: Case) -> Line:
    return Line(left, f"sum({case.y}) / n", "{sum y:.8g} / {n:d}", "{alpha:.8g}" if left == "alpha" else "{mean y:.8g}")


def _adjusted(case: Case) -> list[Block]:
    about_mean = isinstance(case.spec.model, MarketAdjusted) and case.spec.model.variance == "about_mean"
    said = "This mean is taken out of the variance below, not out of the abnormal returns."
    return [_mean("mean(Y)", case), said] if about_mean else ["The abnormal return is Y = R - Rm itself."]


def _one_slope(case: Case) -> list[Block]:
    y, x = case.y, case.regressors[0]
    return [
        Line(f"mean({x})", f"sum({x}) / n", "{sum x:.8g} / {n:d}", "{mean x:.8g}"),
        Line(f"mean({y})", f"sum({y}) / n", "{sum y:.8g} / {n:d}", "{mean y:.8g}"),
        Line("Sxx", f"sum({x}^2) - n mean({x})^2", "{sum xx:.8g} - {n:d} x {mean x:.8g}^2", "{Sxx:.8g}"),
        Line(
            "Sxy",
            f"sum({x} {y}) - n mean({x}) mean({y})",
            "{sum xy:.8g} - {n:d} x {mean x:.8g} x {mean y:.8g}",
            "{Sxy:.8g}",
        ),
        Line("Syy", f"sum({y}^2) - n mean({y})^2", "{sum yy:.8g} - {n:d} x {mean y:.8g}^2", "{Syy:.8g}"),
        Line("beta", "Sxy / Sxx", "{Sxy:.8g} / {Sxx:.8g}", "{beta:.6f}"),
        Line("alpha", f"mean({y}) - beta mean({x})", "{mean y:.8g} - {beta:.6f} x {mean x:.8g}", "{alpha:.8g}"),
    ]


def _several(case: Case) -> list[Block]:
    names = ["1", *case.regressors]
    k = range(1, len(names) + 1)
    x_x = [(name, *(f"{{X{i}{j}:.5g}}" for j in k), f"{{X{i}y:.5g}}") for i, name in enumerate(names, 1)]
    inverse = [
        (name, *(f"{{Q{i}{j}:.5g}}" for j in k), f"{{{b}:.6f}}")
        for i, (name, b) in enumerate(zip(names, case.coefficients, strict=True), 1)
    ]
    return [
        f"X holds 1 and {', '.join(case.regressors)} of the estimation days. X'X, and X'{case.y} in the last column:",
        Grid(("", *names, f"X'{case.y}"), tuple(x_x), left=1),
        f"Its inverse, and in the last column the coefficients (X'X)^-1 X'{case.y}, "
        f"that is {', '.join(case.coefficients)}:",
        Grid(("", *names, "coefficient"), tuple(inverse), left=1),
    ]


def _fitted(case: Case) -> list[Block]:
    model = case.spec.model
    estimates = next((text for kind, text in _ESTIMATES.items() if isinstance(model, kind)), "")
    said = f"{literal(model.name)}: {estimates or 'the model says itself what it estimates.'}"
    return [f"{said} What follows goes on from its fit. {_V}", _coefficient_grid(case, "coefficient")]


def _robust(case: Case) -> list[Block]:
    cov = str(getattr(case.spec.model, "cov", ""))
    said = f"The covariance of the coefficients is {cov}, a sandwich around (X'X)^-1, taken from the fit. {_V}"
    return [said, _coefficient_grid(case, "coefficient")]


def _coefficient_grid(case: Case, label: str) -> Grid:
    """Return the coefficients with their covariance V; one row a coefficient."""
    names = case.coefficients
    k = range(1, len(names) + 1)
    rows = [(b, f"{{{b}:.6f}}", *(f"{{V{i}{j}:.6g}}" for j in k)) for i, b in enumerate(names, 1)]
    return Grid((label, "estimate", *(f"V: {b}" for b in names)), tuple(rows), left=1)


def variance_step(case: Case, figures: dict[str, float]) -> Step:
    """Write out the variance of a daily abnormal return and its degrees of freedom."""
    root = Line("s", "sqrt(s^2)", "", "{s:.6f}")
    df = Line("df", *_df(case))
    if case.kind == "fit":
        body: list[Block] = ["Both as the model gives them.", Line("s^2", "", "", "{s2:.8g}"), root, df]
    else:
        body = [Line("RSS", *_rss(case)), df, Line("s^2", "RSS / df", "{rss:.8g} / {df:d}", "{s2:.8g}"), root]
    return step_of("Variance of a daily abnormal return", body, figures)


def _df(case: Case) -> tuple[str, str, str]:
    if case.kind == "fit":
        return "", "", "{df:d}"
    lost = case.n_params
    if isinstance(case.spec.model, MarketAdjusted):
        lost = int(case.spec.model.variance == "about_mean")
    return (f"n - {lost}", f"{{n:d}} - {lost}", "{df:d}") if lost else ("n", "", "{df:d}")


def _rss(case: Case) -> tuple[str, str, str]:
    """Return formula, numbers and value of the residual sum of squares."""
    y = case.y
    if case.n_params == 2:
        return "Syy - beta Sxy", "{Syy:.8g} - {beta:.6f} x {Sxy:.8g}", "{rss:.8g}"
    if case.n_params > 2:
        return f"sum({y}^2) - b' X'{y}", "{sum yy:.8g} - {bXy:.8g}", "{rss:.8g}"
    if case.kind == "adjusted" and "- 1" not in _df(case)[0]:
        return f"sum({y}^2)", "", "{rss:.8g}"
    mean = "alpha" if case.n_params else f"mean({y})"
    value = "{alpha:.8g}" if case.n_params else "{mean y:.8g}"
    return f"sum(({y} - {mean})^2) = sum({y}^2) - n {mean}^2", f"{{sum yy:.8g}} - {{n:d}} x {value}^2", "{rss:.8g}"
