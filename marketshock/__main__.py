"""``python -m marketshock``."""

from .command.entry import run

run()
