"""Derivations: numbered steps with formulas and numbers, as text, Markdown, LaTeX and HTML."""
