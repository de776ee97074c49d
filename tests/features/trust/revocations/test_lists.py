"""The CRL set and the deny list of a store, read back by openssl."""

import json
import re
import subprocess
from datetime import timedelta

import pytest

from tests.features.trust.revocations.conftest import LOOPBACK
from tests.makers import certificates as make
from tests.makers import notices, stores
from trust.notices import life
from trust.revocations import lists, services
from trust.revocations.models import RevocationSource, StoreList
from trust.revocations.rules import ListKind
from trust.stores.models import TrustStore

HOUR = timedelta(hours=1)


@pytest.fixture
def store(cast, tiers, now) -> TrustStore:
    return stores.published(cast, *tiers.cas).store


@pytest.fixture
def with_issuing(cast, server, store, now):
    """The issuing CA's list has an address too, as from the package's endpoints.json: nothing below it was submitted."""
    source = RevocationSource.objects.create(
        owner=cast.alder.organization, kind="crl", url=server.url("/issuing.crl"), created_at=now, next_check_at=now
    )
    source.mentions.create(partnership=cast.partnership, submission=store.versions.get().submission)


def watch(now):
    RevocationSource.objects.update(next_check_at=now)
    services.watch(now=now, guard=LOOPBACK)


def statement(store, now) -> dict:
    return json.loads(lists.of(store, ListKind.CRL_STATEMENT, now).content)


def verify(tmp_path, store, leaf: make.Made, now) -> subprocess.CompletedProcess:
    """Let openssl verify a service certificate against what the store serves, with the CRL of every CA in the chain."""
    version = store.versions.get(number=store.current_number)
    (tmp_path / "cas.pem").write_bytes(bytes(version.artifacts.get(format="pem").content))
    (tmp_path / "crls.pem").write_bytes(lists.of(store, ListKind.CRL_SET, now).content)
    (tmp_path / "leaf.pem").write_bytes(leaf.pem)
    command = ["openssl", "verify", "-crl_check_all", "-CAfile", "cas.pem", "-CRLfile", "crls.pem", "leaf.pem"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


class TestACompleteSet:
    def test_lets_openssl_check_the_whole_chain(self, store, with_issuing, tiers, now, tmp_path):
        watch(now)

        done = verify(tmp_path, store, tiers.leaf, now)

        assert done.returncode == 0, done.stdout + done.stderr

    def test_makes_openssl_refuse_what_is_revoked(self, store, with_issuing, server, tiers, now, tmp_path):
        server.put("/issuing.crl", make.crl(tiers.issuing, revoked=[tiers.leaf]))
        watch(now)

        done = verify(tmp_path, store, tiers.leaf, now)

        assert done.returncode != 0
        assert "certificate revoked" in done.stdout + done.stderr

    def test_says_that_it_is_complete(self, store, with_issuing, tiers, now):
        watch(now)

        said = statement(store, now)

        assert (said["complete"], said["missing"], said["version"]) == (True, [], 1)
        assert [each["crl"]["number"] for each in said["cas"]] == ["1", "1", "1"]
        assert said["good_until"] == f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        assert b"# complete: yes" in lists.of(store, ListKind.CRL_SET, now).content


class TestAnIncompleteSet:
    def test_names_the_ca_that_has_none_and_why(self, store, tiers, now):
        watch(now)

        said = statement(store, now)

        assert (said["complete"], said["missing"]) == (False, [tiers.issuing.sha256])
        lacking = next(each for each in said["cas"] if each["sha256"] == tiers.issuing.sha256)
        assert lacking["reason"] == "No certificate or package names an address of its CRL."

    def test_breaks_openssl_as_it_warns(self, store, tiers, now, tmp_path):
        """This is why the file says so in its first lines."""
        watch(now)

        done = verify(tmp_path, store, tiers.leaf, now)

        assert "unable to get certificate CRL" in done.stdout + done.stderr
        text = (tmp_path / "crls.pem").read_text()
        assert text.splitlines()[1:3] == [
            "# complete: no",
            f"# missing: {tiers.issuing.sha256} {tiers.issuing.facts.subject}",
        ]

    def test_leaves_a_list_out_whose_time_is_over(self, store, with_issuing, server, tiers, now):
        server.put("/root.crl", make.crl(tiers.root, next_update=now + 2 * HOUR))
        watch(now)

        assert statement(store, now)["complete"]
        assert statement(store, now + 3 * HOUR)["missing"] == [tiers.root.sha256]

    def test_leaves_a_list_out_that_was_not_believed(self, store, server, tiers, now):
        server.put("/root.crl", make.crl(tiers.root, signing_key=make.ec_key("somebody")))
        watch(now)

        said = next(each for each in statement(store, now)["cas"] if each["sha256"] == tiers.root.sha256)

        assert said["crl"] is None
        assert "not signed by the key" in said["reason"]


class TestStoredAndMadeOnTheSpot:
    def test_are_the_same_bytes(self, store, now):
        watch(now)
        kept = StoreList.objects.get(kind=ListKind.CRL_SET)
        StoreList.objects.all().delete()

        assert lists.of(store, ListKind.CRL_SET, now).content == bytes(kept.content)

    def test_a_new_version_is_not_served_with_the_list_of_the_old_one(self, cast, store, tiers, now):
        watch(now)
        stores.published(cast, *tiers.cas, make.issuing_ca(tiers.policy, common_name="Alder Issuing CA B"))
        store.refresh_from_db()

        assert statement(store, now)["version"] == 2

    def test_unchanged_lists_keep_their_number(self, store, now):
        watch(now)
        watch(now + HOUR)
        watch(now + 2 * HOUR)

        assert set(StoreList.objects.values_list("number", flat=True)) == {1}

    def test_changed_bytes_in_the_database_are_not_served(self, store, now):
        watch(now)
        good = lists.of(store, ListKind.CRL_SET, now).content
        StoreList.objects.filter(kind=ListKind.CRL_SET).update(content=b"-----BEGIN nothing")

        assert lists.of(store, ListKind.CRL_SET, now + HOUR).content == good


class TestTheDenyList:
    @pytest.fixture
    def denied(self, cast, store, tiers, now):
        signer = notices.make_signer(cast)
        watch(now)
        signer.send(
            kind="certificate_revocation",
            certificate_issuer_sha256=tiers.issuing.sha256,
            certificate_serial=f"{tiers.leaf.certificate.serial_number:x}",
            certificate_sha256=tiers.leaf.sha256,
            revocation_reason="keyCompromise",
        )
        life.sweep(now=now + 5 * HOUR)

    def test_names_issuer_serial_and_digest_with_the_signed_notice(self, store, denied, tiers, now):
        said = json.loads(lists.of(store, ListKind.DENY_LIST, now + 5 * HOUR).content)

        assert said["count"] == 1
        (entry,) = said["entries"]
        assert entry["serial"] == f"{tiers.leaf.certificate.serial_number:x}"
        assert (entry["issuer_sha256"], entry["sha256"]) == (tiers.issuing.sha256, tiers.leaf.sha256)
        assert entry["issuer_spki_sha256"] == tiers.issuing.facts.spki_sha256
        assert entry["reason"] == "keyCompromise"
        assert re.fullmatch(r"AL-\d{4}-\d{3}", entry["notice"]["label"])

    def test_openssl_reads_the_same_serial_from_the_certificate(self, store, denied, tiers, now, tmp_path):
        (tmp_path / "leaf.pem").write_bytes(tiers.leaf.pem)
        command = ["openssl", "x509", "-in", "leaf.pem", "-noout", "-serial"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        said = json.loads(lists.of(store, ListKind.DENY_LIST, now + 5 * HOUR).content)

        assert int(done.stdout.strip().removeprefix("serial="), 16) == int(said["entries"][0]["serial"], 16)

    def test_is_empty_and_there_without_a_notice(self, store, now):
        assert json.loads(lists.of(store, ListKind.DENY_LIST, now).content)["entries"] == []


def test_a_store_without_a_version_has_no_lists(cast, now):
    assert lists.of(stores.empty_store(cast), ListKind.CRL_SET, now) is None
