"""Two acts that follow each other's rows and both write the log, at the same moment: neither waits for the other for ever.

On PostgreSQL a wrong order of locks ends in "deadlock detected" for one of the two. To make them meet, the first act waits, once
it holds the log, for the second to hold its first row; where the order is right the second cannot, and the wait ends by itself.
"""

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from portal import errors
from portal.audit import services as audit
from portal.audit.models import ChainHead, Event
from tests.makers import calls, certificates
from tests.makers import stores as rows
from tests.makers import submissions as make
from trust.keys import ending
from trust.keys.models import OpenPgpKey
from trust.stores import services
from trust.stores.models import StoreVersion, TrustStore
from trust.submissions import services as submissions
from trust.verifications import services as verifications
from trust.verifications.models import Verification

REASON = "The root was verified by phone today."
PATIENCE = 0.7  # seconds that the first act waits for the second


@pytest.fixture
def meet(monkeypatch):
    """Return what runs two acts so that the first writes its first line of the log before the second begins to wait for it."""
    first_has_the_log, second_is_about_to_write = threading.Event(), threading.Event()
    record = audit.record
    outcomes: dict[str, str] = {}

    def recording(*args, **kwargs):
        second = threading.current_thread().name == "second"
        if second:
            second_is_about_to_write.set()
        event = record(*args, **kwargs)
        if not second and not first_has_the_log.is_set():
            first_has_the_log.set()
            second_is_about_to_write.wait(PATIENCE)
        return event

    def run(name: str, act: Callable[[], object]) -> None:
        try:
            if name == "second":
                first_has_the_log.wait(30)
            act()
            outcomes[name] = "done"
        except errors.Refusal as refusal:
            outcomes[name] = refusal.code
        except Exception as error:
            outcomes[name] = str(error)
        finally:
            first_has_the_log.set()
            connections.close_all()

    def meet(first: Callable[[], object], second: Callable[[], object]) -> dict[str, str]:
        for module in _modules_that_record():
            monkeypatch.setattr(module, "record", recording)
        threads = [
            threading.Thread(target=run, args=(name, act), name=name)
            for name, act in (("first", first), ("second", second))
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return outcomes

    return meet


def _modules_that_record() -> list:
    """Return the modules by which these acts write the log."""
    from trust.submissions import deciding, following, receiving
    from trust.verifications import locks

    return [audit, deciding, following, receiving, locks]


def log_is_whole() -> bool:
    return ChainHead.objects.get().sequence == Event.objects.count()


@pytest.mark.django_db(transaction=True)
class TestTwoActsThatMeet:
    def test_a_call_that_is_recorded_and_a_decline_of_what_it_is_about(self, cast, now, meet):
        sent = make.submit(cast)
        call = calls.typing(cast, make.request_about(cast, make.hierarchy().root.sha256))
        calls.type_groups(cast, call)
        verifications.read_back_done(verification=call, actor=cast.birch.verifier.actor, now=now)

        outcomes = meet(
            lambda: verifications.read_back_done(verification=call, actor=cast.alder.verifier.actor, now=now),
            lambda: submissions.decline(submission=sent, actor=cast.birch.officer.actor, now=now, reason="Not agreed."),
        )

        sent.refresh_from_db()
        assert outcomes == {"first": "done", "second": "done"}
        assert sent.state == "refused"
        assert Verification.objects.get().state == "recorded"
        assert log_is_whole()

    def test_an_approval_and_a_removal_from_the_same_store(self, cast, now, meet):
        rows.published(cast)
        added = certificates.root("Another Root")
        waiting = rows.submission(cast, *rows.whole(), added, state="waiting_for_approval")
        store, removed = TrustStore.objects.get(), rows.hierarchy().issuing.sha256

        outcomes = meet(
            lambda: services.approve_and_publish(
                submission=waiting, actor=cast.birch.officer.actor, now=now, reason=REASON
            ),
            lambda: services.withdraw_certificates(
                store=store, certificates=[removed], actor=cast.birch.second_officer.actor, now=now, reason="Stolen."
            ),
        )

        assert "deadlock" not in str(outcomes)
        assert outcomes["second"] == "done"
        latest = StoreVersion.objects.latest("number")
        assert removed not in set(latest.entries.values_list("certificate_id", flat=True))
        assert log_is_whole()

    def test_a_key_that_is_revoked_and_a_decline_of_what_it_signed(self, cast, now, meet):
        sent = make.submit(cast)
        key = OpenPgpKey.objects.get()

        outcomes = meet(
            lambda: ending.revoke_key(key=key, reason="Stolen laptop.", actor=cast.alder.officer.actor, now=now),
            lambda: submissions.decline(submission=sent, actor=cast.birch.officer.actor, now=now, reason="Not agreed."),
        )

        sent.refresh_from_db()
        assert outcomes["first"] == "done"
        assert "deadlock" not in str(outcomes)
        assert sent.state == "refused"
        assert log_is_whole()
