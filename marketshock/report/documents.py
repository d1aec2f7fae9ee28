"""A document that was read, as text and as a record."""

from __future__ import annotations

from typing import Any

from ..documents.document import Document
from .reproduce import records


def document_text(document: Document) -> str:
    """Return what is printed: the dates with their reasons, the figures, the names."""
    parts = [repr(document)]
    parts += [repr(frame) for frame in (document.figures, document.instruments) if not frame.empty]
    return "\n\n".join(parts)


def document_record(document: Document) -> dict[str, Any]:
    """Return a document as a JSON-ready record, its draft catalog included."""
    return {
        "document": document.name,
        "published": None if document.published is None else str(document.published),
        "published_from": document.published_from,
        "paragraphs": len(document.paragraphs),
        "mentions": records(document.mentions),
        "figures": records(document.figures),
        "instruments": records(document.instruments),
        "draft": document.draft(),
    }
