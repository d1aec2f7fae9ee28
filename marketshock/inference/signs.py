"""Tests on signs. An abnormal return of exactly zero has no sign and is left out."""

from __future__ import annotations

import numpy as np

from .._typing import Alternative, BoolArray, FloatArray
from .evidence import DaySums
from .moments import Summary
from .outcome import Inapplicable, Outcome, flat, normal_result, t_result
from .sample import Sample

_HALF = "both signs are equally likely"


def sign(sample: Summary, alternative: Alternative) -> Outcome:
    """Count the positive CARs against one half: ``(2 w - N) / sqrt(N)``, N(0, 1).

    References
    ----------
    Brown and Warner (1980), section 2; Campbell, Lo and MacKinlay (1997), eq. 4.5.1.
    """
    n = sample.n_positive + sample.n_negative
    if n == 0:
        return Inapplicable("sign", "no abnormal return other than zero", 0, _HALF)
    return normal_result("sign", float((2 * sample.n_positive - n) / np.sqrt(n)), alternative, n, null=_HALF)


def generalized_sign(sample: Sample, alternative: Alternative) -> Outcome:
    """Count the positive CARs against their share in the estimation window: ``(w - N p)/sqrt(N p (1 - p))``, N(0, 1).

    p is the mean over events of the share of positive residuals.

    References
    ----------
    Cowan (1992), Review of Quantitative Finance and Accounting 2, 343-358, eq. 1-3.
    """
    null = "as often positive as on the estimation days"
    used = sample.there & (sample.sum.car != 0)
    n = int(used.sum())
    if n == 0:
        return Inapplicable("generalized_sign", "no abnormal return other than zero", 0, null)
    shares = [((e.residuals > 0) & e.mask).sum(axis=1) / e.mask.sum(axis=1) for _, e in sample.evidence.blocks(used)]
    p = float(np.concatenate(shares).mean())
    if not 0 < p < 1:
        return Inapplicable("generalized_sign", "all estimation residuals have one sign", n, null)
    z = (sample.n_positive - n * p) / np.sqrt(n * p * (1 - p))
    return normal_result("generalized_sign", float(z), alternative, n, null=null)


def sign_gsar(sample: Sample, alternative: Alternative) -> Outcome:
    """Take signs about each event's median, the re-standardized SCAR as one more day: ``Z sqrt((T-2)/(T-1-Z^2))``,
    t(T-2).

    References
    ----------
    Luoma (2011), SIGN-GSAR-T; the sign of an observation is that of its distance from the median (Corrado and Zivney
    1992).
    """
    null = "as often above the median as below it"
    used = sample.there
    n = int(used.sum())
    if n < 2:
        return Inapplicable("sign_gsar", f"needs two events or more, has {n}", n, null)
    scar = sample.standardized[used]
    sd = float(scar.std(ddof=1))
    if flat(sd, float(np.abs(scar).max())):
        return Inapplicable("sign_gsar", "the standardized returns do not differ between events", n, null)
    signs, days = DaySums(), DaySums()
    for _, part in sample.blocks(used):
        mask = np.hstack([part.evidence.mask, np.ones((len(part), 1), dtype=bool)])
        values = np.hstack([part.estimation_sar, (part.standardized / sd)[:, None]])
        signs.add(np.where(mask, np.sign(values - _median(values, mask)[:, None]), 0.0))
        days.add(mask)
    count = days.sums
    kept = count > 0
    total = int(kept.sum())
    daily = signs.sums[kept] / count[kept]
    sd = float(np.sqrt((count[kept] / n * daily**2).mean()))
    if sd == 0:
        return Inapplicable("sign_gsar", "the mean signs do not vary", n, null)
    z = float(daily[-1]) / sd
    statistic = z * np.sqrt((total - 2) / (total - 1 - z**2))
    return t_result("sign_gsar", float(statistic), total - 2, alternative, n, null=null)


def _median(values: FloatArray, mask: BoolArray) -> FloatArray:
    return np.asarray(np.nanmedian(np.where(mask, values, np.nan), axis=1))
