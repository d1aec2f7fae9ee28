"""Documents with hostile text: the draft of a catalog that is made of one loads again."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import marketshock as ms
from marketshock.errors import MarketShockError

from . import Attack, Kind

SENTENCE = "Nvidia fell 17% on January 27, 2025"
PIECES = (
    *('"""', "'''", '\n[[event]]\nid = "x"\n', "\\u0000", "\\", "# ", '"', "'", "= 1\n", "[[claim]]", "{", "}"),
    *("\x07", "\x1b[31m", "\x7f", "\u202e", "\u2028", "\u0085", "\r", "\r\n", "\ufffe", "\ufeff", "\x00", "\u200b"),
    *("📉", "茅台", "e\u0301", "x" * 3000, "\t", "<b>", "&lt;", "$x$", "%s", "=1+1", " " * 200),
)
NAMES = ("a", 'b"""', "c\n[[event]]\nid='q'\n", "d'''", "e\\", "f\x07", "g #", "📉")


def _attack(name: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, catalog = Path(folder) / name, Path(folder) / "catalog.toml"
        path.write_bytes(text.encode())
        try:
            document = ms.read_document(path, published="2025-02-13")
        except MarketShockError:
            return  # refused by name
        catalog.write_text(document.draft(), "utf-8")
        drafted = ms.load_catalog(catalog)
        assert {"day-" + str(day)[:10] for day in document.days["first_date"]} >= {*drafted}, "an event out of the text"


def hostile_documents(rng: random.Random) -> Iterator[Attack]:
    """A sentence with a dated event, and hostile pieces in it and in the name of its file."""
    while True:
        cut = sorted(rng.sample(range(len(SENTENCE)), rng.choice((0, 0, 1, 2))))
        parts = [SENTENCE[a:b] for a, b in zip([0, *cut], [*cut, None], strict=True)]
        text = "".join(part + rng.choice(PIECES) for part in parts)
        text = rng.choice(PIECES) + text + ". " + rng.choice(PIECES) + SENTENCE
        name = rng.choice(NAMES) + rng.choice((".txt", ".html", ".md"))
        yield f"{name!r}: {text[:150]!r}", lambda name=name, text=text: _attack(name, text)


KINDS = (Kind("documents: hostile text and file names, drafted and loaded again", hostile_documents, 40, 3_000),)
