"""Texts read: files to paragraphs, paragraphs to dates, figures and names, each with its place."""
