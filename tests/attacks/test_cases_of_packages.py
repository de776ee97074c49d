"""Abuse cases 37 to 42: packages, their addresses, policy and CRLs, and what 2.3 to 2.5 say about them."""

import json
from datetime import timedelta

import pytest
from cryptography import x509

from tests.attacks.test_bundle_archives import ATTACKS
from tests.makers import certificates as make
from tests.makers import listener
from tests.makers.openpgp_raw import RawKey
from tests.makers.packages import guide_members, tarred, zipped
from tests.makers.sending import Sender, codes
from tests.makers.submissions import hierarchy
from tests.moments import EVERYTHING_VALID as NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
CASE_37 = (
    "a path out of the folder", "an absolute path", "a backslash path", "a drive", "a direction override in a name",
    "a device name", "a symbolic link", "a hard link", "a device", "a named pipe",
)  # fmt: skip
CASE_39 = ("overlapping entries", "a size that lies", "an archive inside", "6,000 members", "64 MB in 64 kB",
           "256 MB in 250 kB")  # fmt: skip
CASE_38 = tuple(name for name in ATTACKS if name not in CASE_37 + CASE_39)


@pytest.fixture
def sender(cast):
    found = Sender(cast)
    found.holder = found.holds(RawKey())
    return found


def package(**changes: bytes) -> bytes:
    """The guide's package, whole, with other members."""
    return zipped(guide_members(hierarchy()) | {"issuing-ca-cert.pem": hierarchy().issuing.pem} | changes)


def refused_archives(sender, names):
    for name in names:
        content, _ = ATTACKS[name]
        sender.refused(("archive_", "unknown_format", "not_fully_scanned"), content, file_name="package.zip")


def test_case_37_names_and_links_that_lead_out(sender, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    refused_archives(sender, CASE_37)

    assert list(tmp_path.rglob("*")) == []


def test_case_38_archives_that_programs_unpack_differently(sender):
    refused_archives(sender, CASE_38)


def test_case_39_bombs(sender):
    refused_archives(sender, CASE_39)


def test_case_40_addresses_inside_are_judged_as_text_and_never_contacted(sender):
    with listener.running() as receiver:
        inside = f"http://127.0.0.1:{receiver.port}/ok"
        addresses = ["http://169.254.169.254/latest", inside, "file:///etc/passwd", "http://user:secret@alder.example/"]
        content = package(**{"ocsp/endpoints.json": json.dumps({"ocsp": addresses}).encode()})
        made = sender.taken("endpoints_unsafe_url", content=content)

    assert made.findings.filter(code="endpoints_unsafe_url").count() == len(addresses)
    assert receiver.connections == 0


def test_case_40_a_hundred_thousand_brackets(sender):
    content = tarred(guide_members(hierarchy()) | {"ocsp/endpoints.json": b"[" * 100_000})

    sender.taken("endpoints_unreadable", content=content, file_name="package.tar")


POLICY = b"""# Policy <script>alert(1)</script>
[click](javascript:alert(2)) ![pixel](http://evil.example/pixel.png) <img src=x onerror=alert(3)>
"""


def test_case_41_policy_with_script_is_shown_inert(sender, cast):
    sender.taken(content=package(**{"policy-document.md": POLICY}), file_name="package.zip")

    for person in (cast.alder.verifier, cast.birch.verifier, cast.birch.officer):
        answer = person.client().get("/p/alder-birch/submissions/1/")
        page = answer.content.decode()
        for bad in ("<script>alert", 'href="javascript:', "evil.example/pixel", "onerror="):
            assert bad not in page
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe-inline" not in policy


CRLS = {
    "wrong key": (lambda: make.crl(hierarchy().policy, signing_key=make.ec_key("wrong")), "crl_signature", True),
    "revokes the shipped CA": (
        lambda: make.crl(hierarchy().policy, revoked=[hierarchy().issuing]), "crl_revokes_offered_ca", True,
    ),
    "expired": (lambda: make.crl(hierarchy().policy, this_update=NOW - 2 * DAY, next_update=NOW - DAY),
                "crl_expired", False),
    "delta": (
        lambda: make.crl(hierarchy().policy, extensions=[(x509.DeltaCRLIndicator(1), True)]), "crl_delta", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("crl", "code", "refuses"), CRLS.values(), ids=CRLS.keys())
def test_case_42_crl_that_does_not_count(sender, crl, code, refuses):
    content = package(**{"crl/intermediate-ca.crl": crl()})

    if refuses:
        assert code in codes(sender.refused("crl_", content, file_name="package.zip"))
    else:
        sender.taken(code, content=content, file_name="package.zip")


def test_2_4_an_archive_that_nobody_signed_is_never_opened(sender):
    archive = tarred(guide_members(hierarchy()), mode="w:gz")

    made = sender.refused("signature_missing", archive, signature=None, file_name="package.tar.gz")

    assert made.members == []
    assert made.container == ""


def test_2_5_crl_whose_number_went_back(sender):
    for number, text in ((2**100, b"# New"), (2**100 - 1, b"# Old")):
        crl = make.crl(hierarchy().policy, number=number)
        made = sender.taken(content=package(**{"crl/intermediate-ca.crl": crl, "policy-document.md": text}))

    assert made.findings.get(code="crl_number_regressed").severity == "problem"
