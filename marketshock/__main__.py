"""``python -m marketshock``."""

from .command.main import main

raise SystemExit(main())
