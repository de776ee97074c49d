"""What tells higher features that a submission moved on. Sent inside the transaction, so receivers commit with it.

Each comes with ``submission`` (as it is now), ``actor`` and ``now``. The sender holds the partnership.
"""

from django.dispatch import Signal

# Declined, withdrawn, quarantined, or refused because its key is lost: nothing is published of it.
submission_over = Signal()
