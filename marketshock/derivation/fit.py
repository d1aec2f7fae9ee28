"""Model steps: sums and coefficients, and the variance of a daily abnormal return."""

from __future__ import annotations

from collections.abc import Iterator

from ..explained.blocks import Block, Grid, Line, Step, step_of
from ..explained.mathtext import figure, literal
from ..models.factor import LinearFit
from ..models.garch import GarchModel
from ..models.nonsync import Dimson, ScholesWilliams
from ..models.robust import HuberModel
from ..models.variance import RecentVolatility
from .event import DerivedEvent

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


def model_step(event: DerivedEvent, figures: dict[str, float]) -> Step:
    """Write out the estimates of the coefficients, as far as they are arithmetic."""
    products = [f"{b} {x}" if x != "1" else b for b, x in zip(event.coefficients, event.z, strict=True)]
    equation = f"{event.y} = {' + '.join(products)}"
    if not event.n_params:
        normal = "the benchmark's" if event.offset else "zero"
        heading, body = f"Model: the normal return is {normal}, nothing is estimated", _nothing(event)
    elif not event.least_squares:
        heading, body = f"Model: {equation}, as it was fitted", _fitted(event)
    elif event.z == ["1"] and not event.weighted:
        heading, body = "Model: the normal return is the mean", iter([_mean(event, "alpha")])
    else:
        sums = _one_slope(event) if event.simple else _several(event)
        heading, body = f"Regression {equation} + e by least squares", sums
    scaled = [_SCALED] if event.weighted else []
    return step_of(
        heading, [*scaled, *body, *(_robust(event) if event.least_squares and not event.classic else ())], figures
    )


_SCALED = (
    "A return over n sessions weighs 1/n: it, its constant (n) and its regressors are divided by sqrt(n) before the "
    "sums are taken, because its mean and its variance grow with n."
)


def _mean(event: DerivedEvent, name: str) -> Line:
    value = figure("alpha" if name == "alpha" else "mean y", ".8g")
    return Line(name, f"sum({event.y}) / n", "{sum y:.8g} / {n:d}", value)


def _nothing(event: DerivedEvent) -> Iterator[Block]:
    if event.lost == 1:
        yield _mean(event, f"mean({event.y})")
        yield "This mean is taken out of the variance below, not out of the abnormal returns."
    else:
        yield f"The abnormal return is {'Y = R - Rm' if event.offset else 'R'} itself."


def _one_slope(event: DerivedEvent) -> Iterator[Block]:
    y, x = event.y, event.regressors[0]
    yield Line(f"mean({x})", f"sum({x}) / n", "{sum x:.8g} / {n:d}", "{mean x:.8g}")
    yield _mean(event, f"mean({y})")
    yield Line("Sxx", f"sum({x}^2) - n mean({x})^2", "{sum xx:.8g} - {n:d} x {mean x:.8g}^2", "{Sxx:.8g}")
    both = "{sum xy:.8g} - {n:d} x {mean x:.8g} x {mean y:.8g}"
    yield Line("Sxy", f"sum({x} {y}) - n mean({x}) mean({y})", both, "{Sxy:.8g}")
    yield Line("Syy", f"sum({y}^2) - n mean({y})^2", "{sum yy:.8g} - {n:d} x {mean y:.8g}^2", "{Syy:.8g}")
    yield Line("beta", "Sxy / Sxx", "{Sxy:.8g} / {Sxx:.8g}", "{beta:.6f}")
    yield Line("alpha", f"mean({y}) - beta mean({x})", "{mean y:.8g} - {beta:.6f} x {mean x:.8g}", "{alpha:.8g}")


def _several(event: DerivedEvent) -> Iterator[Block]:
    names, xy = event.z, f"X'{event.y}"
    yield f"X holds {listed(names)} of the estimation days. X'X, and {xy} in the last column:"
    yield _matrix(names, "X", xy, [figure(f"X{k}y", ".5g") for k in range(1, len(names) + 1)])
    coefficients = ", ".join(event.coefficients)
    yield f"Its inverse, and in the last column the coefficients (X'X)^-1 {xy}, that is {coefficients}:"
    yield _matrix(names, "Q", "coefficient", [figure(b) for b in event.coefficients])


def listed(z: list[str]) -> str:
    """Return columns of X in words: "1 and F1, F2", or "F1, F2" without a constant."""
    constant = [name for name in z if name in ("1", "N")]
    return " and ".join(part for part in (*constant, ", ".join(z[len(constant) :])) if part)


def _matrix(names: list[str], symbol: str, last: str, cells: list[str]) -> Grid:
    """Return a square matrix with names for its rows and columns, and a column after it."""
    places = range(1, len(names) + 1)
    rows = ((names[j - 1], *(figure(f"{symbol}{j}{k}", ".5g") for k in places), cells[j - 1]) for j in places)
    return Grid(("", *names, last), tuple(rows), left=1)


def _fitted(event: DerivedEvent) -> Iterator[Block]:
    model = event.spec.model
    estimates = next((text for kind, text in _ESTIMATES.items() if isinstance(model, kind)), "its own estimator.")
    yield f"{literal(model.name)}: {estimates} What follows goes on from its fit. {_V}"
    yield _coefficients(event)


_V = "V is the covariance of the coefficients; Vjk stands in row j and column k."


def _robust(event: DerivedEvent) -> Iterator[Block]:
    model = event.spec.model
    made = f"{model.cov}, a sandwich around (X'X)^-1," if isinstance(model, LinearFit) else "the model's own,"
    yield f"The covariance of the coefficients is {made} taken from the fit. {_V}"
    yield _coefficients(event)


def _coefficients(event: DerivedEvent) -> Grid:
    """Return the coefficients with their covariance V; one row per coefficient."""
    names = event.coefficients
    places = range(1, len(names) + 1)
    rows = ((b, figure(b), *(figure(f"V{j}{k}", ".6g") for k in places)) for j, b in enumerate(names, 1))
    return Grid(("coefficient", "estimate", *(f"V: {b}" for b in names)), tuple(rows), left=1)


def variance_step(event: DerivedEvent, figures: dict[str, float]) -> Step:
    """Write out the variance of a daily abnormal return and its degrees of freedom."""
    root, lost = Line("s", "sqrt(s^2)", "", "{s:.6f}"), event.lost
    if lost is None:
        body: list[Block] = [
            "Both as the model gives them.",
            Line("s^2", value="{s2:.8g}"),
            root,
            Line("df", value="{df:d}"),
        ]
    else:
        df = (f"n - {lost}", f"{{n:d}} - {lost}") if lost else ("n", "")
        of_rss = Line("s^2", "RSS / df", "{rss:.8g} / {df:d}", "{s2:.8g}")
        body = [Line("RSS", *_rss(event), "{rss:.8g}"), Line("df", *df, "{df:d}"), of_rss, root]
    return step_of("Variance of a daily abnormal return", body, figures)


def _rss(event: DerivedEvent) -> tuple[str, str]:
    """Return formula and numbers of the residual sum of squares."""
    y = event.y
    if event.simple:
        return "Syy - beta Sxy", "{Syy:.8g} - {beta:.6f} x {Sxy:.8g}"
    if event.regressors or (event.weighted and event.n_params):
        return f"sum({y}^2) - b' X'{y}", "{sum yy:.8g} - {bXy:.8g}"
    if not event.lost:
        return f"sum({y}^2)", ""
    mean, name = ("alpha", "alpha") if event.n_params else (f"mean({y})", "mean y")
    squares = f"sum(({y} - {mean})^2) = sum({y}^2) - n {mean}^2"
    return squares, f"{{sum yy:.8g}} - {{n:d}} x {figure(name, '.8g')}^2"
