"""Named instants. Makers build keys and certificates around EVERYTHING_VALID unless told otherwise."""

from datetime import UTC, datetime

# gpg reads the real clock, so what tests sign is valid around today: to the second, fixed for the run.
EVERYTHING_VALID = datetime.now(UTC).replace(microsecond=0)
