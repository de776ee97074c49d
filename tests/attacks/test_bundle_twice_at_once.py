"""Attack or accident: the same bundle arrives several times at the same moment."""

import threading

import pytest
from django.db import connection

from portal import errors
from portal.audit.models import Event
from tests.makers.submissions import hierarchy, signer, submit
from trust.submissions.models import Submission
from trust.verifications.models import VerificationRequest


@pytest.mark.django_db(transaction=True)
def test_becomes_one_submission_and_honest_refusals(cast):
    holder = signer(cast)
    signature = holder.sign_detached(hierarchy().bundle)
    outcomes: list[str] = []

    def send() -> None:
        try:
            outcomes.append(str(submit(cast, signature=signature).number))
        except errors.Conflict as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["1", "already_submitted", "already_submitted"]
    assert Submission.objects.count() == 1
    assert VerificationRequest.objects.filter(item_kind="certificate").count() == 1
    assert Event.objects.filter(kind="submission.received").count() == 1
