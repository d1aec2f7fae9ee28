"""Share classes of one firm."""

#: Main ticker of the firm by ticker of another share class: the double listings of the S&P 500 in January 2025.
SHARE_CLASSES = {"GOOG": "GOOGL", "FOX": "FOXA", "NWS": "NWSA", "BRK-A": "BRK-B", "BRK.A": "BRK-B", "BRK.B": "BRK-B"}
