"""What tells higher features that a key moved on. Sent inside the transaction, so receivers commit with it.

Each comes with ``key`` (an OpenPgpKey), ``actor`` and ``now``.
"""

from django.dispatch import Signal

key_proven = Signal()
# With ``key`` alone, before anything is written: receivers lock what they will change. Whoever decides about a submission holds
# it before the log, so whoever writes to the log first and then wants the submission would wait for them, and they for us.
key_ending = Signal()
key_revoked = Signal()  # every signature of the key stops counting, whatever its date
key_replaced = Signal()  # with ``successor``
