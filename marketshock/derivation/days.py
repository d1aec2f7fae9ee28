"""The event days: expected and abnormal returns, their forecast-error variance, and the sum over the days."""

from __future__ import annotations

from collections.abc import Iterator

from ..explained.blocks import Block, Grid, Line, Step, step_of
from .case import Case


def days_step(case: Case, figures: dict[str, float]) -> Step:
    """Write out each event day, of a long window one of them, and list all."""
    body: list[Block] = [_in_words(case)]
    for day in case.written_out:
        if len(case.days) > 1:
            body.append(f"Day {day}, {case.date(day)}:")
        body += [Line(f"E({day})", *_expected(case, day))]
        body += [Line(f"AR({day})", f"R({day}) - E({day})", f"{{R({day}):.6f}} - {{E({day}):.6f}}", _value("AR", day))]
        body += _variance(case, day)
        body += [Line(f"SAR({day})", f"AR({day}) / sqrt(Var({day}))", *_ratio(day))]
    if len(case.days) > 1:
        body += ["All days:", _table(case)] if len(case.written_out) < len(case.summed) else []
    return step_of("Expected and abnormal return, and its forecast-error variance", body, figures)


def _in_words(case: Case) -> str:
    expected = "E is what the model expects, AR the rest, SAR the AR in units of its standard error."
    if case.kind == "adjusted":
        return f"{expected} Nothing is estimated, so that the variance of an AR is s^2 alone."
    error = "h, in units of s^2," if case.classic else "u"
    said = f"{expected} To the variance of the day itself {error} adds what the estimated coefficients may be off."
    if len(case.coefficients) > 2:
        regressors, matrix = ", ".join(case.regressors), "(X'X)^-1" if case.classic else "V"
        said += f" z holds 1 and {regressors} of the day, and c is {matrix} z."
    return said


def _value(name: str, day: int) -> str:
    return f"{{{name}({day}):.6f}}"


def _ratio(day: int) -> tuple[str, str]:
    return f"{{AR({day}):.6f}} / {{se({day}):.6f}}", f"{{SAR({day}):.4f}}"


def _expected(case: Case, day: int) -> tuple[str, str, str]:
    """Return formula, numbers and value of the normal return."""
    formula, numbers = [], []
    if case.offset:
        formula.append(f"{case.offset}({day})")
        numbers.append(f"{{{case.offset}({day}):.6f}}")
    for b, name in zip(case.coefficients, _regressors(case), strict=True):
        formula.append(f"{b} {name}({day})" if name else b)
        numbers.append(f"{{{b}:.6f}} x {{{name}({day}):.6f}}" if name else f"{{{b}:.6f}}")
    shown = " + ".join(numbers) if len(numbers) > 1 else ""
    return " + ".join(formula), shown, f"{{E({day}):.6f}}"


def _regressors(case: Case) -> list[str]:
    """Return a symbol for each coefficient, "" for the constant."""
    return [""] * int(case.spec.model.intercept) + case.regressors


def _variance(case: Case, day: int) -> Iterator[Line]:
    """Write out ``s^2 (1 + h)``, or s^2 plus the estimation error where it is no multiple of s^2."""
    of = str(day)
    if case.kind == "adjusted":
        yield Line(f"Var({of})", "s^2", "", f"{{Var({of}):.8g}}")
        return
    named = {name: (f"{name}({of})", f"{{{name}({of}):.6f}}") for name in case.regressors}
    if case.classic:
        yield Line(f"h({of})", *_h(case, of, "1", named))
        yield Line(f"Var({of})", f"s^2 (1 + h({of}))", f"{{s2:.8g}} x (1 + {{h({of}):.8g}})", f"{{Var({of}):.8g}}")
        return
    yield Line(f"u({of})", *_u(case, of, "1", named))
    s2 = "s^2" if case.steady else f"s^2({of})"
    yield Line(f"Var({of})", f"{s2} + u({of})", f"{{s2({of}):.8g}} + {{u({of}):.8g}}", f"{{Var({of}):.8g}}")


def _h(case: Case, of: str, count: str, named: dict[str, tuple[str, str]]) -> tuple[str, str, str]:
    """Return h of one day, or of the sum of several: count is then "N", and named holds sums of the regressors."""
    many, value = count != "1", f"{{h({of}):.8g}}"
    number = "{N:d}" if many else "1"
    first = (f"{count}^2 / n", f"{number}^2 / {{n:d}}") if many else ("1 / n", "1 / {n:d}")
    if case.n_params == 1:
        return first[0], first[1], value
    if case.n_params > 2:
        return _products(case, of, "(X'X)^-1", number, named, value)
    x = case.regressors[0]
    symbol, shown = named[x]
    mean, mean_shown = (f"N mean({x})", "{N:d} x {mean x:.8g}") if many else (f"mean({x})", "{mean x:.8g}")
    formula = f"{first[0]} + ({symbol} - {mean})^2 / Sxx"
    return formula, f"{first[1]} + ({shown} - {mean_shown})^2 / {{Sxx:.8g}}", value


def _u(case: Case, of: str, count: str, named: dict[str, tuple[str, str]]) -> tuple[str, str, str]:
    """Return the estimation error ``z'Vz`` of one day, or of the sum of several."""
    number, value = ("{N:d}" if count != "1" else "1"), f"{{u({of}):.8g}}"
    if case.n_params != 2 or not case.regressors:
        return _products(case, of, "V", number, named, value)
    symbol, shown = named[case.regressors[0]]
    once, twice = (f"{count} ", f"{count}^2 ") if count != "1" else ("", "")
    lead, square = (f"{number} x ", f"{number}^2 x ") if count != "1" else ("", "")
    return (
        f"{twice}V11 + 2 {once}{symbol} V12 + {symbol}^2 V22",
        f"{square}{{V11:.6g}} + 2 x {lead}{shown} x {{V12:.6g}} + {shown}^2 x {{V22:.6g}}",
        value,
    )


def _products(
    case: Case, of: str, matrix: str, number: str, named: dict[str, tuple[str, str]], value: str
) -> tuple[str, str, str]:
    """Return ``z' M z`` as the products of z with ``c = M z``."""
    shown = [number, *(named[name][1] for name in case.regressors)]
    numbers = [f"{z} x {{c{k}({of}):.6g}}" for k, z in enumerate(shown, 1)]
    return f"z' {matrix} z = z' c", " + ".join(numbers), value


def _table(case: Case) -> Grid:
    error = [] if case.kind == "adjusted" else ["h" if case.classic else "u"]
    columns = [("E", ".6f"), ("AR", ".6f"), *((name, ".6g") for name in error), ("Var", ".8g"), ("SAR", ".4f")]
    rows = []
    for day, there in zip(case.days, case.there, strict=True):
        cells = (f"{{{name}({day}):{spec}}}" if there else "-" for name, spec in columns)
        rows.append((str(day), case.date(day) or "no session", *cells))
    head = ("day", "date", *(name for name, _ in columns))
    return Grid(head, tuple(rows))


def total_step(case: Case, figures: dict[str, float]) -> Step:
    """Write out the CAR and its variance, estimation error shared by the days."""
    label, days = _label(case), case.summed
    if not days:
        return step_of(f"{label}", ["No day of the window has a return: there is no CAR."], figures)
    parts = " + ".join(f"AR({day})" for day in days) if len(days) <= 3 else f"AR({days[0]}) + ... + AR({days[-1]})"
    numbers = " + ".join(f"{{AR({day}):.6f}}" for day in days) if len(days) > 1 else ""
    body: list[Block] = [Line(label, parts, numbers, "{car:.6f}")]
    body += _one_day(label, days[0]) if len(days) == 1 else _shared(case, label)
    body.append(Line(f"se({label})", f"sqrt(Var({label}))", "sqrt({variance:.8g})", "{se:.6f}"))
    return step_of(f"{label} and its standard error", body, figures)


def _label(case: Case) -> str:
    return f"CAR({case.window.first}, {case.window.last})"


def _one_day(label: str, day: int) -> list[Block]:
    return [Line(f"Var({label})", f"Var({day})", "", "{variance:.8g}")]


def _shared(case: Case, label: str) -> Iterator[Block]:
    """Write out ``s^2 (N + h)`` or ``sum s^2(t) + u`` with the sums of the regressors over the N days."""
    named = {}
    yield Line("N", "days summed", "", "{N:d}")
    for k, name in enumerate(case.regressors, 1):
        symbol = "W" if len(case.regressors) == 1 else f"W{k}"
        named[name] = (symbol, f"{{W{k}:.6f}}")
        numbers = " + ".join(f"{{{name}({day}):.6f}}" for day in case.summed)
        yield Line(symbol, f"sum of {name} over the N days", numbers, f"{{W{k}:.6f}}")
    if case.kind == "adjusted":
        yield Line(f"Var({label})", "N s^2", "{N:d} x {s2:.8g}", "{variance:.8g}")
        return
    if case.classic:
        yield Line("h", *_h(case, "CAR", "N", named))
        yield Line(f"Var({label})", "s^2 (N + h)", "{s2:.8g} x ({N:d} + {h(CAR):.8g})", "{variance:.8g}")
    else:
        yield Line("u", *_u(case, "CAR", "N", named))
        s2, numbers = ("N s^2", "{N:d} x {s2:.8g}") if case.steady else ("sum of s^2(t)", "{sum s2:.8g}")
        yield Line(f"Var({label})", f"{s2} + u", f"{numbers} + {{u(CAR):.8g}}", "{variance:.8g}")
    if len(case.coefficients) > 2:
        sums = ", ".join(symbol for symbol, _ in named.values())
        yield f"Here z holds N and {sums}, and c is the matrix times that z."
    yield (
        "The days share one estimation error, so their regressors are summed before they are squared; the sum of the "
        "days' own variances, {apart:.8g}, would take their errors as independent."
    )


def test_step(case: Case, figures: dict[str, float]) -> Step:
    """Write out t, its p-value and the interval."""
    label = _label(case)
    body = [
        Line("t", f"{label} / se({label})", "{car:.6f} / {se:.6f}", "{t:.4f}"),
        Line("p", "2 P(T(df) < -|t|)", "2 P(T({df:d}) < -{abs t:.4f})", "{p:.4g}"),
        Line("q", "quantile of T(df)", "quantile of T({df:d}) at {level:.4g}", "{quantile:.6f}"),
        Line("low", f"{label} - q se({label})", "{car:.6f} - {quantile:.6f} x {se:.6f}", "{low:.6f}"),
        Line("high", f"{label} + q se({label})", "{car:.6f} + {quantile:.6f} x {se:.6f}", "{high:.6f}"),
    ]
    said = "p is two-sided: the null is a CAR of zero. Low and high are the {confidence:share} interval."
    return step_of("Test", [*body, said], figures)


test_step.__test__ = False  # type: ignore[attr-defined]  # pytest: no test, whatever its name
