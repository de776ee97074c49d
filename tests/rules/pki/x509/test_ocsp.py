"""OCSP: what is asked, and which answers are believed. The openssl tool answers too, as a responder that we did not write."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as library
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.makers import certificates as make
from tests.makers import revocations
from trust.pki import ocsp
from trust.pki.crl_watch import Standing

WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def tiers():
    return make.hierarchy()


def judged(tiers, responder, now):
    about, issuer = tiers.issuing.facts, tiers.policy.facts
    return ocsp.judge(responder(ocsp.ask(about, issuer)), about, issuer, now=now, longest=WEEK)


def test_a_good_answer_of_the_ca_itself_is_believed(tiers, now):
    verdict = judged(tiers, revocations.Responder(tiers.policy), now)

    assert verdict.standing is Standing.FRESH
    assert verdict.sentence.startswith("Answers “good”, until ")
    assert verdict.revocation is None


def test_an_answer_of_a_responder_that_the_ca_authorized_is_believed(tiers, now):
    responder = revocations.Responder(tiers.policy, signer=revocations.delegated(tiers.policy))

    assert judged(tiers, responder, now).standing is Standing.FRESH


def test_a_revocation_is_read_with_its_moment_and_reason(tiers, now):
    at = now - timedelta(hours=2)
    responder = revocations.Responder(tiers.policy, revoked={tiers.issuing.certificate.serial_number: at})

    verdict = judged(tiers, responder, now)

    assert verdict.standing is Standing.FRESH
    assert verdict.revocation is not None
    assert (verdict.revocation.revoked_at, verdict.revocation.reason) == (at, "keyCompromise")


@pytest.mark.parametrize(
    ("spoiled", "standing", "says"),
    [
        (lambda t: {"signer": revocations.delegated(t.root)}, Standing.WRONG_SIGNER, "was not issued by the CA"),
        (
            lambda t: {"signer": revocations.delegated(t.policy, purpose=ExtendedKeyUsageOID.SERVER_AUTH)},
            Standing.WRONG_SIGNER,
            "not for signing OCSP",
        ),
        (
            lambda t: {"signer": revocations.delegated(t.policy, purpose=ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)},
            Standing.WRONG_SIGNER,
            "not for signing OCSP",
        ),
        (
            lambda t: {
                "signer": revocations.delegated(
                    t.policy, not_before=t.policy.certificate.not_valid_before_utc, lifetime=timedelta(hours=1)
                )
            },
            Standing.WRONG_SIGNER,
            "has expired",
        ),
        (lambda t: {"forged": True}, Standing.WRONG_SIGNER, "signature of the answer"),
        (lambda t: {"about": t.leaf}, Standing.UNUSABLE, "about another certificate"),
        (lambda t: {"unknown": True}, Standing.UNUSABLE, "does not know the certificate"),
        (lambda t: {"status": library.OCSPResponseStatus.TRY_LATER}, Standing.UNUSABLE, "try later"),
        (
            lambda t: {"this_update": t.policy.certificate.not_valid_before_utc, "next_update": None},
            Standing.FRESH,
            "good",
        ),
    ],
)
def test_what_is_believed_and_what_is_not(tiers, now, spoiled, standing, says):
    verdict = judged(tiers, revocations.Responder(tiers.policy, **spoiled(tiers)), now)

    assert verdict.standing is standing
    assert says in verdict.sentence


def test_an_answer_whose_time_is_over_is_stale(tiers, now):
    responder = revocations.Responder(tiers.policy)

    assert judged(tiers, responder, now + timedelta(days=2)).standing is Standing.STALE


def test_an_answer_without_an_end_is_stale_when_it_is_older_than_agreed(tiers, now):
    responder = revocations.Responder(tiers.policy, next_update=None)

    assert judged(tiers, responder, now + timedelta(days=8)).standing is Standing.STALE


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"\x30\x03\x0a\x01\x00", b"\x30\x80"])
def test_what_is_no_ocsp_never_raises(tiers, now, content):
    verdict = ocsp.judge(content, tiers.issuing.facts, tiers.policy.facts, now=now, longest=WEEK)

    assert verdict.standing is Standing.UNUSABLE


@pytest.mark.real_clock
def test_the_openssl_responder_is_understood(tiers, now, tmp_path):
    """A second implementation answers our request, and its answers are read alike."""
    files = {"ca": tiers.policy.pem, "issuing": tiers.issuing.pem, "key": tiers.policy.key_pem()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "request").write_bytes(ocsp.ask(tiers.issuing.facts, tiers.policy.facts))
    ends = f"{tiers.issuing.certificate.not_valid_after_utc:%y%m%d%H%M%SZ}"
    serial = f"{tiers.issuing.certificate.serial_number:X}"
    serial = serial if len(serial) % 2 == 0 else f"0{serial}"
    when = f"{now - timedelta(hours=1):%y%m%d%H%M%SZ}"
    good, revoked = (
        f"V\t{ends}\t\t{serial}\tunknown\t/CN=x\n",
        f"R\t{ends}\t{when},keyCompromise\t{serial}\tunknown\t/CN=x\n",
    )
    for line, reason in ((good, None), (revoked, "keyCompromise")):
        (tmp_path / "index").write_text(line)
        done = subprocess.run(
            ["openssl", "ocsp", "-index", "index", "-CA", "ca", "-rsigner", "ca", "-rkey", "key", "-ndays", "1",
             "-reqin", "request", "-respout", "response"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

        # openssl dates its answer by the real clock, which ran on since the tests began.
        verdict = ocsp.judge(
            (tmp_path / "response").read_bytes(),
            tiers.issuing.facts,
            tiers.policy.facts,
            now=datetime.now(UTC),
            longest=WEEK,
        )

        assert verdict.standing is Standing.FRESH, verdict.sentence
        assert (verdict.revocation.reason if verdict.revocation else None) == reason


def test_the_request_names_the_certificate_as_rfc_5019_asks(tiers):
    request = library.load_der_ocsp_request(ocsp.ask(tiers.issuing.facts, tiers.policy.facts))

    assert request.serial_number == tiers.issuing.certificate.serial_number
    assert request.hash_algorithm.name == "sha1"
    assert request.public_bytes(Encoding.DER)
    assert not list(request.extensions)
