"""Derivations: every number recomputed from prices alone, every printed number read back, every line's arithmetic."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import marketshock as ms
from marketshock.command.main import main
from marketshock.errors import InputError, UnknownNameError, WindowError
from marketshock.explained.blocks import Grid, Line
from marketshock.explained.mathtext import FIELD, fill, to_math

from .conftest import ROOT

RTOL = 1e-9  # sums on the way are taken in another order; what the study holds agrees to 1e-11
DEEPSEEK, TARIFF = "deepseek-selloff", "tariff-pause"
ESTIMATION = (-260, -11)
SHARES = pd.read_csv(ROOT / "data" / "figures" / "shares.csv")


def study(prices, model, tickers=("NVDA", "AAPL", "GOOGL"), event=DEEPSEEK, **options):
    return ms.event_study(ms.load_catalog()[event], tickers=tickers, prices=prices, model=model, **options)


def series(prices, date, window, *names):
    """Return closes and returns of the window's days (and the day before), and returns of the estimation days."""
    close = prices.adj_close[list(names)]
    returns = close.pct_change(fill_method=None)
    at = close.index.get_loc(date)
    estimation = returns.iloc[at + ESTIMATION[0] : at + ESTIMATION[1] + 1].dropna()
    days = range(window[0], window[1] + 1)
    return close, returns, estimation, {day: at + day for day in days}


def inference_of(car, variance, df, confidence=0.95):
    """Return what follows from a CAR and its variance."""
    se = math.sqrt(variance)
    reach = stats.t.ppf(0.5 + confidence / 2, df)
    return {
        "car": car,
        "variance": variance,
        "se": se,
        "t": car / se,
        "abs t": abs(car / se),
        "p": 2 * stats.t.sf(abs(car / se), df),
        "level": 0.5 + confidence / 2,
        "quantile": reach,
        "low": car - reach * se,
        "high": car + reach * se,
        "confidence": confidence,
    }


def in_dollars(prices, firm, ticker, before, car, low, high):
    """Return the figures of the dollars, from the file of filings and closes as traded."""
    day = pd.Timestamp(before)
    own = SHARES[(SHARES["firm"] == firm) & (SHARES["basis"] == "cover") & (SHARES["filed"] <= before)]
    last = own.sort_values("filed").drop_duplicates("share_class", keep="last").sort_index()
    out = {}
    for k, (_, row) in enumerate(last.iterrows(), 1):
        close = prices.close.loc[day, row["priced_at"]]
        out |= {f"filed {k}": row["shares"], f"before {k}": close, f"cap {k}": row["shares"] * close}
    cap = sum(value for name, value in out.items() if name.startswith("cap"))
    return {**out, "cap before": cap, "usd car": cap * car, "usd low": cap * low, "usd high": cap * high}


def market_by_hand(prices, ticker, date, window, firm=None):
    """Recompute a market-model event by statsmodels, from prices alone."""
    close, returns, est, days = series(prices, date, window, ticker, "^GSPC")
    y, x = est[ticker], est["^GSPC"]
    fit = sm.OLS(y, sm.add_constant(x.rename("m"))).fit()
    n, s2 = len(y), fit.mse_resid
    out = {"sessions": 250, "n": n, "gaps": 250 - n, "df": n - 2, "s2": s2, "s": math.sqrt(s2), "rss": fit.ssr}
    out |= {"sum x": x.sum(), "mean x": x.mean(), "sum y": y.sum(), "mean y": y.mean()}
    out |= {"sum xx": (x**2).sum(), "sum yy": (y**2).sum(), "sum xy": (x * y).sum()}
    out |= {"Sxx": n * x.var(ddof=0), "Syy": n * y.var(ddof=0), "Sxy": n * np.cov(x, y, ddof=0)[0, 1]}
    out |= {"alpha": fit.params["const"], "beta": fit.params["m"]}
    there = {day: at for day, at in days.items() if at < len(returns) and not returns.iloc[at].isna().any()}
    for day in (window[0] - 1, *days):
        at = close.index.get_loc(date) + day
        if at < len(close):
            out |= {f"P({day})": close.iloc[at, 0], f"Pm({day})": close.iloc[at, 1]}
    rows = returns.iloc[list(there.values())]
    forecast = fit.get_prediction(sm.add_constant(rows["^GSPC"].rename("m"), has_constant="add"))
    for k, day in enumerate(there):
        r, expected = rows[ticker].iloc[k], forecast.predicted_mean[k]
        variance = forecast.se_obs[k] ** 2
        out |= {f"R({day})": r, f"Rm({day})": rows["^GSPC"].iloc[k], f"E({day})": expected, f"AR({day})": r - expected}
        out |= {f"h({day})": variance / s2 - 1, f"Var({day})": variance, f"se({day})": math.sqrt(variance)}
        out[f"SAR({day})"] = (r - expected) / math.sqrt(variance)
    x_star = np.column_stack([np.ones(len(rows)), rows["^GSPC"]])
    design = np.column_stack([np.ones(n), x])
    covariance = s2 * (np.eye(len(rows)) + x_star @ np.linalg.inv(design.T @ design) @ x_star.T)
    ones = np.ones(len(rows))
    out |= inference_of(sum(out[f"AR({day})"] for day in there), ones @ covariance @ ones, n - 2)
    out |= {"N": len(rows), "W1": rows["^GSPC"].sum(), "h(CAR)": ones @ covariance @ ones / s2 - len(rows)}
    out["apart"] = np.trace(covariance)
    before = close.index[close.index.get_loc(date) + window[0] - 1]
    names = ("car", "low", "high")
    return out | in_dollars(prices, firm or ticker, ticker, str(before.date()), *(out[name] for name in names))


def same(explanation, expected):
    """Every figure of every step is the one computed by hand; there is none that was not."""
    for step in explanation.steps:
        for name, value in step.values.items():
            assert name in expected, f"{step.heading}: {name} is not recomputed"
            assert value == pytest.approx(expected[name], rel=RTOL, abs=1e-15), f"{step.heading}: {name}"


@pytest.mark.parametrize("window", [(0, 0), (-1, 1), (-1, 5)])
@pytest.mark.parametrize(
    ("event", "date", "ticker"),
    [(DEEPSEEK, "2025-01-27", "NVDA"), (DEEPSEEK, "2025-01-27", "GOOGL"), (TARIFF, "2025-02-03", "TSLA")],
)
class TestMarketModel:
    def test_every_number_against_statsmodels(self, prices, event, date, ticker, window):
        made = study(prices, ms.MarketModel("^GSPC"), tickers=(ticker,), event=event)
        explained = made.explain(f"{event}/{ticker}", *window)
        same(explained, market_by_hand(prices, ticker, date, window))

    def test_it_ends_where_the_table_does(self, prices, event, date, ticker, window):
        made = study(prices, ms.MarketModel("^GSPC"), tickers=(ticker,), event=event)
        row, values = made.car(*window).iloc[0], made.explain(f"{event}/{ticker}", *window).values
        for name, column in {
            "car": "car",
            "se": "se",
            "t": "t",
            "p": "pvalue",
            "low": "ci_low",
            "high": "ci_high",
        }.items():
            assert values[name] == pytest.approx(row[column], rel=1e-11)


def test_the_known_day(seven):
    explained = seven.explain(f"{DEEPSEEK}/NVDA", 0, 0)
    assert fill("{AR(0):pct} {t:.2f}", explained.values) == "-13.26 % -5.13"
    assert "CAR(0, 0) = -13.26 %" in str(explained)
    assert "t(248) = -5.13" in str(explained)


@pytest.fixture(scope="module")
def gapped(prices):
    """Prices without two closes of NVDA: one in the event window, one in the estimation window."""
    frames = {}
    for name in ("close", "adj_close"):
        frame = getattr(prices, name).copy()
        frame.loc[["2025-01-28", "2024-05-02"], "NVDA"] = np.nan
        frames[name] = frame
    return replace(prices, **frames)


class TestMissingDays:
    def test_they_are_named_and_left_out(self, gapped):
        explained = study(gapped, ms.MarketModel("^GSPC"), ["NVDA"]).explain(f"{DEEPSEEK}/NVDA", -1, 3)
        expected = market_by_hand(gapped, "NVDA", "2025-01-27", (-1, 3))
        assert expected["N"] == 3
        assert expected["n"] == 248
        same(explained, expected)
        text = " ".join(str(explained).split())
        assert "Day 1, 2025-01-28, has no return (no close of NVDA on 2025-01-28)" in text
        assert "Day 2, 2025-01-29, has no return (no close of NVDA on 2025-01-28)" in text
        assert "Missing, 2 in all, and left out: 2024-05-02, 2024-05-03." in text

    def test_beyond_the_last_price(self, prices):
        events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-03-28"]})
        made = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
        explained = made.explain(made.panel.event_id[0], 0, 3)
        assert explained.values["N"] == 2
        assert "Day 3 lies beyond the last return" in str(explained)

    def test_no_day_at_all(self, gapped):
        explained = study(gapped, ms.MarketModel("^GSPC"), ["NVDA"]).explain(f"{DEEPSEEK}/NVDA", 1, 2)
        assert explained.steps[-1].body == ("No day of the window has a return: there is no CAR.",)
        assert "nan" not in str(explained)


def test_factors_by_matrix_algebra(prices):
    """Three factors in excess of the risk-free return: every sum, the inverse, h, and the variance of the sum."""
    explained = study(prices, ms.FamaFrench(3), ["NVDA"]).explain(f"{DEEPSEEK}/NVDA", -1, 1)
    french = ms.french_factors()
    r = prices.adj_close["NVDA"].pct_change(fill_method=None)
    at = r.index.get_loc("2025-01-27")
    names = ["Mkt-RF", "SMB", "HML"]
    est = r.index[at - 260 : at - 10]
    x = np.column_stack([np.ones(250), french.loc[est, names]])
    y = (r - french["RF"].reindex(r.index)).loc[est].to_numpy()
    xtx, xty = x.T @ x, x.T @ y
    inverse = np.linalg.inv(xtx)
    theta = inverse @ xty
    s2 = ((y - x @ theta) ** 2).sum() / 246
    out = {"sessions": 250, "n": 250, "df": 246, "s2": s2, "s": math.sqrt(s2), "rss": 246 * s2, "sum yy": y @ y}
    out |= {"bXy": theta @ xty, **dict(zip(("alpha", "b1", "b2", "b3"), theta, strict=True))}
    for j in range(4):
        out[f"X{j + 1}y"] = xty[j]
        out |= {f"X{j + 1}{k + 1}": xtx[j, k] for k in range(4)} | {f"Q{j + 1}{k + 1}": inverse[j, k] for k in range(4)}
    days = r.index[at - 1 : at + 2]
    z = np.column_stack([np.ones(3), french.loc[days, names]])
    out["P(-2)"] = prices.adj_close["NVDA"].iloc[at - 2]
    for k, day in enumerate((-1, 0, 1)):
        expected = french.loc[days[k], "RF"] + z[k] @ theta
        c = inverse @ z[k]
        variance = s2 * (1 + z[k] @ c)
        out |= {f"P({day})": prices.adj_close["NVDA"].iloc[at + day], f"R({day})": r.iloc[at + day]}
        out |= {
            f"RF({day})": french.loc[days[k], "RF"],
            f"E({day})": expected,
            f"AR({day})": r.iloc[at + day] - expected,
        }
        out |= {f"F{j}({day})": z[k, j] for j in (1, 2, 3)} | {f"c{j + 1}({day})": c[j] for j in range(4)}
        out |= {f"h({day})": z[k] @ c, f"Var({day})": variance, f"se({day})": math.sqrt(variance)}
        out[f"SAR({day})"] = out[f"AR({day})"] / math.sqrt(variance)
    total = z.sum(axis=0)
    c = inverse @ total
    out |= {f"W{j}": total[j] for j in (1, 2, 3)} | {f"c{j + 1}(CAR)": c[j] for j in range(4)}
    out |= {"N": 3, "h(CAR)": total @ c, "apart": sum(out[f"Var({day})"] for day in (-1, 0, 1))}
    out |= inference_of(sum(out[f"AR({day})"] for day in (-1, 0, 1)), s2 * (3 + total @ c), 246)
    out |= in_dollars(prices, "NVDA", "NVDA", "2025-01-23", out["car"], out["low"], out["high"])
    same(explained, out)


@pytest.mark.parametrize("about", ["about_mean", "about_zero"])
def test_market_adjusted(prices, about):
    explained = study(prices, ms.MarketAdjusted("^GSPC", about), ["AAPL"]).explain(f"{DEEPSEEK}/AAPL", 0, 1)
    _, returns, est, days = series(prices, "2025-01-27", (0, 1), "AAPL", "^GSPC")
    d = est["AAPL"] - est["^GSPC"]
    s2 = d.var() if about == "about_mean" else (d**2).mean()
    rows = returns.iloc[list(days.values())]
    ar = (rows["AAPL"] - rows["^GSPC"]).to_numpy()
    values, df = explained.values, 249 if about == "about_mean" else 250
    expected = {**inference_of(ar.sum(), 2 * s2, df), "s2": s2, "df": df, "Var(1)": s2, "SAR(1)": ar[1] / math.sqrt(s2)}
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, rel=RTOL), name
    assert "nothing is estimated" in explained.steps[2].heading


def test_constant_mean(prices):
    explained = study(prices, ms.ConstantMean(), ["AAPL"]).explain(f"{DEEPSEEK}/AAPL", 0, 4, confidence=0.9)
    _, returns, est, days = series(prices, "2025-01-27", (0, 4), "AAPL")
    s2 = est["AAPL"].var()
    ar = returns["AAPL"].iloc[list(days.values())] - est["AAPL"].mean()
    expected = inference_of(ar.sum(), s2 * (5 + 25 / 250), 249, 0.9)
    for name, value in {**expected, "h(0)": 1 / 250, "h(CAR)": 25 / 250}.items():
        assert explained.values[name] == pytest.approx(value, rel=RTOL), name
    assert "the 90 % interval" in str(explained)


def test_robust_covariance(prices):
    explained = study(prices, ms.MarketModel("^GSPC", cov="HC1"), ["NVDA"]).explain(f"{DEEPSEEK}/NVDA", -1, 1)
    _, returns, est, days = series(prices, "2025-01-27", (-1, 1), "NVDA", "^GSPC")
    fit = sm.OLS(est["NVDA"], sm.add_constant(est["^GSPC"])).fit(cov_type="HC1")
    v = np.asarray(fit.cov_params())
    z = np.array([3, returns["^GSPC"].iloc[list(days.values())].sum()])
    assert explained.values["V12"] == pytest.approx(v[0, 1], rel=RTOL)
    assert explained.values["u(CAR)"] == pytest.approx(z @ v @ z, rel=RTOL)
    assert explained.values["variance"] == pytest.approx(3 * fit.mse_resid + z @ v @ z, rel=RTOL)


def test_index_without_the_firm(prices):
    model = ms.MarketModel(ms.LeaveOneOut("^GSPC", {"NVDA": 0.07}))
    values = study(prices, model, ["NVDA"]).explain(f"{DEEPSEEK}/NVDA", 0, 0).values
    _, returns, est, days = series(prices, "2025-01-27", (0, 0), "NVDA", "^GSPC")
    x = (est["^GSPC"] - 0.07 * est["NVDA"]) / 0.93
    fit = sm.OLS(est["NVDA"], sm.add_constant(x)).fit()
    assert values["beta"] == pytest.approx(fit.params.iloc[1], rel=RTOL)
    row = returns.iloc[days[0]]
    assert values["Rm(0)"] == pytest.approx((row["^GSPC"] - 0.07 * row["NVDA"]) / 0.93, rel=RTOL)


MODELS = {
    "market": ms.MarketModel("^GSPC"),
    "adjusted": ms.MarketAdjusted("^GSPC"),
    "about zero": ms.MarketAdjusted("^GSPC", "about_zero"),
    "mean": ms.ConstantMean(),
    "two factors": ms.FactorModel(["^GSPC", "AVGO"]),
    "three factors": ms.FamaFrench(3),
    "six factors": ms.FamaFrench(5, momentum=True),
    "capm": ms.CAPM("Mkt-RF", "RF"),
    "robust": ms.MarketModel("^GSPC", cov="HC3"),
    "robust factors": ms.FactorModel(["Mkt-RF", "SMB"], risk_free="RF", cov="HAC"),
    "scholes-williams": ms.ScholesWilliams("^GSPC"),
    "dimson": ms.Dimson("^GSPC"),
    "huber": ms.HuberModel("^GSPC"),
    "garch": ms.GarchModel("^GSPC"),
    "recent": ms.RecentVolatility(ms.MarketModel("^GSPC"), 21),
    "without the firm": ms.MarketModel(ms.LeaveOneOut("^GSPC", {"NVDA": 0.07})),
    "equal": ms.MarketModel(ms.EqualWeighted(["AAPL", "MSFT", "META"])),
}
WINDOWS = [(0, 0), (-1, 1), (-1, 5)]


@pytest.fixture(scope="module")
def everything(prices):
    """Derivations of every model and kind, by name."""
    out = {}
    for name, model in MODELS.items():
        factors = {"factors": ms.french_factors()} if name in ("capm", "robust factors") else {}
        made = study(prices, model, ["NVDA"], **factors)
        out |= {f"{name} {window}": (made, window, made.explain(f"{DEEPSEEK}/NVDA", *window)) for window in WINDOWS}
    return out


@pytest.fixture(scope="module")
def verdicts():
    return ms.verify_claims()


@pytest.fixture(scope="module")
def change(seven):
    return ms.market_cap_change("2025-01-27", study=seven)


@pytest.fixture(scope="module")
def all_of_them(everything, verdicts, change):
    made = [explained for _, _, explained in everything.values()]
    return [*made, *(v.explain() for v in verdicts.values()), *(change.explain(firm) for firm in change.table.index)]


def test_every_model_ends_where_its_table_does(everything):
    for name, (made, window, explained) in everything.items():
        row = made.car(*window).iloc[0]
        for key, column in {"car": "car", "se": "se", "p": "pvalue", "df": "df"}.items():
            assert explained.values[key] == pytest.approx(row[column], rel=1e-11), (name, key)


def arithmetic(template, values):
    """Evaluate the numbers of a line, unrounded; None if they are no arithmetic."""
    python = FIELD.sub(lambda place: f"({values[place[1]]!r})", template)
    python = python.replace(" USD", "").replace(" x ", " * ").replace("^", "**")
    python = re.sub(r"\|([^|]+)\|", r"abs(\1)", python).replace("sqrt(", "math.sqrt(").replace("ln(", "math.log(")
    if "T(" in python or re.search(r"[A-Za-z]{3,}", re.sub(r"abs|math\.(sqrt|log)", "", python)):
        return None
    return eval(python, {"math": math, "abs": abs})


def test_the_arithmetic_of_every_line_holds(all_of_them):
    """The numbers put in give the value, computed with the unrounded figures."""
    n_lines = 0
    for explained in all_of_them:
        for step in explained.steps:
            for line in step.lines:
                place = FIELD.search(line.value)
                came = arithmetic(line.put_in, step.values) if line.put_in and place else None
                if came is not None:
                    n_lines += 1
                    assert came == pytest.approx(step.values[place[1]], rel=1e-8), (explained.title, line)
    assert n_lines > 1000


NUMBER = r"\(?(-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)( %| bn)?\)?"


def read_back(template, text, values):
    """Find a template in printed text and compare each number with its figure, to the digits printed; or fail."""
    places = FIELD.findall(template)
    pattern = r"\s+".join(re.escape(part) for part in FIELD.sub("\0", template).split())
    found = [m.groups() for m in re.finditer(pattern.replace("\0", NUMBER), text)]
    assert found, template
    assert any(
        all(agree(*groups[2 * k : 2 * k + 2], values[name], spec) for k, (name, spec) in enumerate(places))
        for groups in found
    ), (template, found)


def agree(digits, unit, value, spec):
    scale = {" %": 0.01, " bn": 1e9}.get(unit, 1.0)
    mantissa, _, exponent = digits.replace(",", "").partition("e")
    last = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    if spec.endswith("g") and "." not in mantissa:  # zeros at the end of a general format are not printed
        last = min(last, 10.0 ** (math.floor(math.log10(abs(value) or 1)) - 4))
    return abs(float(f"{mantissa}e{exponent or 0}") * scale - value) <= 0.5000001 * last * scale


def test_printed_numbers_are_the_stored_ones(all_of_them):
    for explained in all_of_them:
        text = str(explained)
        for step in explained.steps:
            for block in step.body:
                templates = [block] if isinstance(block, str) else []
                if isinstance(block, Line):
                    templates = [f"= {side}" for side in (block.put_in, block.value) if side]
                elif isinstance(block, Grid):
                    templates = [cell for row in block.rows for cell in row]
                for template in templates:
                    if FIELD.search(template) and ":date}" not in template:
                        read_back(template, text, step.values)


def test_width_and_form(all_of_them):
    for explained in all_of_them:
        lines = str(explained).split("\n")
        assert max(map(len, lines)) <= 100, explained.title
        assert all(line == line.rstrip() for line in lines), explained.title
        assert not {"nan", "{", "}"} & set(re.findall(r"\bnan\b|[{}]", str(explained)))
        assert repr(explained) == str(explained)


class TestMarketCapChange:
    def test_every_number_by_hand(self, prices, change):
        _, returns, est, days = series(prices, "2025-01-27", (0, 0), "NVDA", "^GSPC")
        fit = sm.OLS(est["NVDA"], sm.add_constant(est["^GSPC"].rename("m"))).fit()
        row = returns.iloc[[days[0]]]
        forecast = fit.get_prediction(sm.add_constant(row["^GSPC"].rename("m"), has_constant="add"))
        ar, se = row["NVDA"].iloc[0] - forecast.predicted_mean[0], forecast.se_obs[0]
        shares, unit, before, after = 24.49e9, 1e7, 142.62, 118.42
        cap, moved, reach = shares * before, shares * (after - before), stats.t.ppf(0.975, 248)
        slack = (before - after) * unit / 2
        low, high = ar - reach * se, ar + reach * se
        expected = {
            **{"filed 1": shares, "shares 1": shares, "unit 1": unit, "before 1": before, "after 1": after},
            **{"cap 1": cap, "cap after 1": shares * after, "change 1": moved, "move 1": after - before},
            **{"cap before": cap, "change": moved, "return": moved / cap, "slack": slack},
            **{"change low": moved - slack, "change high": moved + slack},
            **{"ar": ar, "se": se, "df": 248, "quantile": reach, "low": low, "high": high, "level": 0.975},
            **{"usd ar": cap * ar, "usd low": cap * low, "usd high": cap * high, "confidence": 0.95},
        }
        same(change.explain("NVDA"), expected)
        assert "-592.658 bn USD" in str(change.explain("NVDA"))
        assert re.search(r"common +NVDA +2024-11-15 +2024-11-20", str(change.explain("NVDA")))

    def test_classes_add_up(self, change):
        explained = change.explain("GOOG")
        values = explained.values
        by_class = [(5.843e9, 200.21, 191.81), (0.864e9, 200.21, 191.81), (5.534e9, 201.90, 193.77)]
        for k, (shares, before, after) in enumerate(by_class, 1):
            assert values[f"change {k}"] == pytest.approx(shares * (after - before), rel=RTOL)
        assert values["change"] == pytest.approx(change.table.loc["GOOGL", "change_usd"], rel=1e-12)
        assert values["slack"] == pytest.approx((8.40 + 8.40 + 8.13) * 1e6 / 2, rel=RTOL)

    def test_without_a_study(self):
        explained = ms.market_cap_change("2025-01-27").explain("AAPL")
        assert "None: no study of this firm on that session was given." in str(explained)

    def test_a_firm_that_is_not_there(self, change):
        with pytest.raises(UnknownNameError, match="did you mean 'NVDA'"):
            change.explain("NVDAA")

    def test_a_split_and_an_exact_count(self, prices):
        counts = pd.DataFrame({"firm": ["NVDA"], "shares": [2.46e9], "as_of": ["2024-05-24"], "filed": ["2024-05-29"]})
        explained = ms.market_cap_change("2025-01-27", prices, counts).explain("NVDA")
        assert explained.values["factor 1"] == 10
        assert explained.values["change"] == pytest.approx(2.46e10 * (118.42 - 142.62), rel=RTOL)
        assert "Every count is exact" in str(explained)


class TestVerdict:
    def test_the_reported_loss_by_hand(self, verdicts):
        """A11: 589 billion, by every price and count."""
        explained = verdicts["A11"].explain()
        official, preliminary, before = 118.42, 118.58, 142.62
        nvda = SHARES[(SHARES["firm"] == "NVDA") & (SHARES["filed"] < "2025-01-27")]
        cover = nvda[nvda["basis"] == "cover"].set_index("filed")["shares"]
        plain = cover["2024-11-20"] * (official - before)
        values = explained.values
        assert values["tried 1"] == pytest.approx(plain, rel=RTOL)
        given = {round(c * (p - before)) for c in nvda["shares"] for p in (official, preliminary)}
        assert {round(v) for name, v in values.items() if name.startswith("tried")} == given
        assert (values["stated"], values["step"]) == (-589e9, 1e9)
        assert (values["low"], values["high"]) == (-589.5e9, -588.5e9)
        chosen = cover["2024-11-20"] * (preliminary - before)
        assert values["margin 1"] == pytest.approx(-589.5e9 - plain, rel=RTOL)
        assert values["margin 7"] == pytest.approx(min(chosen + 589.5e9, -588.5e9 - chosen), rel=1e-6)
        text = " ".join(str(explained).split())
        assert "Convention 7 gives -588.740 bn USD: inside the interval by 0.240 bn USD." in text
        assert "Source of share counts: cover pages of SEC filings (bundled)" in text
        assert "Source of preliminary close: CNBC and IBD copies of that evening" in text

    @pytest.mark.parametrize(
        ("wording", "value", "bounds"),
        [
            ("", -0.17, (-0.175, -0.165)),
            ("about", 0.25, (0.24, 0.26)),
            ("nearly", -0.17, (-0.175, -0.16)),
            ("nearly", 0.17, (0.16, 0.175)),
        ],
    )
    def test_bounds_of_each_wording(self, wording, value, bounds):
        from marketshock.catalog.claim import Claim, Part
        from marketshock.claims.finding import Answer, Measure, judge
        from marketshock.claims.verdict import combine

        part = Part("return", ms.Stated(value, "percent", 0.01, wording))
        claim = Claim("x", "it moved", "a.txt", 1, (part,))
        values = combine(claim, [judge(part, Answer((Measure("plain", value),)))]).explain().values
        assert (values["low"], values["high"]) == pytest.approx(bounds)

    def test_every_verdict_says_how_it_was_decided(self, verdicts):
        for verdict in verdicts.values():
            text = " ".join(str(verdict.explain()).split())
            assert f"So: {verdict.status.replace('_', ' ')}: " in text
            for finding in verdict.findings:
                for measure in finding.answer.measures:
                    assert measure.convention in text

    def test_sources_are_what_a_check_reads(self, monkeypatch):
        """The table of what each kind reads equals what its check asks the evidence for."""
        from marketshock.claims import verify
        from marketshock.claims.evidence import Evidence
        from marketshock.claims.registry import KINDS
        from marketshock.claims.sources import READS

        assert set(READS) == set(KINDS)
        named = {"prices", "shares", "index", "facts", "releases"}
        asked: dict[str, set[str]] = {}
        now = [""]

        class Watched(Evidence):
            def __getattribute__(self, name):
                if now[0] and (name in named or name == "shocks"):
                    asked.setdefault(now[0], set()).add("index" if name == "shocks" else name)
                return super().__getattribute__(name)

        def finding(part, evidence):
            now[0] = part.kind
            answer = KINDS[part.kind](evidence, **part.parameters)
            now[0] = ""
            return verify.judge(part, answer)

        monkeypatch.setattr(verify, "Evidence", Watched)
        monkeypatch.setattr(verify, "_finding", finding)
        try:
            ms.verify_claims()
        finally:
            now[0] = ""
        for kind, names in asked.items():
            assert names == set(READS[kind]), kind


class TestForms:
    def test_formulas_are_mathematics(self, all_of_them):
        """Matplotlib reads a part of TeX: what it parses is balanced and has no unknown command."""
        from matplotlib.mathtext import MathTextParser

        parser = MathTextParser("path")
        sides = {side for e in all_of_them for s in e.steps for line in s.lines for side in line.filled(s.values)}
        alike = {re.sub(r"\d", "1", side): side for side in sides}  # one of those that differ in their digits alone
        assert len(alike) > 100
        for side in alike.values():
            parser.parse(f"${to_math(side)}$")

    @pytest.mark.parametrize(
        ("plain", "latex"),
        [
            ("beta = Sxy / Sxx", r"\beta = S_{xy} / S_{xx}"),
            ("sqrt(s^2 (1 + h))", r"\sqrt{s^{2} (1 + h)}"),
            ("z' (X'X)^-1 z", r"z' (X'X)^{-1}\ z"),
            ("2.5e-07 x 3,492.764 bn", r"2.5 \times 10^{-7} \times 3{,}492.764\ \mathrm{bn}"),
            ("alpha + b1 F1(-1)", r"\alpha + b_{1}\ F_{1}(-1)"),
            ("-13.26 %", r"-13.26 \,\%"),
        ],
    )
    def test_plain_to_latex(self, plain, latex):
        assert to_math(plain) == latex

    def test_step_of_the_api(self, seven):
        step = seven.explain(f"{DEEPSEEK}/NVDA", 0, 0).steps[3]
        assert r"s^{2} = \mathrm{RSS} / \mathrm{df}" in step.formula
        assert "0.16230417 / 248" in step.put_in
        assert step.value == "0.025582"

    def test_latex_is_balanced_and_escaped(self, prices):
        events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"], "event_id": [r"a_{b:c}%^&#$\~"]})
        made = ms.event_study(events, prices=prices, model=ms.FamaFrench(5, momentum=True))
        text = made.explain(events["event_id"][0], -1, 5).to_latex()
        for name in ("align*", "tabular"):
            assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") > 0
        bare = re.sub(r"\\[\\{}%&#$_]", "", text)
        assert bare.count("{") == bare.count("}")
        outside = re.sub(r"(?s)\\begin\{(align\*|tabular)\}.*?\\end\{\1\}|\$[^$\n]*\$", "", bare)
        assert not re.search(r"[&%#$_^~]", outside)

    def test_latex_compiles(self, all_of_them, tmp_path):
        program = shutil.which("pdflatex") or shutil.which("tectonic")
        if program is None:
            pytest.skip("no pdflatex or tectonic on the path")
        body = "\n".join(explained.to_latex() for explained in all_of_them)
        head = "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{amsmath}\\begin{document}\n"
        path = tmp_path / "explained.tex"
        path.write_text(f"{head}{body}\\end{{document}}\n", "utf-8")
        options = ["-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in program else []
        done = subprocess.run([program, *options, path.name], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]

    def test_markdown_and_html(self, prices):
        events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"], "event_id": ["<a|b>*"]})
        made = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
        explained = made.explain("<a|b>*", -1, 5)
        markdown, html = explained.to_markdown(), explained._repr_html_()
        assert markdown.startswith("## \\<a\\|b>\\*: CAR(-1, 5)")
        tables = re.findall(r"(?m)^\| .*$", markdown)
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in tables[:10]}) == 1
        assert markdown.count("$$") % 2 == 0
        assert "<a|b>" not in html
        assert "&lt;a|b&gt;*" in html

    def test_plain_values(self, seven):
        plain = seven.explain(f"{DEEPSEEK}/NVDA", 0, 0).to_dict()
        assert plain["steps"][5]["values"]["car"] == pytest.approx(seven.ar.loc[f"{DEEPSEEK}/NVDA", 0])
        assert set(plain["steps"][0]) == {"heading", "formula", "put_in", "value", "values"}


class TestStudyOnReturns:
    def test_it_begins_with_the_returns(self, returns, prices):
        made = ms.event_study(
            ms.load_catalog()[DEEPSEEK], tickers=["NVDA"], returns=returns, model=ms.MarketModel("^GSPC")
        )
        explained = made.explain(f"{DEEPSEEK}/NVDA", -1, 1)
        assert explained.steps[0].heading == "Returns of the event days"
        expected = market_by_hand(prices, "NVDA", "2025-01-27", (-1, 1))
        same(explained, expected)
        assert "None: the study was run on returns" in str(explained)
        assert not any(name.startswith("P(") for name in explained.values)

    def test_log_returns_have_no_dollars(self, prices):
        made = study(prices, ms.MarketModel("^GSPC"), ["NVDA"], log=True)
        explained = made.explain(f"{DEEPSEEK}/NVDA", 0, 0)
        assert explained.values["R(0)"] == pytest.approx(math.log(explained.values["P(0)"] / explained.values["P(-1)"]))
        assert "log returns do not scale a market cap" in str(explained)


class TestDollars:
    def test_own_counts(self, seven):
        counts = pd.DataFrame({"firm": ["NVDA"], "shares": [1e9], "as_of": ["2024-12-01"], "filed": ["2024-12-02"]})
        values = seven.explain(f"{DEEPSEEK}/NVDA", 0, 0, shares=counts).values
        assert values["usd car"] == pytest.approx(values["car"] * 142.62e9, rel=RTOL)

    def test_a_firm_without_a_count(self, seven):
        counts = pd.DataFrame({"firm": ["X"], "shares": [1e9], "as_of": ["2024-12-01"], "filed": ["2024-12-02"]})
        explained = seven.explain(f"{DEEPSEEK}/NVDA", 0, 0, shares=counts)
        assert "no share count of NVDA" in str(explained)
        assert explained.values["p"] < 1e-6

    def test_adjusted_closes_have_none(self, prices):
        given = ms.Prices.from_frame(prices.adj_close, adjusted=True)
        explained = study(given, ms.MarketModel("^GSPC"), ["NVDA"]).explain(f"{DEEPSEEK}/NVDA", 0, 0)
        assert "the closes are dividend-adjusted" in str(explained)
        assert "no adjusted ones are beside them" in str(explained) or "Closes as they were given" in str(explained)

    def test_another_class_of_the_firm(self, prices):
        explained = study(prices, ms.MarketModel("^GSPC"), ["GOOG"]).explain(f"{DEEPSEEK}/GOOG", 0, 0)
        expected = market_by_hand(prices, "GOOG", "2025-01-27", (0, 0), firm="GOOGL")
        same(explained, expected)
        assert "The abnormal return is that of GOOG" in str(explained)


class TestErrors:
    def test_unknown_event(self, seven):
        with pytest.raises(UnknownNameError, match="did you mean 'deepseek-selloff/NVDA'"):
            seven.explain("deepseek-selloff/NVDAA", 0, 0)

    def test_an_event_left_out_says_why(self, prices):
        events = pd.DataFrame({"ticker": ["NVDA", "NVDAA"], "date": "2025-01-27", "event_id": ["a", "b"]})
        with pytest.warns(ms.errors.ExclusionWarning):
            made = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
        with pytest.raises(UnknownNameError, match="it was left out: no prices of 'NVDAA'"):
            made.explain("b", 0, 0)

    def test_window_and_confidence(self, seven):
        with pytest.raises(WindowError):
            seven.explain(f"{DEEPSEEK}/NVDA", 0, 99)
        with pytest.raises(InputError, match="confidence"):
            seven.explain(f"{DEEPSEEK}/NVDA", 0, 0, confidence=95)

    def test_nothing_is_changed(self, seven):
        before = seven.to_frame()
        seven.explain(f"{DEEPSEEK}/NVDA", -1, 5)
        pd.testing.assert_frame_equal(before, seven.to_frame())


class TestCommandLine:
    def run(self, capsys, *argv):
        code = main([str(a) for a in argv])
        out = capsys.readouterr()
        return code, out.out, out.err

    STUDY = (
        "study",
        "--events",
        "bundled",
        "--prices",
        "bundled",
        "--benchmark",
        "^GSPC",
        "--tickers",
        "NVDA",
        "--quiet",
    )

    def test_study(self, capsys, seven):
        code, out, _ = self.run(capsys, *self.STUDY, "--explain", f"{DEEPSEEK}/NVDA")
        assert code == 0
        assert out == f"{seven.explain(f'{DEEPSEEK}/NVDA', 0, 0)}\n"

    def test_days_of_its_own_as_json(self, capsys, seven):
        argv = ("--explain", f"{DEEPSEEK}/NVDA", "--explain-days=-1:1", "--json")
        code, out, _ = self.run(capsys, *self.STUDY, *argv)
        plain = json.loads(out)
        assert code == 0
        assert plain["steps"][5]["values"]["car"] == pytest.approx(seven.car(-1, 1).loc[f"{DEEPSEEK}/NVDA", "car"])

    def test_a_window_without_day_0(self, capsys):
        code, out, _ = self.run(capsys, *self.STUDY, "--window", "1:3", "--explain", f"{DEEPSEEK}/NVDA")
        assert code == 0
        assert "CAR(1, 3) from closing prices" in out

    def test_loss(self, capsys):
        code, out, _ = self.run(capsys, "loss", "--ticker", "NVDA", "--date", "2025-01-27", "--explain")
        assert code == 0
        assert out == f"{ms.market_cap_change('2025-01-27', tickers=['NVDA']).explain('NVDA')}\n"

    def test_claims(self, capsys, verdicts):
        code, out, _ = self.run(capsys, "claims", "--id", "A11", "--explain", "--quiet")
        assert code == 0
        assert out == f"{verdicts['A11'].explain()}\n"

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            ((*STUDY, "--explain", "deepseek-selloff/NVDAA"), "did you mean"),
            ((*STUDY, "--explain-days", "0:1"), "--explain"),
            (("claims", "--explain"), "name the claim"),
        ],
    )
    def test_errors(self, capsys, argv, message):
        code, out, err = self.run(capsys, *argv)
        assert (code, out) == (2, "")
        assert message in err


def test_the_page_is_what_the_program_prints(capsys):
    """Every pair of code and text in docs/explain.md."""
    page = (ROOT / "docs" / "explain.md").read_text("utf-8")
    pairs = re.findall(r"```python\n([^`]*)```\n\n```text\n(.*?)```", page, flags=re.S)
    assert len(pairs) == 3
    names: dict[str, object] = {}
    for code, text in pairs:
        exec(compile(code, "docs/explain.md", "exec"), names)
        assert capsys.readouterr().out == text
    exec(compile(re.findall(r"```python\n(explained = [^`]*)```", page)[0], "docs/explain.md", "exec"), names)
