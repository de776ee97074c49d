"""Signing again what would run out."""

import logging

from celery import shared_task
from django.utils import timezone

from trust.stores.tuf import queries, services

logger = logging.getLogger(__name__)


@shared_task(name="trust.stores.sign_again")
def sign_again() -> int:
    """Sign again what is due of every store's repository, each in a transaction of its own; return how many were."""
    signed = 0
    for repository_id in queries.due(timezone.now()):
        try:
            signed += services.refresh(repository_id=repository_id, now=timezone.now())
        except Exception:  # one store that cannot be signed must not let the others run out
            logger.exception("The metadata of repository %s was not signed again", repository_id)
    return signed
