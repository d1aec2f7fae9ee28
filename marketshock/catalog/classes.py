"""Tickers that are classes of one firm."""

#: Tickers of one firm, by the ticker that stands for it: the double listings of the S&P 500 in January 2025.
SHARE_CLASSES = {"GOOG": "GOOGL", "FOX": "FOXA", "NWS": "NWSA", "BRK-A": "BRK-B", "BRK.A": "BRK-B", "BRK.B": "BRK-B"}
