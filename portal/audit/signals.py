"""What tells the rest of the program that a fact was recorded."""

from django.dispatch import Signal

# Sent after commit with ``sequence``. A hint only: whoever listens must also sweep, since a crash loses the hint.
event_recorded = Signal()
