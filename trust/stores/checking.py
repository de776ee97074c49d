"""Trying a chain against a version: does it verify, for which use, and which certificate decides?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509

from portal import errors
from trust.certificates.models import Certificate
from trust.pki.certificates import Unreadable, read_certificate
from trust.pki.findings import refuses
from trust.pki.pem import read_pem
from trust.pki.secrets_scan import scan
from trust.stores import compositions, floor, queries, rules, trying
from trust.stores.models import StoreDraft, StoreVersion, TrustStore

MOST_IN_CHAIN = 20
# A store of clients says nothing about servers, so nothing is tried under it that it is not for.
USES_OF: dict[str, Sequence[str]] = {
    TrustStore.Purpose.BOTH: trying.USES,
    TrustStore.Purpose.CLIENT: (trying.CLIENT,),
    TrustStore.Purpose.SERVER: (trying.SERVER,),
}


@dataclass(frozen=True)
class Checked:
    """What came of trying a chain under a version, or a proposal of one: ``under`` says which in words.

    ``decided_by`` is the SHA-256 of the certificate that decides: the anchor that was reached, or, when the chain is refused, the
    certificate at which OpenSSL stopped; empty when no single one does, as when OpenSSL and cryptography reach different anchors.
    ``accepted`` says that OpenSSL and cryptography both accept the chain for at least one use.
    """

    version: int
    under: str
    accepted: bool
    decided_by: str
    sentence: str
    readings: list[trying.Reading]


def check(version: StoreVersion, text: str, at: datetime) -> Checked:
    """Try a PEM chain, the service's own certificate first, against one version at one moment.

    Raises Invalid for what is no chain, and at once for a private key, which is neither kept nor shown.
    """
    held = [(entry.role, bytes(entry.certificate.der)) for entry in queries.entries(version)]
    return _try(held, text, at, version.number, f"v{version.number}", USES_OF[version.store.purpose])


def check_draft(draft: StoreDraft, text: str, at: datetime) -> Checked:
    """Try a PEM chain against what a proposal would publish, as it stands now. Raises what ``check`` raises."""
    if draft.submission is not None:
        composition = compositions.preview(draft.submission)
        store = TrustStore.objects.filter(relying=draft.relying, name=compositions.name_for(draft.submission)).first()
        purpose = draft.submission.purpose
    else:
        assert draft.store is not None, "only the first submission of a partner has no store yet"
        store = draft.store
        purpose = store.purpose
        composition = compositions.of_draft(store, draft)
    ders = dict(
        Certificate.objects.filter(pk__in=[entry.sha256 for entry in composition.entries]).values_list("pk", "der")
    )
    held = [(entry.role, bytes(ders[entry.sha256])) for entry in composition.entries]
    number = rules.next_number(floor.last_number(store) if store else 0)
    return _try(held, text, at, number, "the proposal", USES_OF[purpose])


def _try(
    held: Sequence[tuple[str, bytes]], text: str, at: datetime, number: int, under: str, uses: Sequence[str]
) -> Checked:
    chain = read_chain(text)
    anchors = [x509.load_der_x509_certificate(der) for role, der in held if role == rules.ANCHOR]
    below = [x509.load_der_x509_certificate(der) for role, der in held if role != rules.ANCHOR]
    try:
        readings = trying.readings(chain, anchors, below, at, uses)
    except OSError as error:
        raise errors.Unavailable("openssl is missing, so chains cannot be tried.", code="openssl_missing") from error
    return _judged(number, under, readings, uses)


def read_chain(text: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text in their order. Raises Invalid."""
    content = text.encode("utf-8", "replace")
    if not scan(content).clean:
        raise _unusable("There may be a private key in it. It was not kept; treat the key as exposed.", "private_key")
    # Who copies from a Kubernetes object or a chat has it indented.
    reading = read_pem(b"\n".join(line.strip() for line in content.splitlines()))
    if refuses(reading.findings) or not reading.blocks:
        raise _unusable("This is no PEM chain: paste blocks that begin with BEGIN CERTIFICATE.", "no_chain")
    if len(reading.blocks) > MOST_IN_CHAIN:
        raise _unusable(f"A chain has at most {MOST_IN_CHAIN} certificates.", "chain_too_long")
    try:
        # Ours first: it is strict where the library is lazy.
        ders = [read_certificate(block.der).der for block in reading.blocks]
        chain = [x509.load_der_x509_certificate(der) for der in ders]
    except (Unreadable, ValueError) as error:
        raise _unusable("One of the blocks is no certificate that can be read.", "unreadable_certificate") from error
    _require_own_first(chain)
    return chain


def _require_own_first(chain: Sequence[x509.Certificate]) -> None:
    """Demand the order in which a service sends its chain (RFC 8446 section 4.4.2): what is judged is the first certificate."""
    if _is_ca(chain[0]) and not all(_is_ca(each) for each in chain):
        raise _unusable(
            "The first certificate is a CA. Paste the service's own certificate first, then its issuer, as the service sends them.",
            "own_certificate_not_first",
        )


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def asked_for(query: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the version and the proposal that are named in an address or in what was posted, at most one of them.

    Raises Invalid when the two places name different ones, or both a version and a proposal are named: what is not tried must not
    look as if it had been.
    """
    found = []
    for name in ("version", "draft"):
        said = {str(each[name]) for each in (query, body) if each.get(name) not in (None, "")}
        if len(said) > 1:
            raise errors.Invalid(
                f"The address names another {name} than the body.",
                code="named_twice",
                fields={name: ["Name it in one of the two places."]},
            )
        found.append(said.pop() if said else "")
    version, draft = found
    if version and draft:
        raise errors.Invalid(
            "A chain is tried under a version or under a proposal, not both.",
            code="version_and_draft",
            fields={"draft": ["Leave it out, or the version."]},
        )
    return version, draft


def number_asked(text: str, current: int) -> int:
    """Return the version that a query asks for, the current one by default. Raises Invalid."""
    if not text:
        return current
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise errors.Invalid("The version is a number.", fields={"version": ["Send a number, like 7."]})
    return int(text)


def _unusable(sentence: str, code: str) -> errors.Invalid:
    return errors.Invalid(sentence, code=code, fields={"chain": [sentence]})


def _judged(number: int, under: str, readings: list[trying.Reading], tried: Sequence[str]) -> Checked:
    uses = [use for use in tried if all(each.accepted for each in readings if each.use == use)]
    if uses:
        sentence = f"It verifies under {under} for {' and '.join(uses)}{_apart(readings, uses)}."
        decides = _reached(readings, uses)
    elif any(each.accepted for each in readings):
        sentence, decides = f"OpenSSL and cryptography do not agree about it under {under}: expect trouble.", set()
    else:
        sentence = f"It does not verify under {under}: {readings[1].reason or readings[0].reason}."
        decides = {next((each.decided_by for each in readings if each.certificate), "")}
    return Checked(
        version=number,
        under=under,
        accepted=bool(uses),
        decided_by=decides.pop() if len(decides) == 1 else "",
        sentence=sentence,
        readings=readings,
    )


def _reached(readings: Sequence[trying.Reading], uses: Sequence[str]) -> set[str]:
    """Return every anchor that a verifier is known to have reached for one of ``uses``."""
    return {each.decided_by for each in readings if each.certificate and each.use in uses}


def _apart(readings: Sequence[trying.Reading], uses: Sequence[str]) -> str:
    """Return the words for verifiers that reach different anchors: when one of those leaves, some services break."""
    if len(_reached(readings, uses)) < 2:
        return ""
    ends = {each.verifier: each.name for each in readings if each.certificate and each.use in uses}
    return ", by different anchors: " + ", ".join(
        f"{verifier.replace('openssl', 'OpenSSL')} reaches {name}" for verifier, name in ends.items()
    )
