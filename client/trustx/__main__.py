"""``python -m trustx``."""

from trustx.cli import main

raise SystemExit(main())
