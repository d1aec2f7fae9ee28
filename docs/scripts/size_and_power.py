"""Write docs/size_and_power.csv and docs/size_and_power.md: size and power of every test, by simulation.

Run as ``python docs/scripts/size_and_power.py [SAMPLES]`` (10,000 by default: some ten minutes on two cores). The
seed is fixed; the same command writes the same files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from marketshock.inference.registry import TESTS
from marketshock.simulate import Design, bmp_size, rejection_rates

OUT = Path(__file__).parents[1]
SEED = 20250127
SHOCKS = (0.0, 0.005, 0.01, 0.02)
DESIGNS = {
    "50 normal": Design(),
    "7 normal": Design(n_firms=7),
    "7, r .3": Design(n_firms=7, correlation=0.3),
    "50, r .02": Design(correlation=0.02),
    "50, r .1": Design(correlation=0.1),
    "50 t(4)": Design(tails="t4", dates="scattered"),
    "50, 10 % missing": Design(missing=0.1),
    "50, variance x2": Design(event_variance=2.0, dates="scattered"),
    "50, 5 days": Design(window=5),
}
TEXT = Path(__file__).with_name("size_and_power_text.md")


def percent_table(rates: pd.DataFrame) -> str:
    """Return rates as a Markdown table in percent."""
    head = "| test | " + " | ".join(map(str, rates.columns)) + " |"
    rule = "|---|" + "---:|" * rates.shape[1]
    rows = [
        f"| `{name}` | " + " | ".join("-" if np.isnan(v) else f"{100 * v:.1f}" for v in row) + " |"
        for name, row in zip(rates.index, rates.to_numpy(), strict=True)
    ]
    return "\n".join([head, rule, *rows])


def render(table: pd.DataFrame) -> None:
    """Write the page from the rates."""
    order = [name for name, test in TESTS.items() if test.scope == "sample" and test.default]
    size = table["rate"].xs(0.0, level="shock").unstack("design")[list(DESIGNS)].reindex(order)
    power = table["rate"].xs("50 normal", level="design").unstack("shock").reindex(order)
    power.columns = [f"{100 * shock:g} %" for shock in power.columns]
    samples = int(table["n_samples"].max())
    text = TEXT.read_text("utf-8").format(
        samples=samples,
        seed=SEED,
        error=100 * np.sqrt(0.05 * 0.95 / samples),
        size=percent_table(size),
        power=percent_table(power),
        bmp02=100 * size.loc["bmp", "50, r .02"],
        theory02=100 * bmp_size(50, 0.02),
        bmp1=100 * size.loc["bmp", "50, r .1"],
        theory1=100 * bmp_size(50, 0.1),
    )
    (OUT / "size_and_power.md").write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Simulate and write both files; with --render only the page, from the numbers there are."""
    if "--render" in sys.argv:
        render(pd.read_csv(OUT / "size_and_power.csv", index_col=["test", "shock", "design"]))
        return
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    parts = []
    for number, (label, design) in enumerate(DESIGNS.items()):
        rates = rejection_rates(
            design,
            shocks=SHOCKS if number == 0 else (0.0,),
            n_samples=samples,
            seed=SEED,
            workers=2,
            progress=lambda it, n, label=label: tqdm(it, total=n, desc=label, mininterval=5),
        )
        parts.append(rates.table.assign(design=label).set_index("design", append=True))
    table = pd.concat(parts)
    table.to_csv(OUT / "size_and_power.csv", float_format="%.6f", lineterminator="\n")
    render(table)
    print(f"{OUT / 'size_and_power.csv'}: {len(table)} rates")


if __name__ == "__main__":
    main()
