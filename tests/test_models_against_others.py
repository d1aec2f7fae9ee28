"""Each model against another program, or the textbook formula in numpy, event by event; with and without gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from arch import arch_model
from statsmodels.sandbox.regression.gmm import IV2SLS

import marketshock as ms

from .test_against_statsmodels import CASES, ESTIMATION, WINDOW, events, market

RTOL = 1e-10  # direct solutions: what differs is rounding
RTOL_ITERATED = 1e-8  # Huber: both iterate to a fixed point, neither beyond it
RTOL_ARCH = 1e-10  # arch is called with the same numbers; what is compared is the way back to decimals
RTOL_UNITS = 2e-4  # arch is called on 100 x r: the same likelihood, another path of its optimiser
gapped = pytest.mark.parametrize("gaps", [False, True], ids=["complete", "gaps"])
each_case = pytest.mark.parametrize("case", CASES)


def study_of(frame, case, model):
    options = {"window": WINDOW, "estimation": ESTIMATION, "min_obs": 20, "calendar": "index"}
    return ms.event_study(events(frame, case), returns=frame, model=model, on_closed="next", **options)


def windows(frame, study, shifted=()):
    """Yield position, y and the columns m, f and shifted m of each event's estimation days with data."""
    table = frame.assign(**{f"m{s:+d}": frame["m"].shift(-s) for s in shifted})
    for i, event in enumerate(study.events.itertuples()):
        at = frame.index.get_loc(event.date)
        part = table.iloc[max(at + ESTIMATION[0], 0) : at + ESTIMATION[1] + 1]
        needed = [event.ticker, "m", "f", *(f"m{s:+d}" for s in shifted)]
        yield i, part[needed].rename(columns={event.ticker: "y"}).dropna()


@gapped
@each_case
@pytest.mark.parametrize("cov", ["HC0", "HC1", "HC3", "HAC 0", "HAC 4", "HAC 11"])
def test_covariances_equal_statsmodels(case, gaps, cov):
    frame = market(gaps)
    kind, lags = cov.split()[0], int(cov.split()[1]) if " " in cov else None
    keywords = {} if lags is None else {"cov_kwds": {"maxlags": lags}}
    for model, names in (
        (ms.MarketModel("m", cov=kind, lags=lags), ["m"]),
        (ms.FactorModel(["m", "f"], cov=kind, lags=lags), ["m", "f"]),
    ):
        study = study_of(frame, case, model)
        for i, data in windows(frame, study):
            other = sm.OLS(data["y"], sm.add_constant(data[names])).fit(cov_type=kind, **keywords)
            scale = np.sqrt(np.outer(np.diag(other.cov_params()), np.diag(other.cov_params())))
            np.testing.assert_allclose(study.fit.cov_params[i] / scale, other.cov_params() / scale, rtol=0, atol=RTOL)
            np.testing.assert_allclose(study.fit.sigma2[i], other.mse_resid, rtol=RTOL)


@gapped
def test_default_lags_equal_statsmodels(gaps):
    frame = market(gaps)
    study = study_of(frame, "several", ms.MarketModel("m", cov="HAC"))
    for i, data in windows(frame, study):
        lags = int(np.floor(4 * (len(data) / 100) ** (2 / 9)))
        other = sm.OLS(data["y"], sm.add_constant(data[["m"]])).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
        np.testing.assert_allclose(study.fit.cov_params[i], other.cov_params(), rtol=1e-9)


@gapped
@each_case
def test_capm_equals_statsmodels(case, gaps):
    frame = market(gaps)
    study = study_of(frame, case, ms.CAPM("m", "f"))
    for i, data in windows(frame, study):
        other = sm.OLS(data["y"] - data["f"], sm.add_constant(data["m"] - data["f"])).fit()
        np.testing.assert_allclose(study.fit.params[i], other.params, rtol=RTOL)
        np.testing.assert_allclose(study.fit.cov_params[i], other.cov_params(), rtol=RTOL)


def test_capm_does_not_subtract_twice(prices, catalog):
    factors = ms.french_factors()
    options = {"tickers": ["NVDA"], "prices": prices, "factors": factors}
    a = ms.event_study(catalog["deepseek-selloff"], model=ms.CAPM("Mkt-RF", "RF"), **options)
    b = ms.event_study(
        catalog["deepseek-selloff"],
        model=ms.CAPM("Mkt", "RF"),
        **{**options, "factors": factors.assign(Mkt=factors["Mkt-RF"] + factors["RF"])},
    )
    np.testing.assert_allclose(a.ar, b.ar, rtol=1e-10)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (ms.FamaFrench(3), ["Mkt-RF", "SMB", "HML"]),
        (ms.FamaFrench(3, momentum=True), ["Mkt-RF", "SMB", "HML", "MOM"]),
        (ms.FamaFrench(5), ["Mkt-RF", "SMB5", "HML", "RMW", "CMA"]),
    ],
    ids=lambda v: getattr(v, "name", ""),
)
def test_fama_french_equals_statsmodels_on_the_bundled_factors(prices, catalog, returns, model, names):
    study = ms.event_study(catalog["deepseek-selloff"], tickers=["NVDA"], prices=prices, model=model)
    french = ms.french_factors().reindex(returns.index)
    at = returns.index.get_loc("2025-01-27")
    y, x = returns["NVDA"] - french["RF"], sm.add_constant(french[names])
    other = sm.OLS(y.iloc[at - 260 : at - 10], x.iloc[at - 260 : at - 10]).fit()
    np.testing.assert_allclose(study.fit.params[0], other.params, rtol=RTOL)
    np.testing.assert_allclose(study.ar.iloc[0], (y - x @ other.params).iloc[at - 1 : at + 6], rtol=RTOL, atol=1e-14)


@gapped
@each_case
def test_scholes_williams_equals_two_stage_least_squares(case, gaps):
    frame = market(gaps)
    study = study_of(frame, case, ms.ScholesWilliams("m"))
    for i, data in windows(frame, study, (-1, 1)):
        z = data["m"] + data["m-1"] + data["m+1"]
        x = sm.add_constant(data["m"])
        other = IV2SLS(data["y"], x, sm.add_constant(z)).fit()
        residual = data["y"] - x @ other.params
        s2 = residual @ residual / (len(data) - 2)
        z1, x1 = sm.add_constant(z).to_numpy(), x.to_numpy()
        bread = np.linalg.inv(z1.T @ x1)
        np.testing.assert_allclose(study.fit.params[i], other.params, rtol=1e-9)
        np.testing.assert_allclose(
            study.fit.params[i, 1], np.cov(data["y"], z)[0, 1] / np.cov(data["m"], z)[0, 1], rtol=RTOL
        )
        np.testing.assert_allclose(study.fit.sigma2[i], s2, rtol=RTOL)
        np.testing.assert_allclose(study.fit.cov_params[i], s2 * bread @ (z1.T @ z1) @ bread.T, rtol=1e-9)
        np.testing.assert_allclose(study.fit.cov_params[i], other.cov_params(), rtol=1e-9)
        assert study.fit.dof[i] == len(data) - 2


def test_scholes_williams_is_the_ratio_of_the_paper_up_to_the_ends_of_the_sample():
    """(b_-1 + b_0 + b_+1) / (1 + 2 rho) with moments of the whole series: the same to the order 1/T."""
    rng = np.random.default_rng(4)
    n = 5000
    m = np.convolve(rng.normal(0, 0.01, n + 1), [1, 0.4], "valid")
    frame = pd.DataFrame(
        {"m": m, "A": 1.1 * m + rng.normal(0, 0.005, n)}, index=pd.bdate_range("2000-01-03", periods=n)
    )
    frame["A"] = 0.7 * frame["A"] + 0.3 * frame["A"].shift(1, fill_value=0.0)
    study = ms.event_study(
        pd.DataFrame({"ticker": ["A"], "date": [frame.index[-5]]}),
        returns=frame,
        model=ms.ScholesWilliams("m"),
        window=(0, 0),
        estimation=(-4990, -3),
        calendar="index",
        on_closed="next",
    )
    y, x = frame["A"], frame["m"]
    slopes = [y.cov(x.shift(-s)) / x.shift(-s).var() for s in (-1, 0, 1)]
    paper = sum(slopes) / (1 + 2 * x.corr(x.shift(1)))
    np.testing.assert_allclose(study.fit.params[0, 1], paper, rtol=1e-3)
    assert abs(study.fit.params[0, 1] - 1.1) < abs(slopes[1] - 1.1)  # nearer to the true 1.1 than least squares


@gapped
@each_case
@pytest.mark.parametrize(("leads", "lags"), [(1, 1), (0, 2), (2, 3)])
def test_dimson_equals_statsmodels(case, gaps, leads, lags):
    frame = market(gaps)
    study = study_of(frame, case, ms.Dimson("m", leads=leads, lags=lags))
    shifts = [s for s in range(-lags, leads + 1) if s]
    for i, data in windows(frame, study, shifts):
        markets = data[["m", *(f"m{s:+d}" for s in shifts)]]
        other = sm.OLS(data["y"], sm.add_constant(markets)).fit()
        beta = other.params.iloc[1:].sum()
        alpha = data["y"].mean() - beta * data["m"].mean()
        u = data["y"] - alpha - beta * data["m"]
        a = np.zeros((2, len(other.params)))
        a[0, 0], a[1, 1:], a[0, 1:] = 1, 1, (markets.mean() - data["m"].mean()).to_numpy()
        np.testing.assert_allclose(study.fit.params[i], [alpha, beta], rtol=1e-9)
        np.testing.assert_allclose(study.fit.sigma2[i], u @ u / other.df_resid, rtol=RTOL)
        np.testing.assert_allclose(
            study.fit.cov_params[i], a @ other.cov_params().to_numpy() @ a.T, rtol=1e-9, atol=1e-16
        )
        np.testing.assert_allclose(study.fit.cov_params[i, 1, 1], other.t_test(a[1]).sd.item() ** 2, rtol=1e-9)
        assert study.fit.dof[i] == other.df_resid


def test_dimson_without_leads_and_lags_is_the_market_model():
    frame = market(gaps=True)
    a = study_of(frame, "several", ms.Dimson("m", leads=0, lags=0))
    b = study_of(frame, "several", ms.MarketModel("m"))
    np.testing.assert_allclose(a.sar, b.sar, rtol=RTOL, atol=1e-14)


@gapped
@each_case
@pytest.mark.parametrize("c", [1.345, 0.7])
def test_huber_equals_statsmodels(case, gaps, c):
    frame = market(gaps)
    study = study_of(frame, case, ms.HuberModel(["m", "f"], c=c))
    for i, data in windows(frame, study):
        rlm = sm.RLM(data["y"], sm.add_constant(data[["m", "f"]]), M=sm.robust.norms.HuberT(c))
        other = rlm.fit(maxiter=2000, tol=1e-15, conv="coefs", scale_est="mad")
        residual = data["y"] - sm.add_constant(data[["m", "f"]]) @ other.params
        np.testing.assert_allclose(study.fit.params[i], other.params, rtol=RTOL_ITERATED)
        np.testing.assert_allclose(study.fit.sigma2[i], residual @ residual / other.df_resid, rtol=RTOL_ITERATED)
        np.testing.assert_allclose(study.fit.cov_params[i], other.bcov_scaled, rtol=1e-7)
        mad = study_of(frame, case, ms.HuberModel(["m", "f"], c=c, variance="mad"))
        np.testing.assert_allclose(np.sqrt(mad.fit.sigma2[i]), other.scale, rtol=RTOL_ITERATED)


def arch_directly(data, names, start, unit, dist, cov):
    """Fit y - x start and x, both in units of `unit`, with arch; return coefficients, covariance, h, forecasts."""
    x = sm.add_constant(data[names]).to_numpy()
    y = (data["y"].to_numpy() - x @ start) / unit
    y, factors = np.round(y, 10), np.round(x[:, 1:] / unit, 10)  # the last bits would lead the optimiser elsewhere
    fit = arch_model(y, factors, mean="LS", dist=dist, rescale=False).fit(
        disp="off", cov_type=cov, tol=1e-10, show_warning=False
    )
    k = x.shape[1]
    back = np.array([unit, *[1.0] * (k - 1)])
    omega, shock, memory = np.asarray(fit.params)[k : k + 3]
    path = [omega + shock * fit.resid[-1] ** 2 + memory * fit.conditional_volatility[-1] ** 2]
    for _ in range(39):
        path.append(omega + (shock + memory) * path[-1])
    forecast = fit.forecast(horizon=40, x=np.zeros((k - 1, 1, 40)), reindex=False).variance.to_numpy()[-1]
    return {
        "params": start + np.asarray(fit.params)[:k] * back,
        "cov": np.asarray(fit.param_cov)[:k, :k] * np.outer(back, back),
        "sigma2": np.mean(fit.conditional_volatility**2) * unit**2,
        "ahead": np.array(path) * unit**2,
        "forecast": forecast * unit**2,
    }


@gapped
@pytest.mark.parametrize(
    ("dist", "cov"), [("normal", "robust"), ("normal", "classic"), ("t", "robust"), ("t", "classic")]
)
def test_garch_equals_arch(gaps, dist, cov):
    frame, names = market(gaps), ["m", "f"]
    frame.loc[frame.index[320:323], "C"] = np.nan  # a gap at the end of an estimation window: a longer horizon
    study = study_of(frame, "several", ms.GarchModel(names, dist=dist, cov=cov))
    assert len(study) == 4
    fit, used = study.fit, study.panel.estimation_data.mask
    for i, data in windows(frame, study):
        least = sm.OLS(data["y"], sm.add_constant(data[names])).fit()
        sd = np.sqrt((least.resid**2).mean())
        horizon = study.panel.ahead + int(np.argmax(used[i, ::-1]))
        for start, unit, rtol in ((least.params.to_numpy(), sd, RTOL_ARCH), (np.zeros(3), 0.01, RTOL_UNITS)):
            other = arch_directly(data, names, start, unit, dist, cov)
            se = np.sqrt(np.diag(other["cov"]))
            np.testing.assert_allclose(fit.params[i] / se, other["params"] / se, rtol=0, atol=rtol)
            np.testing.assert_allclose(
                fit.cov_params[i] / np.outer(se, se), other["cov"] / np.outer(se, se), atol=30 * rtol
            )
            np.testing.assert_allclose(fit.sigma2[i], other["sigma2"], rtol=rtol)
            np.testing.assert_allclose(fit.sigma2_days[i], other["ahead"][horizon - 1], rtol=10 * rtol)
            # arch's forecast starts h anew from the final residuals, the likelihood did so from those of least squares
            np.testing.assert_allclose(fit.sigma2_days[i], other["forecast"][horizon - 1], rtol=2e-3)
        assert fit.dof[i] == len(data) - 3


@gapped
@each_case
@pytest.mark.parametrize("days", [5, 21])
def test_recent_volatility_equals_its_definition(case, gaps, days):
    frame = market(gaps)
    study = study_of(frame, case, ms.RecentVolatility(ms.MarketModel("m"), days=days))
    for i, data in windows(frame, study):
        other = sm.OLS(data["y"], sm.add_constant(data["m"])).fit()
        sigma2 = (other.resid.iloc[-days:] ** 2).sum() / days
        np.testing.assert_allclose(study.fit.params[i], other.params, rtol=RTOL)
        np.testing.assert_allclose(study.fit.sigma2[i], sigma2, rtol=RTOL)
        np.testing.assert_allclose(study.fit.sigma2_days[i], sigma2, rtol=RTOL)
        np.testing.assert_allclose(study.fit.cov_params[i], other.normalized_cov_params * sigma2, rtol=RTOL)
        assert study.fit.dof[i] == days
