"""The tests of the test kit (guide 5.1 to 5.4) in words: what each shows, and how to mend it. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KitTest:
    """One test. ``fix`` says what to do when it failed; ``optional`` that a side or its server may lack what it needs."""

    label: str
    fix: str
    optional: bool = False


TESTS: dict[str, KitTest] = {
    "reachable": KitTest(
        "The endpoint answers with a certificate", "Check host, port and firewall from where you ran the kit."
    ),
    "server_chain": KitTest(
        "Its chain leads to your root CA",
        "Serve a certificate from a CA that you submitted, followed by its issuing CAs in order.",
    ),
    "complete_chain": KitTest(
        "It sends its intermediate CAs",
        "Put the issuing CAs after the service certificate in one file (nginx: ssl_certificate).",
    ),
    "server_name": KitTest(
        "The certificate is for the name that is called",
        "Call it by a name in the certificate’s subject alternative names, or issue one with this name.",
    ),
    "not_expiring": KitTest("It is valid for 10 more days", "Renew the service certificate."),
    "protocol": KitTest(
        "TLS 1.0 and 1.1 are refused",
        "Allow TLS 1.2 and 1.3 only (nginx: ssl_protocols TLSv1.2 TLSv1.3).",
        optional=True,
    ),
    "cipher": KitTest(
        "What is agreed on is strong", "Offer TLS 1.3, or ECDHE suites with AES-GCM or ChaCha20.", optional=True
    ),
    "stapling": KitTest(
        "The stapled OCSP response says good", "Renew the certificate, or mend what the server staples.", optional=True
    ),
    "no_client": KitTest(
        "Nobody gets in without a certificate",
        "Ask for a client certificate and insist on it (nginx: ssl_verify_client on).",
    ),
    "untrusted_client": KitTest(
        "A certificate that nobody trusts is refused",
        "Verify client certificates against partner-store.pem (nginx: ssl_client_certificate).",
    ),
    "announced_cas": KitTest(
        "The partner’s CAs are the ones it announces",
        "Load partner-store.pem of this kit, and reload the server.",
        optional=True,
    ),
    "good_client": KitTest(
        "A good client certificate gets in",
        "Look into the server’s log: which certificate of the chain does it not accept?",
        optional=True,
    ),
}
OUTCOMES = frozenset({"passed", "failed", "skipped"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test. ``says`` is the script's own text."""

    test: KitTest
    outcome: str
    says: str


def in_words(results: Iterable[Mapping[str, Any]]) -> list[Outcome]:
    """Return the stored results with what each test is about; tests that the kit no longer has are left out."""
    return [Outcome(TESTS[each["test"]], each["outcome"], each["says"]) for each in results if each["test"] in TESTS]
