"""What tells higher features that a key moved on. Sent inside the transaction, so receivers commit with it.

Each comes with ``key`` (an OpenPgpKey), ``actor`` and ``now``.
"""

from django.dispatch import Signal

key_proven = Signal()
key_revoked = Signal()  # every signature of the key stops counting, whatever its date
key_replaced = Signal()  # with ``successor``
