"""``python -m portal.server``."""

from portal.server.running import main

main()
