"""Write docs/claims_of_the_documents.md: every claim of the two documents with its verdict."""

from __future__ import annotations

from pathlib import Path

import marketshock as ms
from marketshock.report.claims import legend, markdown

HEAD = """# What the two documents state

Written by `python docs/scripts/claims.py` from the bundled figures; a test compares. [claims.md](claims.md) says how
verdicts are made, `marketshock claims --id A11` shows one of them with every convention tried.

"""


def page() -> str:
    claims = ms.verify_claims()
    meanings = "\n".join(f"- {line}" for line in legend(claims).replace("\n  ", " ").splitlines())
    return f"{HEAD}{meanings}\n\n{markdown(claims)}"


if __name__ == "__main__":
    (Path(__file__).parents[1] / "claims_of_the_documents.md").write_text(page(), encoding="utf-8")
