"""The joint negative tests (guide 5.5): which certificates each side supplies, and what must become of them. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SERVER, CLIENT = "serverAuth", "clientAuth"


@dataclass(frozen=True, slots=True)
class Expectation:
    """A kind of sample. ``accept`` says what must happen; ``why`` names the reason that a refusal must have."""

    label: str
    purpose: str
    accept: bool
    why: str
    supply: str
    needs_name: bool = False
    needs_crl: bool = False


EXPECTATIONS: dict[str, Expectation] = {
    "good_server": Expectation(
        "A good server certificate", SERVER, True, "", "What one of your servers really presents.", needs_name=True
    ),
    "good_client": Expectation(
        "A good client certificate", CLIENT, True, "", "What one of your clients really presents."
    ),
    "wrong_ca": Expectation(
        "One from another CA", CLIENT, False, "untrusted", "A client certificate from a CA that you did not submit."
    ),
    "expired": Expectation("An expired one", CLIENT, False, "expired", "A client certificate that is over."),
    "revoked": Expectation(
        "A revoked one",
        CLIENT,
        False,
        "revoked",
        "A client certificate that is on your CRL, and the CRL.",
        needs_crl=True,
    ),
    "wrong_name": Expectation(
        "One with the wrong name",
        SERVER,
        False,
        "wrong_name",
        "A server certificate, and a DNS name that it is not for.",
        needs_name=True,
    ),
}
REASON_WORDS = {
    "": "accepted",
    "untrusted": "no chain to a trusted root",
    "expired": "expired",
    "not_yet_valid": "not valid yet",
    "revoked": "revoked",
    "wrong_name": "the name does not match",
    "wrong_purpose": "not for this purpose",
    "no_crl": "the CRL does not fit or is out of date",
    "other": "refused for another reason",
}


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one validator says. ``reason`` is a key of ``REASON_WORDS``, empty when it accepts; ``says`` is its own text."""

    validator: str
    accepted: bool
    reason: str
    says: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one sample."""

    expectation: str
    opinions: tuple[Opinion, ...]

    @property
    def as_expected(self) -> bool:
        """Whether every validator did what must happen, and refused for the right reason."""
        wanted = EXPECTATIONS[self.expectation]
        return bool(self.opinions) and all(
            each.accepted == wanted.accept and each.reason == wanted.why for each in self.opinions
        )

    @property
    def found(self) -> str:
        """What was found, in words: "openssl: expired; cryptography: expired"."""
        return "; ".join(f"{each.validator}: {REASON_WORDS[each.reason]}" for each in self.opinions)

    @property
    def expected(self) -> str:
        """What must happen, in words."""
        wanted = EXPECTATIONS[self.expectation]
        return "accepted" if wanted.accept else f"refused: {REASON_WORDS[wanted.why]}"


def complete(expectations: Iterable[str]) -> bool:
    """Say whether every kind of sample is among them."""
    return set(expectations) >= set(EXPECTATIONS)
