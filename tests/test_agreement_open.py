"""Agreement that does not hold yet: one mean, one standard error, one sample, whichever function reports it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings

import marketshock as ms
from marketshock.inference.mean import mean_car
from marketshock.report.tables import alignment_table

from .made_markets import WINDOW, Market, markets, streamed, study
from .test_agreement_mean import CLOSE, SPANS, portfolio_market

FEW = settings(max_examples=8)


@given(market=markets(exclusions=False))
@FEW
def test_power_reads_the_error_of_the_mean(market):
    """The row "(mean)" of power() takes events of several dates as independent of each other."""
    whole = study(market)
    for days in SPANS:
        mean, row = mean_car(whole.sample(*days)), whole.power(*days).loc["(mean)"]
        np.testing.assert_allclose([row["se"], row["df"]], [mean.se, mean.df], **CLOSE)


@given(market=markets(exclusions=False))
@FEW
def test_averages_by_day_read_the_error_of_the_mean(market):
    """aar() has the cross-sectional error on one common date, too."""
    whole = study(market)
    means = [mean_car(whole.sample(day, day)) for day in whole.spec.window.offsets()]
    np.testing.assert_allclose(whole.aar()["se"], [mean.se for mean in means], **CLOSE)


@given(market=markets(exclusions=False))
@FEW
def test_studies_compared_read_the_error_of_the_mean(market):
    """compare() takes Brown and Warner's on several dates, and none where a return is missing."""
    whole = study(market)
    for days in SPANS:
        mean, row = mean_car(whole.sample(*days)), ms.compare({"s": whole}, *days).loc[("s", "(mean)")]
        shown = row[["car", "se", "df", "ci_low", "ci_high"]].astype(float)
        np.testing.assert_allclose(shown, [mean.mean, mean.se, mean.df, *mean.interval(0.95)], **CLOSE)


@given(market=markets(patterns=("two dates",), gaps=("none",), exclusions=False))
@FEW
def test_a_difference_between_dates_reads_the_errors_of_their_means(market):
    """group_differences(by="date") takes the events of one date as independent of each other (Welch)."""
    whole = study(market)
    for days in SPANS:
        row = ms.group_differences(whole, *days, by="date").iloc[0]
        dates = whole.events["date"]
        parts = [mean_car(whole.sample(*days).take(np.flatnonzero(dates == date))) for date in pd.unique(dates)]
        expected = [parts[0].mean - parts[1].mean, np.hypot(parts[0].se, parts[1].se)]
        np.testing.assert_allclose(row[["difference", "se"]].astype(float), expected, **CLOSE)


@given(market=markets(patterns=("two dates",), gaps=("none",), exclusions=False))
@FEW
def test_a_difference_over_several_dates_is_the_sum_of_long_short_portfolios(market):
    """One portfolio per date, dates independent: what mean_car does for a mean."""
    whole = study(market)
    for days in SPANS:
        for (a, b), row in ms.group_differences(whole, *days).iterrows():
            group = whole.events["group"]
            weights = ((group == a) / (group == a).sum() - (group == b) / (group == b).sum()).to_numpy()
            parts = []
            for date in pd.unique(whole.events["date"]):
                on = (whole.events["date"] == date).to_numpy()
                day = study(market.only(whole.events.index[on]))
                parts.append(study(portfolio_market(market, day, weights[on])).car(*days).iloc[0])
            expected = [sum(part["car"] for part in parts), np.sqrt(sum(part["se"] ** 2 for part in parts))]
            np.testing.assert_allclose(row[["difference", "se"]].astype(float), expected, **CLOSE)


@given(market=markets(patterns=("one date",), gaps=("scattered",), exclusions=False))
@FEW
def test_a_difference_is_the_difference_of_the_means_beside_it(market):
    """On one date it is estimated on the days all firms share, the means on each firm's own."""
    for days in SPANS:
        for _, row in ms.group_differences(study(market), *days).iterrows():
            np.testing.assert_allclose(row["difference"], row["mean_1"] - row["mean_2"], **CLOSE)


@given(market=markets(patterns=("one date",), gaps=("none",), exclusions=False))
@FEW
def test_the_portfolio_test_is_the_mean_over_its_error(market):
    """With gaps the test is estimated on the days all firms share, and each CAR on its own days."""
    whole = study(market)
    for days in SPANS:
        mean, test = mean_car(whole.sample(*days)), whole.tests(*days, which="portfolio").iloc[0]
        np.testing.assert_allclose(test["statistic"], mean.mean / mean.se, **CLOSE)


@given(market=markets(patterns=("one date",), gaps=("in the window",), exclusions=False))
@FEW
def test_a_firm_without_a_return_leaves_the_others_a_portfolio(market):
    """mean_car leaves it out and has a portfolio; portfolio, joint_f, group_differences and placebo have nothing."""
    whole = study(market)
    mean, tests = mean_car(whole.sample(0, 0)), whole.tests(0, 0, which=["portfolio", "joint_f"])
    assert (mean.how, mean.n) == ("portfolio", len(whole) - 1)
    np.testing.assert_allclose(tests.loc["portfolio", "statistic"], mean.mean / mean.se, **CLOSE)
    assert tests.loc["portfolio", "n_events"] == mean.n


@given(market=markets(patterns=("one date",), gaps=("in the window",), exclusions=False))
@FEW
def test_a_difference_leaves_out_a_firm_without_a_return(market):
    whole = study(market)
    there = whole.ar[0].notna()
    assume(len(set(whole.events.loc[there, "group"])) > 1)
    kept = study(market.only(whole.ar.index[there]))
    for names, row in ms.group_differences(kept, 0, 0).iterrows():
        table = ms.group_differences(whole, 0, 0)
        turned = names not in table.index  # groups stand in the order of their first event
        mine = table.loc[names[::-1] if turned else names]
        columns = ["difference", "se", "t", "df", "pvalue"]
        sign = np.where(np.isin(columns, ["difference", "t"]) & turned, -1.0, 1.0)
        assert mine["method"] == row["method"]
        np.testing.assert_allclose(sign * mine[columns].astype(float), row[columns].astype(float), **CLOSE)


@given(market=markets(patterns=("one date",), gaps=("in the window",), exclusions=False))
@settings(max_examples=2)
def test_the_mean_of_a_placebo_is_the_mean(market):
    """A firm without a return is left out of every mean but this one."""
    whole = study(market)
    table = ms.placebo(whole, None, 0, 0).table
    row = table[table.index.str.startswith("(mean")].iloc[0]
    assert row["car"] == pytest.approx(mean_car(whole.sample(0, 0)).mean)


@given(market=markets(patterns=("mixed",), exclusions=False))
@settings(max_examples=30)
def test_the_note_of_a_test_and_of_the_mean_agree_on_dependence(market):
    """Two functions decide whether events are independent: of all events, or of those with a return."""
    whole = study(market)
    for days in SPANS:
        sample = whole.sample(*days)
        mean, note = mean_car(sample), whole.tests(*days, which="t_cross_sectional")["note"].iloc[0]
        if mean.n > 1 and mean.how != "none":
            assert note.startswith("misleads here") == (mean.how != "cross-sectional")
            if mean.how == "cross-sectional":
                assert ("windows overlap" in note) == ("windows overlap" in mean.note)


def test_two_events_of_one_date_among_many_overlap():
    """Five events on four dates far apart: the test says that windows overlap, the mean does not."""
    days = pd.bdate_range("2022-11-07", periods=96)
    rng = np.random.default_rng(0)
    returns = pd.DataFrame(0.01 * rng.normal(size=(96, 6)), index=days, columns=["m", "f", "AA", "BB", "CC", "DD"])
    at = [50, 50, 60, 70, 80]
    events = {"event_id": list("abcde"), "ticker": ["AA", "BB", "CC", "DD", "AA"], "date": days[at], "group": ""}
    options = {"window": WINDOW, "estimation": (-44, -5), "min_obs": 20, "calendar": "index"}
    whole = study(Market(returns, pd.DataFrame(events), options))
    mean, note = mean_car(whole.sample(0, 0)), whole.tests(0, 0, which="t_cross_sectional")["note"].iloc[0]
    assert mean.how == "cross-sectional"
    assert ("overlap" in note) == ("overlap" in mean.note)


@given(market=markets(patterns=("one date", "mixed"), gaps=("in the window",), exclusions=False))
@FEW
def test_a_mean_counts_the_events_in_it(market):
    """compare() counts the study's events beside a mean of those that have a return."""
    whole = study(market)
    row = ms.compare({"s": whole}, 0, 0).loc[("s", "(mean)")]
    assert row["n_events"] == mean_car(whole.sample(0, 0)).n


@given(market=markets())
@FEW
def test_groups_stand_in_one_order(market):
    """A whole study lists groups as they come, a streamed one by name."""
    a, b = study(market).tests(0, 0, by="group"), streamed(market, cars=False).tests(0, 0, by="group")
    assert list(dict.fromkeys(a.index.get_level_values(0))) == list(dict.fromkeys(b.index.get_level_values(0)))


@given(market=markets())
@FEW
def test_a_missing_return_has_one_note(market):
    """A whole study names the days after the count; a streamed one has the count alone."""
    a, b = study(market).car(*WINDOW), streamed(market, cars=True).car(*WINDOW)
    assert [note.split(":")[0] for note in a["note"]] == list(b["note"])


def test_the_shell_lists_every_event():
    """alignment_table cuts an event's name out of its id."""
    days = pd.bdate_range("2022-11-07", periods=96)
    rng = np.random.default_rng(0)
    returns = pd.DataFrame(0.01 * rng.normal(size=(96, 6)), index=days, columns=["m", "f", "AA", "BB", "CC", "DD"])
    events = {"event_id": ["beat/AA", "beat/BB"], "ticker": ["AA", "BB"], "date": days[[60, 60]], "group": ""}
    options = {"window": WINDOW, "estimation": (-44, -5), "min_obs": 20, "calendar": "index"}
    whole = study(Market(returns, pd.DataFrame(events), options))
    for event in whole.panel.event:
        assert event in alignment_table(whole)
