"""Event days: expected and abnormal returns, their forecast-error variance, the sum over the days and its test."""

from __future__ import annotations

from collections.abc import Iterator

from ..explained.blocks import Block, Grid, Line, Step, step_of
from ..explained.mathtext import figure
from .event import DerivedEvent
from .fit import listed

Symbols = list[tuple[str, str]]
"""The columns of X for one day, or summed over the days: symbols and templates."""


def days_step(event: DerivedEvent, figures: dict[str, float]) -> Step:
    """Write out each event day, or one day of a long window, and list all."""
    body: list[Block] = [_in_words(event)]
    for day in event.written_out:
        body += [f"Day {day}, {event.date(day)}:"] if len(event.days) > 1 else []
        body += _day(event, day)
    if len(event.written_out) < len(event.summed):
        body += ["All days:", _table(event)]
    return step_of("Expected and abnormal return, and its forecast-error variance", body, figures)


def _in_words(event: DerivedEvent) -> str:
    expected = "E is what the model expects, AR the rest, SAR the AR in units of its standard error."
    if not event.n_params:
        return f"{expected} Nothing is estimated, so that the variance of an AR is s^2 alone."
    error = "h, in units of s^2," if event.classic else "u"
    said = f"{expected} To the variance of the day itself {error} adds what the estimated coefficients may be off."
    if event.by_products:
        said += f" z holds {listed(event.z)} of the day, and c is {_matrix(event)} z."
    return said


def _matrix(event: DerivedEvent) -> str:
    return "(X'X)^-1" if event.classic else "V"


def _day(event: DerivedEvent, day: int) -> Iterator[Line]:
    over = event.by_time and event.sessions(day) > 1
    one = (f"n({day})", f"{{n({day}):d}}") if over else ("1", "1")
    named = [(f"{x}({day})", figure(f"{x}({day})")) if x != "1" else one for x in event.z]
    if over:
        yield Line(f"n({day})", "sessions that the return covers", "", one[1])
    yield Line(f"E({day})", *_expected(event, day, named))
    yield Line(f"AR({day})", f"R({day}) - E({day})", f"{{R({day}):.6f}} - {{E({day}):.6f}}", figure(f"AR({day})"))
    formula, numbers = "s^2" if event.steady else f"{one[0]} s^2" if over else f"s^2({day})", ""
    if event.error:
        yield _error(event, f"{event.error}({day})", str(day), named)
        share, value = f"{event.error}({day})", figure(f"{event.error}({day})", ".8g")
        formula = f"s^2 ({one[0]} + {share})" if event.classic else f"{formula} + {share}"
        numbers = f"{{s2:.8g}} x ({one[1]} + {value})" if event.classic else f"{{s2({day}):.8g}} + {value}"
    yield Line(f"Var({day})", formula, numbers, figure(f"Var({day})", ".8g"))
    ratio = f"{{AR({day}):.6f}} / {{se({day}):.6f}}"
    yield Line(f"SAR({day})", f"AR({day}) / sqrt(Var({day}))", ratio, figure(f"SAR({day})", ".4f"))


def _expected(event: DerivedEvent, day: int, named: Symbols) -> tuple[str, str, str]:
    """Return formula, numbers and value of the normal return."""
    offset = f"{event.offset}({day})"
    parts = [(offset, figure(offset))] if event.offset else []
    for b, (symbol, value) in zip(event.coefficients, named, strict=True):
        parts.append((b, figure(b)) if symbol == "1" else (f"{b} {symbol}", f"{figure(b)} x {value}"))
    formula, numbers = (" + ".join(side) for side in zip(*parts, strict=True)) if parts else ("0", "")
    return formula, numbers if len(parts) > 1 or " x " in numbers else "", figure(f"E({day})")


def _error(event: DerivedEvent, left: str, of: str, named: Symbols) -> Line:
    """Write out ``h = z' (X'X)^-1 z`` or ``u = z' V z`` of one day, or of the sum of several."""
    value = figure(f"{event.error}({of})", ".8g")
    if event.by_products:
        numbers = " + ".join(f"{z} x {figure(f'c{k}({of})', '.6g')}" for k, (_, z) in enumerate(named, 1))
        return Line(left, f"z' {_matrix(event)} z = z' c", numbers, value)
    (one, count), *slope = named
    n, n_value = ("", "") if one == "1" else (f"{one} ", f"{count} x ")
    first, first_value = (f"{one}^2 / n", f"{count}^2 / {{n:d}}") if n else ("1 / n", "1 / {n:d}")
    if not slope:
        return Line(left, first, first_value, value)
    (x, x_value), mean = slope[0], f"mean({event.regressors[0]})"
    if event.classic:
        numbers = f"{first_value} + ({x_value} - {n_value}{{mean x:.8g}})^2 / {{Sxx:.8g}}"
        return Line(left, f"{first} + ({x} - {n}{mean})^2 / Sxx", numbers, value)
    square, square_value = (f"{one}^2 ", f"{count}^2 x ") if n else ("", "")
    numbers = f"{square_value}{{V11:.6g}} + 2 x {n_value}{x_value} x {{V12:.6g}} + {x_value}^2 x {{V22:.6g}}"
    return Line(left, f"{square}V11 + 2 {n}{x} V12 + {x}^2 V22", numbers, value)


def _table(event: DerivedEvent) -> Grid:
    columns = {"E": ".6f", "AR": ".6f", **({event.error: ".6g"} if event.error else {}), "Var": ".8g", "SAR": ".4f"}
    rows = []
    for day, there in zip(event.days, event.there, strict=True):
        cells = (figure(f"{name}({day})", spec) if there else "-" for name, spec in columns.items())
        rows.append((str(day), event.date(day) or "no session", *cells))
    return Grid(("day", "date", *columns), tuple(rows))


def total_step(event: DerivedEvent, figures: dict[str, float]) -> Step:
    """Write out the CAR and its variance, with the estimation error that the days share."""
    label, days = event.label, event.summed
    if not days:
        return step_of(label, ["No day of the window has a return: there is no CAR."], figures)
    parts = " + ".join(f"AR({day})" for day in days) if len(days) <= 3 else f"AR({days[0]}) + ... + AR({days[-1]})"
    numbers = " + ".join(figure(f"AR({day})") for day in days) if len(days) > 1 else ""
    one = [Line(f"Var({label})", f"Var({days[0]})", "", "{variance:.8g}")]
    body: list[Block] = [Line(label, parts, numbers, "{car:.6f}"), *(one if len(days) == 1 else _shared(event))]
    body.append(Line(f"se({label})", f"sqrt(Var({label}))", "sqrt({variance:.8g})", "{se:.6f}"))
    return step_of(f"{label} and its standard error", body, figures)


def _shared(event: DerivedEvent) -> Iterator[Block]:
    """Write out ``s^2 (N + h)`` or ``sum s^2(t) + u`` with the sums of the regressors over the N days."""
    over = event.by_time and any(event.sessions(day) > 1 for day in event.summed)
    yield Line("N", "sessions that the returns cover" if over else "days summed", "", "{N:d}")
    named = [("N", "{N:d}")] * event.constant
    for k, name in enumerate(event.regressors, 1):
        named.append(("W" if len(event.regressors) == 1 else f"W{k}", figure(f"W{k}")))
        numbers = " + ".join(figure(f"{name}({day})") for day in event.summed)
        yield Line(
            named[-1][0], f"sum of {name} over the {'returns summed' if over else 'N days'}", numbers, named[-1][1]
        )
    s2, numbers = ("N s^2", "{N:d} x {s2:.8g}") if event.steady or over else ("sum of s^2(t)", "{sum s2:.8g}")
    if event.error:
        yield _error(event, event.error, "CAR", named)
        share = figure(f"{event.error}(CAR)", ".8g")
        s2 = f"{s2} + u" if not event.classic else "s^2 (N + h)"
        numbers = f"{numbers} + {share}" if not event.classic else f"{{s2:.8g}} x ({{N:d}} + {share})"
    yield Line(f"Var({event.label})", s2, numbers, "{variance:.8g}")
    if not event.error:
        return
    if event.by_products:
        yield f"Here z holds {listed([symbol for symbol, _ in named])}, and c is the matrix times that z."
    yield (
        "The days share one estimation error, so their regressors are summed before they are squared; the sum of the "
        "days' own variances, {apart:.8g}, would take their errors as independent."
    )


def test_step(event: DerivedEvent, figures: dict[str, float]) -> Step:
    """Write out t, its p-value and the interval."""
    label = event.label
    body = [
        Line("t", f"{label} / se({label})", "{car:.6f} / {se:.6f}", "{t:.4f}"),
        Line("p", "2 P(T(df) < -|t|)", "2 P(T({df:d}) < -{abs t:.4f})", "{p:.4g}"),
        *interval_lines(label, f"se({label})", "car"),
    ]
    said = "p is two-sided: the null is a CAR of zero. Low and high are the {confidence:share} interval."
    return step_of("Test", [*body, said], figures)


test_step.__test__ = False  # type: ignore[attr-defined]  # pytest: no test, whatever its name


def interval_lines(label: str, se: str, name: str) -> list[Line]:
    """Write out the quantile of t and the bounds of an interval around the figure of that name."""
    value = figure(name)
    return [
        Line("q", "quantile of T(df)", "quantile of T({df:d}) at {level:.4g}", "{quantile:.6f}"),
        Line("low", f"{label} - q {se}", f"{value} - {{quantile:.6f}} x {{se:.6f}}", "{low:.6f}"),
        Line("high", f"{label} + q {se}", f"{value} + {{quantile:.6f}} x {{se:.6f}}", "{high:.6f}"),
    ]
