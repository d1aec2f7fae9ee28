"""Derivations of a user's own models: every figure by numpy, every line by arithmetic, in every format."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import marketshock as ms
from marketshock.explained.blocks import Grid
from marketshock.explained.mathtext import FIELD, fill
from marketshock.models._ols import ols
from marketshock.models.base import ModelFit, is_least_squares
from marketshock.models.benchmark import Term
from marketshock.models.factor import fit_linear, of_ols

from .test_explain import arithmetic, read_back

EVENT, DAY_0 = "deepseek-selloff", "2025-01-27"
WINDOWS = [(0, 0), (-1, 1), (-1, 5)]
RTOL = 1e-10


@dataclass(frozen=True)
class Own:
    """A model of the protocol, and nothing more: b from `solve`, s^2 from `divisor`, V from `spread`."""

    names: tuple[str, ...] = ()
    constant: bool = False
    subtract: str | None = None
    ridge: float = 0.0
    lost: int | None = None
    growth: float = 0.0
    name: str = "own model"

    terms = property(lambda self: tuple(Term(name) for name in self.names))
    intercept = property(lambda self: self.constant)
    offset = property(lambda self: None if self.subtract is None else Term(self.subtract))
    param_names = property(lambda self: (*(["alpha"] if self.constant else []), *self.names))

    def one(self, y, x):
        """Return b, V and s^2 of one event, by the plain formulas."""
        k = x.shape[1]
        inverse = np.linalg.inv(x.T @ x + self.ridge * np.eye(k)) if k else np.empty((0, 0))
        b = inverse @ x.T @ y
        e = y - x @ b
        s2 = e @ e / (len(y) - (k if self.lost is None else self.lost))
        return b, s2 * inverse @ x.T @ x @ inverse, s2

    def fit(self, y, x, mask, ahead):
        made = [self.one(y[i][m], x[i][m]) for i, m in enumerate(mask)]
        b, v, s2 = (np.array([part[k] for part in made]) for k in range(3))
        n, n_params = mask.sum(axis=1), x.shape[2]
        days = s2[:, None] * (1 + self.growth * np.arange(len(ahead)))
        dof = n - (n_params if self.lost is None else self.lost)
        return ModelFit(b, v, s2, days, dof, n, np.zeros(len(y)), np.full(len(y), "", dtype=object))


class Shrunk(ms.MarketModel):
    """The market model with its beta halfway to one: it inherits the sums of least squares and must not use them."""

    def fit(self, y, x, mask, ahead):
        made = fit_linear(y, x, mask, ahead)
        made.params[:, 1] = (made.params[:, 1] + 1) / 2
        return made


MODELS = {
    "no constant": Own(("^GSPC",)),
    "two regressors": Own(("^GSPC", "AVGO")),
    "three regressors": Own(("^GSPC", "AVGO", "AMZN")),
    "constant and one": Own(("^GSPC",), constant=True),
    "constant and two": Own(("^GSPC", "AVGO"), constant=True),
    "constant": Own(constant=True),
    "offset": Own(subtract="^GSPC"),
    "offset, its own divisor": Own(subtract="^GSPC", lost=7),
    "offset and constant": Own(constant=True, subtract="^GSPC"),
    "offset and regressors": Own(("AVGO", "AMZN"), subtract="^GSPC"),
    "zero": Own(),
    "ridge": Own(("^GSPC", "AVGO"), constant=True, ridge=0.01),
    "ridge without a constant": Own(("^GSPC", "AVGO"), ridge=0.01, growth=0.1),
    "growing variance": Own(("^GSPC",), growth=0.2),
    "growing variance, no coefficient": Own(subtract="^GSPC", growth=0.2),
}


def study(prices, model, **options):
    return ms.event_study(ms.load_catalog()[EVENT], tickers=["NVDA"], prices=prices, model=model, **options)


@pytest.fixture(scope="module")
def derived(prices):
    made = {name: study(prices, model) for name, model in MODELS.items()}
    return {(name, w): one.explain(f"{EVENT}/NVDA", *w) for name, one in made.items() for w in WINDOWS}


def by_hand(prices, model, window):
    """Recompute a derivation from prices and the model's own arithmetic."""
    returns = prices.adj_close.pct_change(fill_method=None)
    at = returns.index.get_loc(DAY_0)
    names = list(model.names)

    def data(rows):
        y = rows["NVDA"] - (rows[model.subtract] if model.subtract else 0)
        return y.to_numpy(), np.column_stack([np.ones((len(rows), int(model.constant))), rows[names]])

    y, x = data(returns.iloc[at - 260 : at - 10])
    b, v, s2 = model.one(y, x)
    df = len(y) - (x.shape[1] if model.lost is None else model.lost)
    rows = returns.iloc[at + window[0] : at + window[1] + 1]
    ys, zs = data(rows)
    out = {"n": len(y), "df": df, "s2": s2, "s": np.sqrt(s2), "rss": s2 * df}
    total, variances = np.zeros(len(b)), []
    for k, day in enumerate(range(window[0], window[1] + 1)):
        of_day = s2 * (1 + model.growth * (day + 1))  # the event window begins on day -1
        u, ar = zs[k] @ v @ zs[k], ys[k] - zs[k] @ b
        variances.append(of_day)
        out |= {f"AR({day})": ar, f"E({day})": rows["NVDA"].iloc[k] - ar, f"Var({day})": of_day + u}
        out |= {f"s2({day})": of_day, f"se({day})": np.sqrt(of_day + u), f"SAR({day})": ar / np.sqrt(of_day + u)}
        out |= {f"u({day})": u, **{f"c{j}({day})": c for j, c in enumerate(v @ zs[k], 1)}}
        total = total + zs[k]
    out |= {f"V{j + 1}{k + 1}": v[j, k] for j in range(len(b)) for k in range(len(b))}
    slopes = ["beta"] if len(names) == 1 else [f"b{k}" for k in range(1, len(names) + 1)]
    out |= dict(zip(["alpha"] * model.constant + slopes, b, strict=True))
    out |= {f"W{k}": w for k, w in enumerate(total[int(model.constant) :], 1)}
    out |= {"u(CAR)": total @ v @ total, **{f"c{j}(CAR)": c for j, c in enumerate(v @ total, 1)}}
    car, variance = (ys - zs @ b).sum(), sum(variances) + total @ v @ total
    out |= {"N": len(rows), "car": car, "variance": variance, "se": np.sqrt(variance), "t": car / np.sqrt(variance)}
    return out | {"p": 2 * stats.t.sf(abs(car) / np.sqrt(variance), df), "sum s2": sum(variances)}


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", MODELS)
class TestOwnModels:
    def test_every_figure_by_numpy(self, prices, derived, name, window):
        expected = by_hand(prices, MODELS[name], window)
        values = derived[name, window].values
        for figure in set(values) & set(expected):
            assert values[figure] == pytest.approx(expected[figure], rel=RTOL, abs=1e-18), figure
        days = [f"{what}({day})" for day in range(window[0], window[1] + 1) for what in ("E", "AR", "Var", "SAR")]
        assert {"car", "se", "t", "p", "s2", "df", *days} <= set(values)

    def test_the_arithmetic_of_every_line(self, derived, name, window):
        n_lines = 0
        for step in derived[name, window].steps:
            for line in step.lines:
                place = FIELD.search(line.value)
                came = arithmetic(line.put_in, step.values) if line.put_in and place else None
                if came is not None:
                    n_lines += 1
                    assert came == pytest.approx(step.values[place[1]], rel=1e-8, abs=1e-15), line
        assert n_lines >= 10

    def test_what_is_printed_is_stored(self, derived, name, window):
        text = str(derived[name, window])
        for step in derived[name, window].steps:
            for line in step.lines:
                for side in filter(FIELD.search, (line.put_in, line.value)):
                    read_back(f"= {side}", text, step.values)
            cells = [c for b in step.body if isinstance(b, Grid) for row in b.rows for c in row if FIELD.search(c)]
            for cell in cells:
                assert fill(cell, step.values) in text
        assert not re.search(r"[{}]|\bnan\b", text)
        assert max(map(len, text.splitlines())) <= 100

    def test_every_format_has_every_line(self, derived, name, window):
        made = derived[name, window]
        forms = {"md": made.to_markdown(), "tex": made.to_latex(), "html": html.unescape(made._repr_html_())}
        for step in made.steps:
            for line in step.lines:
                value = fill(line.value, step.values)
                assert value in forms["html"]
                if re.fullmatch(r"-?\d+\.\d+", value):
                    assert value in forms["md"]
                    assert value in forms["tex"]
        assert forms["tex"].count(r"\begin{align*}") == forms["tex"].count(r"\end{align*}") > 4
        assert forms["md"].count("$$") % 2 == 0


class TestFormulas:
    """What is printed of each kind of model."""

    def line(self, derived, name, left, window=(0, 0)):
        return next(x for s in derived[name, window].steps for x in s.lines if x.left == left)

    def test_without_a_constant_there_is_none(self, derived):
        for name in ("no constant", "two regressors", "offset and regressors", "ridge without a constant"):
            text = str(derived[name, (-1, 1)])
            assert "alpha" not in text
            assert not re.search(r"holds (1|N)\b", text)

    def test_two_regressors(self, derived):
        assert self.line(derived, "two regressors", "u(0)").formula == "z' V z = z' c"
        assert self.line(derived, "two regressors", "E(0)").formula == "b1 F1(0) + b2 F2(0)"
        assert "z holds F1, F2 of the day, and c is V z." in " ".join(str(derived["two regressors", (0, 0)]).split())

    def test_a_constant_and_a_slope(self, derived):
        line = self.line(derived, "constant and one", "u", (-1, 1))
        assert line.formula == "N^2 V11 + 2 N W V12 + W^2 V22"

    def test_one_regressor_is_multiplied(self, derived):
        assert self.line(derived, "no constant", "E(0)").put_in == "{beta:.6f} x {Rm(0):.6f}"

    def test_nothing_is_estimated(self, derived):
        text = str(derived["offset", (0, 0)])
        assert "the normal return is the benchmark's, nothing is estimated" in text
        assert "RSS = sum(Y^2)" in text
        assert "Both as the model gives them." in str(derived["offset, its own divisor", (0, 0)])
        assert "the normal return is zero" in str(derived["zero", (0, 0)])
        assert self.line(derived, "zero", "E(0)").formula == "0"

    def test_an_offset_is_named_for_what_it_is(self, derived):
        assert "Rm: return of ^GSPC; Y = R - Rm" in str(derived["offset and regressors", (0, 0)])
        assert "risk-free" not in str(derived["offset and constant", (0, 0)])

    def test_variance_that_moves(self, derived):
        assert self.line(derived, "growing variance", "Var(0)").formula == "s^2(0) + u(0)"
        assert self.line(derived, "growing variance, no coefficient", "Var(0)").formula == "s^2(0)"


@pytest.mark.parametrize("inner", [ms.MarketAdjusted("^GSPC"), Own(("^GSPC", "AVGO"))])
def test_recent_volatility_of_any_model(prices, inner):
    made = study(prices, ms.RecentVolatility(inner, 21))
    values = made.explain(f"{EVENT}/NVDA", -1, 1).values
    row = made.car(-1, 1).iloc[0]
    assert values["variance"] == pytest.approx(row["se"] ** 2, rel=RTOL)
    assert values["df"] == 21


@pytest.mark.parametrize("name", ["no constant", "two regressors", "offset", "ridge"])
def test_a_page(prices, derived, name, tmp_path):
    made = study(prices, MODELS[name])
    page = ms.report.html(made, tmp_path / "page.html").read_text("utf-8")
    assert html.escape(str(derived[name, (-1, 5)]).splitlines()[-1].strip()) in page
    assert str(derived[name, (0, 0)]) in html.unescape(page)


class TestLeastSquares:
    """Sums are printed, and running sums are taken, only where they are what the model's fit gives."""

    def test_who_is(self):
        assert is_least_squares(ms.MarketModel("^GSPC"))
        assert is_least_squares(ms.MarketModel("^GSPC", cov="HC3"))
        assert is_least_squares(ms.MarketAdjusted("^GSPC"))
        assert is_least_squares(ms.ConstantMean())
        assert not any(map(is_least_squares, (Own(("^GSPC",)), Shrunk("^GSPC"), ms.HuberModel("^GSPC"))))
        assert not is_least_squares(ms.RecentVolatility(ms.MarketModel("^GSPC")))

    def test_a_fit_that_was_replaced_is_used(self, prices):
        """Enough events of one security that running sums would pay."""
        days = prices.adj_close.index[300:]
        events = pd.DataFrame({"ticker": "NVDA", "date": np.repeat(days[:-8], 3)})
        events["event_id"] = [f"e{k}" for k in range(len(events))]
        many = ms.event_study(events, prices=prices, model=Shrunk("^GSPC"), duplicates="keep")
        plain = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"), duplicates="keep")
        np.testing.assert_allclose(many.fit.params[:, 1], (plain.fit.params[:, 1] + 1) / 2, rtol=1e-10)

    def test_sums_that_do_not_give_the_fit_are_not_printed(self, prices):
        class ByN(ms.MarketModel):
            """Least squares with the divisor n: the sums hold, RSS / df does not."""

            def fit(self, y, x, mask, ahead):
                return self.of_moments(ols(y, x, mask), ahead)

            def of_moments(self, fit, ahead):
                made = of_ols(fit, np.full(len(fit.rss), "", dtype=object), ahead)
                s2 = fit.rss / fit.n_obs
                days = np.broadcast_to(s2[:, None], made.sigma2_days.shape)
                v = s2[:, None, None] * fit.xtx_inv
                return ModelFit(made.params, v, s2, days, made.dof, made.n_obs, made.residual_mean, made.problem)

        text = str(study(prices, ByN("^GSPC")).explain(f"{EVENT}/NVDA"))
        assert "RSS" not in text
        assert "Both as the model gives them." in text
