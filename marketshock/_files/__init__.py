"""Files read once and within a bound (`reading.py`), and written whole or not at all (`writing.py`)."""

from .reading import parsed_json, read_bytes, read_toml
from .writing import digests, output_file, replacing, together, whole

__all__ = ["digests", "output_file", "parsed_json", "read_bytes", "read_toml", "replacing", "together", "whole"]
