"""Many rules, plans in TOML, the command, the pictures, and the page."""

from __future__ import annotations

import itertools
import json
import math
import re
import runpy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import marketshock as ms
from marketshock.backtests.plan import KINDS, plain_kinds, plan_of, read_plan
from marketshock.backtests.stats import deflated_sharpe
from marketshock.errors import InputError

from .conftest import ROOT
from .test_backtest import DAYS, RULES, corrupted, made_events, made_prices, quiet
from .test_cli import run
from .test_plots_robustness import overlapping, within

PAGE = (ROOT / "docs" / "backtests.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def several() -> dict[str, ms.Backtest]:
    events, prices = made_events(60), made_prices()
    return {
        f"{n} days": quiet(events, prices, ms.rules.HoldAfter(days=n), costs=ms.Costs(bps=5), benchmark="MKT")
        for n in (1, 3, 8)
    }


# ---------------------------------------------------------------------------------------------------- comparison


def test_rules_side_by_side(several):
    made = ms.compare_rules(several, draws=99, seed=3)
    table = made.table
    assert table.index.tolist() == ["1 days", "3 days", "8 days"]
    for name, result in several.items():
        assert table.loc[name, "mean"] == result.per_trade.mean
        assert table.loc[name, "pvalue"] == ms.placebo_trades(result, 99, seed=3).pvalue
    assert table["pvalue_adjusted"].tolist() == pytest.approx(ms.adjust_pvalues(table["pvalue"]).tolist())
    ratios = table["sharpe"] / math.sqrt(365.25 * 5 / 7)  # the dates are weekdays
    c = several["3 days"].curve
    wanted = deflated_sharpe(ratios["3 days"], c.n_sessions, c.skewness, c.kurtosis, 3, ratios.std())[0]
    assert table.loc["3 days", "deflated_sharpe"] == pytest.approx(wanted)
    more = ms.compare_rules(several, draws=99, seed=3, tried=30)
    assert more.table["pvalue_adjusted"].min() == pytest.approx(min(1.0, 30 * table["pvalue"].min()))
    assert (more.table["deflated_sharpe"] < table["deflated_sharpe"]).all()
    assert "(30 tried)" in repr(more)
    listed = ms.compare_rules(list(several.values()), draws=99)
    assert listed.table.index[0] == "long, entry at the next open, exit 1 close later"


def test_what_cannot_be_compared(several):
    with pytest.raises(InputError, match="the same name"):
        ms.compare_rules([several["1 days"], several["1 days"]])
    with pytest.raises(InputError, match="whole number from 3"):
        ms.compare_rules(several, tried=2)
    with pytest.raises(InputError, match=r"what marketshock\.backtest returned"):
        ms.compare_rules({})
    nothing = quiet(pd.DataFrame({"ticker": ["XYZ"], "date": ["2021-06-01"]}), made_prices(), RULES["hold"])
    made = ms.compare_rules({"one": several["1 days"], "nothing": nothing}, draws=99)
    assert made.table.loc["nothing", "n_trades"] == 0
    assert np.isnan(made.table.loc["nothing", "pvalue_adjusted"])


def test_walking_forward_is_a_loop_anyone_can_write(several):
    made = ms.walk_forward(several, "2021-10-01", every="month", by="mean", min_trades=5)
    events = {name: b.trades for name, b in several.items()}
    took = []
    for begin, end in itertools.pairwise(pd.date_range("2021-10-01", periods=10, freq="MS")):
        if begin > max(frame["date"].max() for frame in events.values()):
            break
        means = {}
        for name, frame in events.items():
            past = frame.loc[frame["exit_session"] < begin, "return"]
            if len(past) >= 5:
                means[name] = past.mean()
        best = max(means, key=means.get) if means else ""
        assert made.table.loc[begin, "rule"] == best
        if best:
            frame = events[best]
            took += frame.loc[(frame["date"] >= begin) & (frame["date"] < end), "return"].tolist()
    assert made.trades["return"].tolist() == pytest.approx(took)
    assert made.out_of_sample.mean == pytest.approx(np.mean(took))
    assert made.in_sample.mean >= made.out_of_sample.mean - 1e-12 or made.best in several
    assert "out of sample" in repr(made)


def test_walking_forward_knows_nothing_of_the_future(several):
    made = ms.walk_forward(several, "2021-11-01", every="month", min_trades=5)
    day = 245
    prices = corrupted(made_prices(), day)
    changed = {name: quiet(made_events(60), prices, b.spec.rule, costs=b.spec.costs) for name, b in several.items()}
    other = ms.walk_forward(changed, "2021-11-01", every="month", min_trades=5)
    until = made.table.index <= DAYS[day]
    assert until.sum() >= 2
    assert made.table.loc[until, "rule"].tolist() == other.table.loc[until, "rule"].tolist()
    assert made.table.loc[until, "train_mean"].tolist() == other.table.loc[until, "train_mean"].tolist()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"start": "2030-01-01"}, "no trade falls on or after"),
        ({"start": "soon"}, "no date"),
        ({"start": "2021-10-01", "every": "week"}, "'month', 'quarter', 'year'"),
        ({"start": "2021-10-01", "by": "sharpe"}, "'mean', 't'"),
        ({"start": "2021-10-01", "min_trades": 1}, "at least 2"),
    ],
)
def test_walks_that_cannot_be(several, options, text):
    with pytest.raises(InputError, match=text):
        ms.walk_forward(several, **options)


# ---------------------------------------------------------------------------------------------------------- plans

PLAN = """
events = "events.csv"
prices = "prices.csv"
benchmark = "^GSPC"
placebo = 99
match = ["ticker", "weekday"]

[costs]
bps = 1
half_spread_bps = 2
borrow = { TSLA = 0.03 }

[sizing]
by = "inverse_volatility"
amount = 0.002

[[rule]]
name = "dip"
kind = "hold"
days = 5
entry = "next_close"

[[rule]]
name = "hedged"
kind = "fade"
days = 5
entry = "next_close"
hedge = "SPY"
hedge_estimation = [-200, -5]
"""


@pytest.fixture
def folder(tmp_path, prices):
    (tmp_path / "plan.toml").write_text(PLAN, "utf-8")
    prices.close.to_csv(tmp_path / "prices.csv")
    days = prices.dates[300:540:12]
    pd.DataFrame({"ticker": (["NVDA", "TSLA"] * 20)[: len(days)], "date": days.date}).to_csv(
        tmp_path / "events.csv", index=False
    )
    return tmp_path


def test_the_command_offers_the_kinds_that_need_only_days():
    assert plain_kinds() == ("hold", "fade", "follow", "drop", "low_volatility")
    assert set(KINDS) - set(plain_kinds()) == {"pair"}


def test_a_plan(folder):
    plan = plan_of(read_plan(folder / "plan.toml"), "plan.toml")
    assert plan.costs == ms.Costs(bps=1, half_spread_bps=2, borrow={"TSLA": 0.03})
    assert plan.sizing == ms.Sizing(by="inverse_volatility", amount=0.002)
    assert plan.rules["dip"] == ms.rules.HoldAfter(days=5, entry="next_close")
    fade = ms.rules.Fade(days=5, entry="next_close")
    assert plan.rules["hedged"] == ms.rules.Hedged(rule=fade, by="SPY", estimation=(-200, -5))
    assert plan.options["events"] == str(folder / "events.csv")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("days = 5", "dayz = 5", "days"),
        ("days = 5", "", "lacks days"),
        ('kind = "hold"', 'kind = "hodl"', "'hold', 'fade'"),
        ("bps = 1", "bsp = 1", "did you mean 'bps'"),
        ("placebo = 99", "plcebo = 99", "did you mean 'placebo'"),
        ("days = 5", "days = 0", "hold, days: got 0"),
        ('name = "dip"', 'name = "hedged"', "two rules have the same name"),
        ('hedge = "SPY"', "", "no hedge"),
        ('kind = "hold"', 'kind = "pair"', "lacks long, short"),
        ('kind = "hold"', 'kind = "hold"\nsigma = 3', "unknown: 'sigma'"),
        ("[costs]", "[costs", "is not TOML"),
    ],
)
def test_plans_that_cannot_be(folder, old, new, text):
    (folder / "plan.toml").write_text(PLAN.replace(old, new, 1), "utf-8")
    with pytest.raises(InputError, match=text):
        plan_of(read_plan(folder / "plan.toml"), "plan.toml")


# -------------------------------------------------------------------------------------------------------- command


def test_a_plan_from_the_shell(capsys, folder):
    code, out, err = run(capsys, "backtest", "--config", folder / "plan.toml", "--out", folder / "out")
    assert code == 0, err
    assert "2 rules, by mean return of a trade after costs" in out
    assert "an earlier one is held" in err or err == "" or "each of the" in err
    written = {path.name for path in (folder / "out").iterdir()}
    assert {"comparison.csv", "backtest.json", "1_dip_legs.csv", "2_hedged_equity.png"} <= written
    told = json.loads((folder / "out" / "backtest.json").read_text("utf-8"))
    assert told["rules"]["dip"]["per_trade"]["n_trades"] == len(pd.read_csv(folder / "out" / "1_dip_trades.csv"))
    assert told["rules"]["dip"]["placebo"]["n_draws"] == 99


def test_one_rule_from_the_shell(capsys, tmp_path):
    options = ("--events", "bundled", "--tickers", "NVDA,AAPL", "--rule", "hold", "--days", 1, "--bps", 5)
    code, out, _ = run(capsys, "backtest", *options, "--placebo", 99, "--out", tmp_path, "--benchmark", "^GSPC")
    assert code == 0
    for words in ("mean return of a trade", "alpha on ^GSPC", "Random dates", "duplicate (NVDA, AAPL"):
        assert words in out
    assert (tmp_path / "placebo.png").stat().st_size > 10_000
    code, out, _ = run(capsys, "backtest", *options, "--json")
    told = json.loads(out)
    (rule,) = told["rules"].values()
    assert rule["costs"]["bps"] == 5
    assert told["comparison"] is None


def test_several_days_are_several_rules(capsys):
    code, out, _ = run(
        capsys, "backtest", "--tickers", "NVDA,TSLA", "--rule", "drop", "--days", "1,10", "--placebo", 99, "--json"
    )
    told = json.loads(out)
    assert code == 0
    assert list(told["rules"]) == ["1 day", "10 days"]
    assert [row["rule"] for row in told["comparison"]] == ["1 day", "10 days"]


def test_bars_from_the_shell(capsys, tmp_path, prices):
    times = pd.date_range("2025-01-27 14:30", periods=20, freq="15min", tz="UTC")
    pd.DataFrame({"time": times, "ticker": "NVDA", "open": np.linspace(124, 118, 20)}).to_csv(
        tmp_path / "bars.csv", index=False
    )
    pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27T10:00:00-05:00"]}).to_csv(tmp_path / "e.csv", index=False)
    plan = 'events = "e.csv"\nintraday = "bars.csv"\n[[rule]]\nkind = "hold"\ndays = 1\nentry = "intraday"\n'
    (tmp_path / "plan.toml").write_text(plan, "utf-8")
    options = ("--config", tmp_path / "plan.toml")
    code, _, err = run(capsys, "backtest", *options, "--out", tmp_path / "out")
    assert code == 0, err
    trade = pd.read_csv(tmp_path / "out" / "legs.csv").iloc[0]
    assert trade["entry_price"] == pytest.approx(np.linspace(124, 118, 20)[3])
    (tmp_path / "bars.csv").write_text("time,open\n2025-01-27,1\n", "utf-8")
    code, _, err = run(capsys, "backtest", *options)
    assert (code, "no column 'ticker'" in err) == (2, True)


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ((), 2, "--rule: is missing"),
        (("--rule", "hold"), 2, "--days: is missing"),
        (("--days", "5"), 2, "--rule: is missing beside --days"),
        (("--rule", "hold", "--days", "5"), 2, "does not find its own"),
        (("--rule", "hold", "--days", "0", "--events", "bundled", "--tickers", "NVDA"), 2, "got 0"),
        (("--rule", "drop", "--days", "5", "--tickers", "XYZ"), 2, "--tickers: unknown: 'XYZ'"),
        (("--rule", "hold", "--days", "5", "--placebo", "3"), 2, "--placebo: got 3"),
        (("--config", "nothing.toml"), 2, "cannot be read"),
    ],
)
def test_errors_are_one_sentence(capsys, options, code, text):
    found, _, err = run(capsys, "backtest", *options)
    assert found == code
    last = err.strip().splitlines()[-1]
    assert last.startswith("marketshock: ")
    assert text in last


def test_nothing_traded_falls_short(capsys, folder):
    pd.DataFrame({"ticker": ["XYZ"], "date": ["2025-01-27"]}).to_csv(folder / "events.csv", index=False)
    code, out, err = run(capsys, "backtest", "--config", folder / "plan.toml", "--out", folder / "out")
    assert code == 1
    assert err.strip().endswith("no event was traded")
    assert "unknown ticker" in out


# ------------------------------------------------------------------------------------------------------- pictures


def test_equity_and_drawdown_are_the_frames(several):
    result = several["8 days"]
    upper, lower = ms.plots.equity(result)
    drawn = upper.lines[0].get_ydata()
    np.testing.assert_allclose(drawn[1:], 100 * (result.equity / 1e6 - 1))
    assert drawn[0] == 0
    held = result.information.market.returns.values[result._span, -1]
    np.testing.assert_allclose(upper.lines[1].get_ydata()[1:], 100 * (np.cumprod(1 + held) - 1))
    np.testing.assert_allclose(lower.lines[0].get_ydata()[1:], 100 * result.daily["drawdown"])
    own = Figure()
    assert all(ax.figure is own for ax in ms.plots.equity(result, figure=own))


def test_the_average_trade_with_both_bands(several):
    result = several["8 days"]
    placebo = ms.placebo_trades(result, 99)
    ax = ms.plots.trade_path(result, placebo)
    line = next(line for line in ax.lines if line.get_label() == "mean trade")
    np.testing.assert_allclose(line.get_ydata(), 100 * result.path()["mean"])
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert labels == ["95 % of random dates", "their mean", "95 % interval of the mean", "mean trade"]


def test_one_date_has_no_band(prices, catalog):
    result = ms.backtest(catalog["deepseek-selloff"], prices, ms.rules.HoldAfter(days=5), tickers=ms.MAGNIFICENT_SEVEN)
    ax = ms.plots.trade_path(result)
    assert "single trades" in [t.get_text() for t in ax.get_legend().get_texts()]
    assert not ax.collections
    for x in ("date", "move"):
        ax = ms.plots.trades(result, x=x)
        names = list(ax.texts)
        assert sorted(t.get_text() for t in names) == sorted(ms.MAGNIFICENT_SEVEN)
        assert overlapping(ax.figure, names) == []


def test_trades_and_placebos(several):
    result = several["3 days"]
    ax = ms.plots.trades(result, x="move")
    points = np.concatenate(
        [line.get_xydata() for line in ax.lines if line.get_label().split(":")[0] in ("profit", "loss")]
    )
    at = np.argsort(points[:, 1])
    np.testing.assert_allclose(points[at, 1], 100 * np.sort(result.trades["return"]))
    placebo = ms.placebo_trades(result, 199)
    ax = ms.plots.placebo_trades(placebo)
    assert sum(bar.get_height() for bar in ax.patches) == 199
    assert f"p = {placebo.pvalue:.4f}" in ax.get_title(loc="left")


def test_labels_do_not_overlap(several):
    result = several["8 days"]
    placebo = ms.placebo_trades(result, 99)
    drawn = [
        *ms.plots.equity(result),
        ms.plots.trade_path(result, placebo),
        ms.plots.trades(result),
        ms.plots.placebo_trades(placebo),
    ]
    for ax in drawn:
        legend = ax.get_legend().get_texts() if ax.get_legend() else []
        assert overlapping(ax.figure, [*within(ax), *legend, ax.xaxis.label, ax.yaxis.label]) == []


def test_pictures_that_cannot_be(several):
    nothing = quiet(pd.DataFrame({"ticker": ["XYZ"], "date": ["2021-06-01"]}), made_prices(), RULES["hold"])
    for draw in (ms.plots.equity, ms.plots.trade_path, ms.plots.trades):
        with pytest.raises(InputError, match="nothing was traded"):
            draw(nothing)
    pair = quiet(made_events(8), made_prices(), RULES["pair"])
    with pytest.raises(InputError, match="does not trade the event's own security"):
        ms.plots.trades(pair, x="move")


def test_html_is_a_table(several):
    for shown in (several["1 days"], ms.compare_rules(several, draws=19), ms.placebo_trades(several["1 days"], 19)):
        assert shown._repr_html_().count("<tr>") > 3
    assert ms.walk_forward(several, "2021-11-01")._repr_html_().startswith("<table>")


# ----------------------------------------------------------------------------------------------------------- page


def cells(first: str) -> list[list[str]]:
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
    return [row for row in rows if row[0] == first]


def test_the_page_says_what_the_example_computes(capsys):
    made = runpy.run_path(str(ROOT / "examples" / "rules_of_the_documents.py"))
    capsys.readouterr()
    compared = ms.compare_rules(made["falls"]).table
    for name, n in made["holds"].items():
        dip, falls = cells(name)
        own = made["by_firm"].loc[name, list(ms.MAGNIFICENT_SEVEN)]
        wanted = [*own, made["dip"][name].per_trade.mean]
        assert dip[1:] == [f"{100 * value:+.2f}" for value in wanted], n
        row = compared.loc[name]
        wanted = [str(int(row["n_trades"])), f"{100 * row['mean']:+.2f}", f"{100 * row['se']:.2f}"]
        assert falls[1:] == [*wanted, f"{row['pvalue']:.3f}", f"{row['pvalue_adjusted']:.3f}"]
    text = " ".join(PAGE.split())
    assert f"brought {100 * made['quiet'].per_trade.mean:+.2f} %; random dates" in text
    assert f"{100 * made['rebound'].per_trade.mean:+.2f} % with their betas on SPY sold" in text


def test_the_pages_code_runs(monkeypatch, tmp_path, capsys):
    for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.S):
        exec(compile(code, "backtests.md", "exec"), {"ms": ms})
    (tmp_path / "long.csv").write_text(re.findall(r"```text\n(date,.*?)```", PAGE, flags=re.S)[0], "utf-8")
    prices = ms.read_prices(tmp_path / "long.csv")
    assert prices.provenance["currency"] == {"NVDA": "USD"}
    assert prices.splits["ratio"].tolist() == [10.0]
    plan = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.S)[0]
    (tmp_path / "rules.toml").write_text(plan, "utf-8")
    made = plan_of(read_plan(tmp_path / "rules.toml"), "rules.toml")
    assert list(made.rules) == ["fade a week", "the same, hedged"]
