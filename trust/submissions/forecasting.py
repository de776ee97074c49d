"""The part of the forecast that takes seconds: Java is asked in the background, after the answer to the upload."""

import dataclasses
from datetime import datetime, timedelta

from django.db import transaction

from trust.pki import keytool
from trust.pki.certificates import read_certificate
from trust.pki.forecast import KEYTOOL, by_keytool
from trust.submissions import rules
from trust.submissions.deciding import hold
from trust.submissions.models import Submission
from trust.submissions.standing import anchors

AT_ONCE = 5
_NOT_OLDER = timedelta(days=1)


def ask_java(*, now: datetime) -> int:
    """Add to the forecasts of new submissions what keytool says of their anchors; return how many. Does nothing without Java.

    Each submission is claimed first, so that two workers never ask twice. One that a worker died over keeps the documented rule.
    """
    if keytool.version() is None:
        return 0
    fresh = Submission.objects.filter(
        java_tried_at=None, received_at__gt=now - _NOT_OLDER, state__in=[*rules.WAITING, rules.State.ACCEPTED]
    )
    done = 0
    for submission in fresh.order_by("received_at").defer("content", "signature")[:AT_ONCE]:
        if Submission.objects.filter(pk=submission.pk, java_tried_at=None).update(java_tried_at=now):
            done += _ask(submission)
    return done


def _ask(submission: Submission) -> bool:
    said = by_keytool([read_certificate(bytes(place.certificate.der)) for place in anchors(submission)])
    if said is None:
        return False
    with transaction.atomic():
        held = hold(submission)
        kept = [each for each in held.forecast if not each["validator"].startswith(KEYTOOL)]
        held.forecast = [*kept, dataclasses.asdict(said)]
        held.save(update_fields=["forecast"])
    return True
