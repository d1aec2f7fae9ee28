"""Derivations: numbered steps with their formulas and the numbers put in, as text, Markdown, LaTeX and HTML."""
