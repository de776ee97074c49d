"""Which certificate of a version OpenSSL does not take, and what to do about it."""

import hashlib

import pytest

from portal import errors
from tests.makers import certificate_parts, certificates
from tests.moments import EVERYTHING_VALID
from trust.pki.certificates import read_certificate
from trust.stores import refused, rules
from trust.stores.formats.content import StoreCertificate, StoreContent
from trust.submissions.models import Submission

GOOD = certificates.root("Good").der
UNREAD = certificate_parts.named(certificates.root(), 26)


def stored(der: bytes) -> StoreCertificate:
    facts = read_certificate(der)
    return StoreCertificate(
        der=der,
        sha256=facts.sha256,
        spki_sha256="",
        subject=str(facts.subject),
        issuer=str(facts.issuer),
        serial=facts.serial,
        not_before=EVERYTHING_VALID,
        not_after=EVERYTHING_VALID,
        role=rules.ANCHOR,
        submission_number=3,
        submission_sha256="",
        signer_fingerprint="",
        verification_id=None,
    )


def content(*ders: bytes) -> StoreContent:
    return StoreContent(
        name="alder-prod",
        owner="Alder",
        relying="Birch",
        purpose="both",
        environment="prod",
        number=1,
        published_at=EVERYTHING_VALID,
        withdrawn=False,
        certificates=tuple(stored(der) for der in ders),
    )


def entries(*ders: bytes) -> tuple[rules.Entry, ...]:
    return tuple(rules.Entry(hashlib.sha256(der).hexdigest(), rules.ANCHOR, "3", "f" * 40, "1") for der in ders)


@pytest.mark.parametrize(
    ("added", "removed", "submission", "fix"),
    [
        pytest.param([GOOD, UNREAD], [], Submission(number=3), "Decline submission 3, and ask Alder", id="submission"),
        pytest.param([UNREAD], [], None, "Withdraw the proposal, and ask Alder", id="proposal"),
        pytest.param([GOOD], [], Submission(number=3), "Remove it from the store first, and ask Alder", id="in store"),
        pytest.param([], [GOOD], None, "Remove it from the store in the same step, and ask Alder", id="removal"),
    ],
)
def test_the_way_out_depends_on_how_the_certificate_came_there(added, removed, submission, fix):
    held = (GOOD, UNREAD) if added else (UNREAD,)
    composition = rules.Composition(entries(*held), entries(*added), entries(*removed))

    with pytest.raises(errors.Conflict) as refusal:
        refused.require_read(content(*held), composition, submission)

    assert refusal.value.code == "openssl_refuses"
    assert refusal.value.extra == {"certificates": [hashlib.sha256(UNREAD).hexdigest()]}
    assert refusal.value.fix.startswith(fix)


def test_nothing_is_said_of_a_version_that_openssl_takes():
    refused.require_read(content(GOOD), rules.Composition(entries(GOOD), entries(GOOD), ()), None)


def test_of_many_the_first_are_named_and_the_others_counted():
    many = [certificate_parts.named(certificates.root(), 26, b"Root %d" % number) for number in range(5)]

    with pytest.raises(errors.Conflict) as refusal:
        refused.require_read(content(*many), rules.Composition(entries(*many), entries(*many), ()), None)

    assert refusal.value.sentence.count("does not take") == 3
    assert "So it is with 2 more." in refusal.value.sentence
    assert len(refusal.value.extra["certificates"]) == 5
    assert "ask Alder to issue them again" in refusal.value.fix
