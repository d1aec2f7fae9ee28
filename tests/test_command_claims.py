"""Numbers of the claims table beside their text."""

from __future__ import annotations

import numpy as np
import pytest

import marketshock as ms


@pytest.fixture(scope="module")
def claims() -> ms.types.Claims:
    return ms.verify_claims()


def test_the_numbers_are_those_of_the_verdicts(claims):
    table = claims.table
    assert all(table[name].dtype.kind == "f" for name in ("stated_value", "computed_value", "low", "high"))
    for name, verdict in claims.items():
        part = next(f for f in verdict.findings if f.status == verdict.status)
        row = table.loc[name]
        if part.part.stated is None:
            assert np.isnan(row["stated_value"])
            assert row["unit"] == ""
            continue
        assert row["unit"] == part.part.stated.unit
        if part.measure is not None and not part.answer.missing:
            inside = row["low"] <= row["computed_value"] <= row["high"]
            expected = {"reproduced": True, "reproduced_by_convention": True, "contradicted": False}
            assert inside == expected.get(row["status"], inside), name


def test_one_claim_by_hand(claims):
    row = claims.table.loc["A11"]  # "NVIDIA lost 589 billion": preliminary close x cover count
    assert row["unit"] == "usd"
    assert abs(row["stated_value"]) == pytest.approx(589e9)
    assert row["high"] - row["low"] == pytest.approx(1e9)
    assert abs(row["computed_value"]) == pytest.approx(589e9, abs=0.5e9)


def test_the_table_survives_a_csv_with_its_numbers(claims, tmp_path):
    import pandas as pd

    claims.table.to_csv(tmp_path / "claims.csv")
    back = pd.read_csv(tmp_path / "claims.csv", index_col="id")
    np.testing.assert_allclose(back["computed_value"], claims.table["computed_value"])
