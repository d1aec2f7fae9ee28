"""Dated events with sources, claims of documents, and the event table that is aligned with prices."""
