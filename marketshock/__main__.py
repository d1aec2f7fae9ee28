"""``python -m marketshock``."""

from .cli import main

raise SystemExit(main())
