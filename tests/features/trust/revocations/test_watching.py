"""Watching CRLs, over real sockets: what is believed, what is not, and how often anything is written."""

from datetime import timedelta

import pytest
from cryptography import x509
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.audit.models import Event
from portal.outbound.guard import Guard
from tests.features.trust.revocations.conftest import LOOPBACK
from tests.makers import agreements, packages, revocations, stores, submissions
from tests.makers import certificates as make
from trust.revocations import rules, services, sources, watching
from trust.revocations.models import Crl, RevocationSource, SeenRevocation
from trust.revocations.rules import SourceKind, Standing
from trust.stores.models import StoreVersion

HOUR = timedelta(hours=1)


@pytest.fixture
def watched(cast, tiers, now):
    """Alder's accepted CAs, which name two CRLs."""
    stores.submission(cast, *tiers.cas)
    sources.read_new(now=now)
    return cast


def poll(now):
    """Ask whatever is due by now, and what would only be due later too."""
    RevocationSource.objects.update(next_check_at=now)
    return watching.poll(now=now, guard=LOOPBACK)


def source(path="/root.crl") -> RevocationSource:
    return RevocationSource.objects.get(url__endswith=path)


def kinds() -> list[str]:
    """What was recorded for the owner; each change of an address is recorded for its partners too."""
    found = Event.objects.filter(kind__startswith="revocation.").exclude(kind="revocation.changed_for_partner")
    return list(found.values_list("kind", flat=True).order_by("sequence"))


class TestReadingAddresses:
    def test_takes_the_distribution_points_of_accepted_certificates(self, watched, tiers):
        found = {each.url.rsplit("/", 1)[1]: each.issuer_id for each in RevocationSource.objects.all()}

        assert found == {"root.crl": tiers.root.sha256, "policy.crl": tiers.policy.sha256}

    def test_reads_a_submission_once(self, watched, now):
        assert sources.read_new(now=now) == set()

    def test_leaves_what_was_not_accepted_alone(self, cast, tiers, now):
        stores.submission(cast, *tiers.cas, state="waiting_for_call")

        assert sources.read_new(now=now) == set()

    def test_leaves_ldap_alone(self, cast, now):
        root = make.root()
        policy = make.policy_ca(root, extensions=(revocations.crl_at("ldap:///CN=Root?certificateRevocationList"),))
        stores.submission(cast, root, policy)

        sources.read_new(now=now)

        assert not RevocationSource.objects.exists()

    def test_asks_no_more_when_the_partnership_has_ended(self, watched, now):
        type(watched.partnership).objects.update(state="ended")

        assert poll(now) == 0

    def test_takes_what_the_endpoints_json_of_a_signed_package_names(self, cast, now):
        """The only place that says where the CRL of an issuing CA is: whoever names it, its leaves, nobody submits."""
        document = b'{"issuing-ca": {"ocsp": "http://ocsp.alder.example/i", "crl": "http://pki.alder.example/issuing"}}'
        members = packages.guide_members() | {"ocsp/endpoints.json": document}
        submitted = submissions.submit(cast, packages.zipped(members), file_name="trust-package.zip")
        assert submitted.state == "waiting_for_call", list(submitted.findings.values_list("code", flat=True))
        type(submitted).objects.update(state="accepted")

        sources.read_new(now=now)

        found = set(RevocationSource.objects.values_list("kind", "url", "issuer"))
        assert found == {
            ("ocsp", "http://ocsp.alder.example/i", None),
            ("crl", "http://pki.alder.example/issuing", None),
        }


class TestAFreshCrl:
    def test_is_believed_and_kept(self, watched, tiers, now):
        poll(now)

        found = source()
        assert found.state == Standing.FRESH
        assert found.crl.issuer_id == tiers.root.sha256
        assert found.crl.number == "1"
        assert found.answered_at == now
        assert now + rules.SOONEST * 0.8 < found.next_check_at <= now + rules.LATEST * 1.2

    def test_is_no_news_the_first_time(self, watched, now):
        poll(now)

        assert kinds() == []

    def test_may_be_pem(self, watched, server, tiers, now):
        server.put("/root.crl", make.pem("X509 CRL", make.crl(tiers.root)))

        poll(now)

        assert source().state == Standing.FRESH

    def test_is_asked_for_again_with_its_etag_and_taken_as_unchanged(self, watched, server, tiers, now):
        server.put("/root.crl", make.crl(tiers.root), etag='"seven"', last_modified="Sun, 29 Nov 2026 00:00:00 GMT")
        poll(now)

        poll(now + HOUR)

        assert server.count("/root.crl", 304) == 1
        assert source().state == Standing.FRESH
        assert source().checked_at == now + HOUR

    def test_that_did_not_change_writes_one_row_and_nothing_else(self, watched, server, tiers, now):
        server.put("/root.crl", make.crl(tiers.root), etag='"seven"')
        poll(now)
        RevocationSource.objects.exclude(url__endswith="/root.crl").update(next_check_at=now + 99 * HOUR)
        RevocationSource.objects.filter(url__endswith="/root.crl").update(next_check_at=now)

        with CaptureQueriesContext(
            connection,
        ) as told:
            watching.poll(now=now + HOUR, guard=LOOPBACK)

        writes = [each["sql"] for each in told if each["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
        assert {each.split('"')[1] for each in writes} == {"trust_revocation_source"}
        assert len(writes) == 2  # the claim and the result, both of the one row
        assert Crl.objects.count() == 2

    def test_goes_stale_by_itself_when_nothing_newer_comes(self, watched, server, tiers, now):
        server.put("/root.crl", make.crl(tiers.root), etag='"seven"')
        poll(now)

        poll(now + 25 * HOUR)

        assert source().state == Standing.STALE
        assert source().state_since == now + 25 * HOUR
        assert "no newer one is served" in source().sentence
        assert "revocation.stale" in kinds()

    def test_is_stale_when_it_is_older_than_agreed(self, watched, server, tiers, now):
        agreements.in_force(watched)
        old = make.crl(tiers.root, this_update=now - timedelta(days=300), next_update=now + timedelta(days=30))
        server.put("/root.crl", old)

        poll(now)

        assert source().state == Standing.STALE
        assert "agreed" in source().sentence

    def test_replaces_the_one_before(self, watched, server, tiers, now):
        poll(now)
        server.put("/root.crl", make.crl(tiers.root, number=2, this_update=now))

        poll(now + HOUR)

        assert source().crl.number == "2"
        assert Crl.objects.filter(issuer=tiers.root.sha256).count() == 1


class TestACrlThatIsNotBelieved:
    @pytest.mark.parametrize(
        ("spoiled", "standing", "says"),
        [
            (lambda t: b"<html>busy</html>", Standing.UNUSABLE, "cannot be read as a CRL"),
            (lambda t: make.crl(t.policy), Standing.WRONG_SIGNER, "not of"),
            (lambda t: make.crl(t.root, signing_key=t.policy.key), Standing.WRONG_SIGNER, "not signed by the key"),
            (lambda t: make.crl(t.root, extensions=[(x509.DeltaCRLIndicator(1), True)]), Standing.UNUSABLE, "delta"),
            (
                lambda t: make.crl(t.root, this_update=t.root.certificate.not_valid_before_utc + timedelta(days=2)),
                Standing.UNUSABLE,
                "ahead of our clock",
            ),
            (lambda t: make.crl(t.root) + b"more", Standing.UNUSABLE, "cannot be read"),
            (
                lambda t: make.pem("X509 CRL", make.crl(t.root)) + make.pem("X509 CRL", make.crl(t.policy)),
                Standing.UNUSABLE,
                "not one CRL",
            ),
        ],
        ids=["web page", "another CA", "wrong key", "delta", "ahead", "trailing bytes", "two lists"],
    )
    def test_leaves_the_last_one_in_place(self, watched, server, tiers, now, spoiled, standing, says):
        poll(now)
        server.put("/root.crl", spoiled(tiers))

        poll(now + HOUR)

        found = source()
        assert (found.state, found.state_since) == (standing, now + HOUR)
        assert says in found.sentence
        assert found.crl.number == "1"
        assert kinds() == [f"revocation.{standing.value}"]

    def test_a_part_is_not_taken_for_the_whole(self, watched, server, tiers, now):
        point = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
        server.put("/root.crl", make.crl(tiers.root, extensions=[(point, True)]))

        poll(now)

        assert source().state == Standing.UNUSABLE
        assert "only a part" in source().sentence
        assert source().crl is None

    def test_a_number_never_goes_back(self, watched, server, tiers, now):
        server.put("/root.crl", make.crl(tiers.root, number=7))
        poll(now)
        server.put("/root.crl", make.crl(tiers.root, number=6))

        poll(now + HOUR)

        assert source().state == Standing.UNUSABLE
        assert "went back: it has number 6, after 7" in source().sentence
        assert source().crl.number == "7"

    def test_a_ca_that_may_not_sign_lists_is_a_wrong_signer(self, cast, server, now):
        root = make.root(key_usage=("key_cert_sign",))
        policy = make.policy_ca(root, extensions=(revocations.crl_at(server.url("/root.crl")),))
        server.put("/root.crl", make.crl(root))
        stores.submission(cast, root, policy)
        sources.read_new(now=now)

        poll(now)

        assert source().state == Standing.WRONG_SIGNER

    def test_what_is_too_large_is_cut_off(self, watched, server, now, monkeypatch):
        monkeypatch.setitem(rules.MOST_BYTES, "crl", 200_000)
        server.put("/root.crl", b"", manner="endless")

        poll(now)

        assert source().state == Standing.UNUSABLE
        assert "larger than 0.2 MB" in source().sentence

    def test_compressed_content_is_not_inflated(self, watched, server, now):
        server.put("/root.crl", b"\x1f\x8b", manner="gzip")

        poll(now)

        assert source().failures == 1

    def test_a_redirect_is_not_followed(self, watched, server, now):
        server.put("/root.crl", b"", manner="redirect")

        poll(now)

        assert source().failures == 1
        assert all(path in ("/root.crl", "/policy.crl") for _, path, _ in server.asked)


class TestAnAddressThatDoesNotAnswer:
    def test_is_told_after_the_third_try_and_since_the_first(self, watched, server, now):
        server.put("/root.crl", b"", manner="503")

        for tries in range(4):
            poll(now + tries * HOUR)

        found = source()
        assert (found.state, found.state_since, found.failures) == (Standing.UNREACHABLE, now, 4)
        assert found.sentence == "It answered 503."
        assert kinds() == ["revocation.unreachable"]
        own = Event.objects.get(kind="revocation.unreachable")
        assert (own.organization_id, own.partnership_id) == (watched.alder.organization.pk, None)
        partners = Event.objects.get(kind="revocation.changed_for_partner")
        assert partners.partnership_id == watched.partnership.pk
        assert partners.data["words"] == "unreachable"

    def test_is_asked_less_and_less_often(self, watched, server, now):
        server.put("/root.crl", b"", manner="503")
        waits = []
        for tries in range(5):
            at = now + tries * 10 * HOUR
            poll(at)
            waits.append(source().next_check_at - at)

        assert waits == sorted(waits)
        assert waits[0] < timedelta(minutes=2)
        assert timedelta(hours=3) < waits[-1] < timedelta(hours=5)

    def test_tells_when_it_answers_again(self, watched, server, tiers, now):
        server.put("/root.crl", b"", manner="503")
        for tries in range(3):
            poll(now + tries * HOUR)
        server.put("/root.crl", make.crl(tiers.root))

        poll(now + 3 * HOUR)

        assert kinds() == ["revocation.unreachable", "revocation.answers"]
        assert source().failures == 0

    def test_one_lost_packet_is_no_news(self, watched, server, tiers, now):
        poll(now)
        server.put("/root.crl", b"", manner="503")
        poll(now + HOUR)
        server.put("/root.crl", make.crl(tiers.root))
        poll(now + 2 * HOUR)

        assert kinds() == []

    def test_does_not_keep_others_waiting_for_ever(self, watched, server, now, monkeypatch):
        monkeypatch.setattr(
            watching.fetching.fetch_all,
            "__kwdefaults__",
            watching.fetching.fetch_all.__kwdefaults__ | {"total_seconds": 0.3},
        )
        server.put("/root.crl", b"", manner="hang")

        poll(now)

        assert source().failures == 1
        assert source("/policy.crl").state == Standing.FRESH


class TestTwoWorkers:
    def test_ask_each_source_once(self, watched, server, now):
        first = watching._claim(now, 10)
        second = watching._claim(now, 10)

        assert len(first) == 2
        assert second == []

    def test_what_a_killed_worker_claimed_is_asked_again(self, watched, now):
        watching._claim(now, 10)

        assert len(watching._claim(now + rules.LEASE, 10)) == 2


class TestARevocationOnTheList:
    def test_of_a_certificate_that_we_know_is_written_down_once(self, watched, server, tiers, now):
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))

        poll(now)
        poll(now + HOUR)

        seen = SeenRevocation.objects.get()
        assert (seen.certificate_id, seen.reason) == (tiers.issuing.sha256, "cACompromise")
        assert kinds() == ["revocation.seen"]

    def test_removes_and_restores_nothing(self, watched, server, tiers, now):
        stores.published(watched, *tiers.cas)
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))
        poll(now)
        server.put("/policy.crl", make.crl(tiers.policy, number=2, this_update=now))
        poll(now + HOUR)

        assert StoreVersion.objects.count() == 1
        assert SeenRevocation.objects.get().gone_at == now + HOUR
        assert kinds() == ["revocation.seen", "revocation.gone"]

    def test_of_another_ca_with_the_same_name_and_serial_says_nothing(self, watched, server, tiers, now):
        """Serial numbers mean something only with the key that signed the certificate."""
        twin = make.policy_ca(make.root(), key=make.ec_key("twin"))
        lookalike = make.issuing_ca(twin, serial=tiers.issuing.certificate.serial_number)
        stores.submission(watched, make.root(), twin)
        server.put("/policy.crl", make.crl(twin, revoked=[lookalike]))

        poll(now)

        assert not SeenRevocation.objects.exists()

    def test_is_seen_of_a_certificate_that_comes_in_later(self, watched, server, tiers, now):
        late = make.issuing_ca(tiers.policy, common_name="Alder Issuing CA B")
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[late]))
        poll(now)
        assert not SeenRevocation.objects.exists()
        stores.submission(watched, tiers.root, tiers.policy, late)

        services.watch(now=now, guard=LOOPBACK)

        assert SeenRevocation.objects.get().certificate_id == late.sha256


def test_the_guard_as_shipped_calls_no_inside_address(watched, server, now):
    RevocationSource.objects.update(next_check_at=now)

    watching.poll(now=now, guard=Guard(ports=frozenset({80, 443, server.port}), plain=True))

    assert server.asked == []
    assert source().state == Standing.UNUSABLE
    assert "does not call this address" in source().sentence
    assert SourceKind(source().kind) is SourceKind.CRL
