"""What tells keys and submissions that a fingerprint moved on. Sent inside the transaction, so receivers commit with it.

Each comes with ``request`` (a VerificationRequest), ``actor`` and ``now``; those of a call also with ``verification``.
A rehearsal sends none of them.
"""

from django.dispatch import Signal

verification_recorded = Signal()  # the call matched; an officer must approve
verification_approved = Signal()  # with ``verification``: the call that was approved
verification_declined = Signal()  # the officer wants another call; waiting again
verification_quarantined = Signal()  # the fingerprints are different
verification_unlocked = Signal()  # an officer let a quarantined fingerprint be called again
