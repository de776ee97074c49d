"""What tells higher features that the directory changed. Sent inside the transaction, so receivers can refuse."""

from django.dispatch import Signal

# With ``contact``, ``actor`` and ``now``: the number was changed, reported as wrong or retired; calls to it must end.
contact_unusable = Signal()
