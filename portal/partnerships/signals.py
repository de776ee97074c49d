"""What tells higher features that partnerships or the directory changed. Sent inside the transaction, so receivers can refuse."""

from django.dispatch import Signal

# With ``contact``, ``actor`` and ``now``: the number was changed, reported as wrong or retired; calls to it must end.
contact_unusable = Signal()

# With ``partnership``, ``actor`` and ``now``: two organizations have just become partners.
partnership_formed = Signal()
