"""Moving one thing on without letting its failure hold up the others, of which one may be a revocation."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import DatabaseError
from django.db.models import Model

logger = logging.getLogger(__name__)
Row = TypeVar("Row", bound=Model)


def alone(act: Callable[[Row, datetime], bool], row: Row, now: datetime) -> bool:
    """Do something to one row and return what came of it; false, with a line in the log, when it goes wrong by a mistake of ours.

    Raises DatabaseError: then the others would fail too, and the next run tries all of them again.
    """
    try:
        return act(row, now)
    except DatabaseError:
        raise
    except Exception:
        logger.exception("%s (%s %s) could not be moved on", row, type(row).__name__, row.pk)
        return False
