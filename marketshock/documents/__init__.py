"""Dates, figures and names read from news texts."""
