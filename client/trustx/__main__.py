"""``python -m trustx``."""

import sys

from trustx.cli import main

sys.exit(main())
