"""Notice against CRL: whoever says that a certificate is revoked, alone, is shown to both sides."""

from datetime import timedelta

import pytest

from portal.audit.models import Event
from tests.features.trust.revocations.conftest import LOOPBACK
from tests.makers import certificates as make
from tests.makers import notices, stores
from trust.notices.models import DenyEntry
from trust.revocations import gaps, services
from trust.revocations.models import RevocationGap, RevocationSource, SeenRevocation
from trust.stores.models import StoreVersion, TrustStore

HOUR = timedelta(hours=1)


@pytest.fixture
def alder(cast, server, tiers, now):
    """Alder, whose CAs Birch trusts, with its key verified so that its notices count."""
    stores.published(cast, *tiers.cas)
    return notices.make_signer(cast)


def watch(now):
    RevocationSource.objects.update(next_check_at=now)
    services.watch(now=now, guard=LOOPBACK)


def open_gaps() -> list[str]:
    return list(RevocationGap.objects.filter(closed_at=None).values_list("kind", flat=True))


def kinds() -> list[str]:
    found = Event.objects.filter(kind__startswith="revocation.").order_by("sequence")
    return list(found.values_list("kind", flat=True))


class TestARevocationWithoutANotice:
    def test_is_shown_to_both_sides_once(self, cast, alder, server, tiers, now):
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))

        watch(now)
        watch(now + HOUR)

        gap = RevocationGap.objects.get()
        assert (gap.kind, gap.certificate_id, gap.reason) == ("notice_missing", tiers.issuing.sha256, "cACompromise")
        assert gap.since == now - HOUR
        assert kinds() == ["revocation.seen", "revocation.notice_missing"]
        event = Event.objects.get(kind="revocation.notice_missing")
        assert (event.partnership_id, event.organization_id) == (cast.partnership.pk, cast.alder.organization.pk)

    def test_removes_nothing(self, alder, server, tiers, now):
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))

        watch(now)

        assert StoreVersion.objects.count() == 1

    def test_is_settled_by_the_notice(self, alder, server, tiers, now):
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))
        watch(now)

        alder.send(certificate_sha256=tiers.issuing.sha256)
        gaps.review(now=now + HOUR)

        gap = RevocationGap.objects.get()
        assert (gap.closed_at, gap.outcome) == (now + HOUR, "the notice has come")
        assert kinds()[-1] == "revocation.settled"

    def test_is_not_settled_by_a_rehearsal(self, alder, server, tiers, now):
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))
        watch(now)

        alder.send(certificate_sha256=tiers.issuing.sha256, rehearsal=True)
        gaps.review(now=now + HOUR)

        assert open_gaps() == ["notice_missing"]

    def test_is_none_when_the_notice_came_first(self, alder, server, tiers, now):
        alder.send(certificate_sha256=tiers.issuing.sha256)
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))

        watch(now)

        assert open_gaps() == []

    def test_that_is_taken_back_restores_nothing(self, alder, server, tiers, now):
        """certificateHold and removeFromCRL: what a CA takes back stays as people left it."""
        alder.send(certificate_sha256=tiers.issuing.sha256, effective_date=None, revocation_reason="cACompromise")
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))
        watch(now)
        before = list(TrustStore.objects.values_list("current_number", flat=True))
        denied = DenyEntry.objects.count()
        server.put("/policy.crl", make.crl(tiers.policy, number=2, this_update=now))

        watch(now + HOUR)

        assert SeenRevocation.objects.get().gone_at == now + HOUR
        assert list(TrustStore.objects.values_list("current_number", flat=True)) == before
        assert DenyEntry.objects.count() == denied
        assert "revocation.gone" in kinds()


class TestANoticeWithoutItsRevocation:
    @pytest.fixture
    def executed(self, alder, tiers, now):
        """A revocation of the issuing CA that took effect."""
        from trust.notices import life

        alder.send(certificate_sha256=tiers.issuing.sha256)
        life.sweep(now=now + 5 * HOUR)

    def test_is_shown_when_a_list_that_was_signed_later_lacks_it(self, executed, server, tiers, now):
        server.put(
            "/policy.crl", make.crl(tiers.policy, number=2, this_update=now + 6 * HOUR, next_update=now + 99 * HOUR)
        )

        watch(now + 7 * HOUR)

        assert open_gaps() == ["crl_missing"]
        event = Event.objects.get(kind="revocation.crl_missing")
        assert event.data["notice"].startswith("AL-")
        assert event.data["sha256"] == tiers.issuing.sha256

    def test_is_left_alone_while_the_list_is_from_before(self, executed, server, tiers, now):
        server.put("/policy.crl", make.crl(tiers.policy, next_update=now + 99 * HOUR))

        watch(now + 7 * HOUR)

        assert open_gaps() == []

    def test_is_shown_a_day_later_though_no_list_was_signed_since(self, executed, server, tiers, now):
        server.put("/policy.crl", make.crl(tiers.policy, next_update=now + 99 * HOUR))

        watch(now + 29 * HOUR)

        assert open_gaps() == ["crl_missing"]

    def test_is_settled_when_the_list_names_it(self, executed, server, tiers, now):
        server.put(
            "/policy.crl", make.crl(tiers.policy, number=2, this_update=now + 6 * HOUR, next_update=now + 99 * HOUR)
        )
        watch(now + 7 * HOUR)
        server.put(
            "/policy.crl",
            make.crl(
                tiers.policy,
                number=3,
                revoked=[tiers.issuing],
                this_update=now + 8 * HOUR,
                next_update=now + 99 * HOUR,
            ),
        )

        watch(now + 9 * HOUR)

        gap = RevocationGap.objects.get()
        assert gap.outcome == "the list names it now"

    def test_stays_open_when_the_list_ends_and_none_follows(self, executed, server, tiers, now):
        server.put(
            "/policy.crl", make.crl(tiers.policy, number=2, this_update=now + 6 * HOUR, next_update=now + 20 * HOUR)
        )
        watch(now + 7 * HOUR)

        watch(now + 30 * HOUR)

        assert open_gaps() == ["crl_missing"]

    def test_of_a_service_certificate_is_found_by_its_serial(self, alder, server, tiers, now):
        from trust.notices import life

        alder.send(
            kind="certificate_revocation",
            certificate_issuer_sha256=tiers.issuing.sha256,
            certificate_serial=f"{tiers.leaf.certificate.serial_number:x}",
            revocation_reason="keyCompromise",
        )
        life.sweep(now=now + 5 * HOUR)
        submitted = TrustStore.objects.get().versions.get().submission
        source = RevocationSource.objects.create(
            owner=alder.sender.organization,
            kind="crl",
            url=server.url("/issuing.crl"),
            created_at=now,
            next_check_at=now,
        )
        source.mentions.create(partnership=alder.cast.partnership, submission=submitted)
        late = {"number": 2, "this_update": now + 6 * HOUR, "next_update": now + 99 * HOUR}
        server.put("/issuing.crl", make.crl(tiers.issuing, **late))
        watch(now + 7 * HOUR)
        assert open_gaps() == ["crl_missing"]

        server.put("/issuing.crl", make.crl(tiers.issuing, **(late | {"number": 3}), revoked=[tiers.leaf]))
        watch(now + 8 * HOUR)

        assert open_gaps() == []


def test_reviewing_again_changes_nothing(alder, server, tiers, now):
    server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))
    watch(now)

    assert gaps.review(now=now) == 0
