"""Named instants. Makers build keys and certificates around EVERYTHING_VALID unless told otherwise."""

import os
from datetime import UTC, datetime, timedelta

# gpg reads the real clock, so what tests sign is valid around today: to the second, fixed for the run.
# TESTS_BEGAN_AGO=60 runs a test as if it were the last one of an hour's run.
_AGO = timedelta(minutes=int(os.environ.get("TESTS_BEGAN_AGO", "0")))
EVERYTHING_VALID = datetime.now(UTC).replace(microsecond=0) - _AGO
