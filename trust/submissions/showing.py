"""What the report says: the verdict in words, the chain as a tree, the checks by weight. Reads, and decides nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal import words
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.organizations.queries import officers_of
from portal.organizations.rules import Right
from portal.partnerships.models import Partnership
from trust.pki import manifest
from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import read_certificate
from trust.pki.diff import Change, compare
from trust.submissions import queries, standing
from trust.submissions.checking import Checked, problems
from trust.submissions.models import Submission, SubmissionCertificate
from trust.submissions.report import checks
from trust.submissions.rules import State
from trust.verifications import queries as verifications
from trust.verifications.models import ItemKind, VerificationRequest

_published_in: Callable[[Submission], tuple[str, str]] = lambda submission: ("", "")  # noqa: E731


def publication_from(source: Callable[[Submission], tuple[str, str]]) -> None:
    """Let ``source`` say which version an accepted submission went into, and its page. Stores stand above submissions."""
    global _published_in
    _published_in = source


_active_version: Callable[[Submission], tuple[str, list[bytes]]] = lambda submission: ("", [])  # noqa: E731


def active_version_from(source: Callable[[Submission], tuple[str, list[bytes]]]) -> None:
    """Let ``source`` say which version a submission would change, and the DER of each certificate in it."""
    global _active_version
    _active_version = source


MINUTES_FOR = {ItemKind.OPENPGP_KEY: 2, ItemKind.CERTIFICATE: 4, ItemKind.PACKAGE: 4}


@dataclass
class Node:
    """A certificate in the tree, and those that it issued."""

    place: SubmissionCertificate
    pending: bool
    below: list["Node"] = field(default_factory=list)


def tree(places: Iterable[SubmissionCertificate], pending: set[str]) -> list[Node]:
    """Return the roots with everything below them. Names suggest the issuer; that the signature fits was checked."""
    nodes = [Node(place, place.certificate_id in pending) for place in places]
    by_subject: dict[str, Node] = {}
    for node in nodes:
        by_subject.setdefault(node.place.certificate.subject, node)
    tops = []
    for node in nodes:
        issuer = by_subject.get(node.place.certificate.issuer)
        if node.place.role == SubmissionCertificate.Role.ANCHOR or issuer is None or _is_below(node, issuer):
            tops.append(node)
        else:
            issuer.below.append(node)
    return tops


def _is_below(issuer: Node, node: Node) -> bool:
    """Two CAs that certified each other must not become an endless tree."""
    waiting = [issuer]
    while waiting:
        one = waiting.pop()
        if one is node:
            return True
        waiting += one.below
    return False


@dataclass(frozen=True)
class ToVerify:
    """A fingerprint that must be heard by phone, and how it stands."""

    request: VerificationRequest
    characters: int
    minutes: int


def to_verify(submission: Submission) -> list[ToVerify]:
    """Return the requests behind a submission, the key first."""
    found = []
    for kind, fingerprint in standing.items(submission):
        request = verifications.request_for(submission.relying, kind, fingerprint) if fingerprint else None
        if request is not None:
            found.append(ToVerify(request, len(fingerprint), MINUTES_FOR[kind]))
    return found


def dry_run(checked: Checked) -> dict[str, Any]:
    """Return what the page of a dry run shows."""
    count = problems(checked.findings)
    things = "1 thing" if count == 1 else f"{count} things"
    verdicts = {
        True: ("bad", "circle-x", f"It would be refused: {things} must be fixed."),
        False: ("warn", "alert-triangle", f"It would be taken, but {things} would need a decision.")
        if count
        else ("ok", "circle-check", "It would be taken."),
    }
    tint, icon, heading = verdicts[checked.refused]
    signature = checked.signature.sentence if checked.signature else "Its signature was not tried."
    return {
        "verdict": {"tint": tint, "icon": icon, "heading": heading, "texts": [signature, "Nothing of it was kept."]},
        "checks": checks(checked.findings, in_full=True),
        "certificates": list(checked.examination.reading.certificates) if checked.examination else [],
        "forecast": checked.forecasts,
    }


def encrypt_recipe(address: str) -> str:
    """Return the commands that fetch the portal's intake key, and sign and encrypt a file to it."""
    return (
        f"curl -fsSO {address}\n"
        "gpg --show-keys --with-fingerprint intake-key.asc\n"
        "gpg --sign --encrypt --recipient-file intake-key.asc --output package.tar.gz.gpg package.tar.gz"
    )


_RECIPE = """cd package
python3 - <<'END'
import datetime, hashlib, json, pathlib
files = {{path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
         for path in sorted(pathlib.Path().rglob("*")) if path.is_file() and path.name != "manifest.json"}}
now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
manifest = {{"format": "{format}", "format_version": 1, "partner": "{partner}",
            "audience": "{audience}", "sequence": {sequence}, "created": now, "files": files}}
pathlib.Path("manifest.json").write_text(json.dumps(manifest, indent=1))
END
tar -czf ../package.tar.gz *
cd ..
gpg --armor --detach-sign package.tar.gz"""


def package_recipe(owner: Organization, partnership: Partnership) -> str:
    """Return the commands that make a package with a manifest for the other side, out of a folder named "package"."""
    newest = queries.newest_in_sequence(owner, partnership)
    return _RECIPE.format(
        format=manifest.FORMAT,
        partner=owner.slug,
        audience=partnership.other(owner).slug,
        sequence=newest.sequence + 1 if newest and newest.sequence else 1,
    )


def changes(submission: Submission, places: list[SubmissionCertificate]) -> dict[str, Any]:
    """Return what the bundle changes against the partner's active store: its label, and the differences in words.

    What was accepted is in the store, so nothing is left of the difference: that version's own page shows what it changed.
    """
    if submission.state == State.ACCEPTED:
        return {}
    label, active = _active_version(submission)
    if not active or not places:
        return {}
    offered = CertificateSet.of(read_certificate(bytes(place.certificate.der)) for place in places)
    found = compare(CertificateSet.of(read_certificate(der) for der in active), offered)
    # A store keeps what a new bundle does not mention: leaving a CA out of a bundle removes nothing.
    return {"label": label, "differences": [each for each in found if each.change is not Change.REMOVED]}


def verdict(submission: Submission, actor: Actor, items: list[ToVerify], now: datetime) -> dict[str, Any]:
    """Return the arguments of ``parts/verdict.html``: what the submission's state means to who looks at it."""
    says = {
        State.CHECKING: _checking,
        State.REFUSED: _refused,
        State.WAITING_FOR_CALL: _waiting_for_call,
        State.WAITING_FOR_APPROVAL: _waiting_for_approval,
        State.ACCEPTED: _accepted,
        State.WITHDRAWN: _withdrawn,
        State.QUARANTINED: _quarantined,
    }
    return says[State(submission.state)](submission, actor, items, now)


def _checking(submission: Submission, actor: Actor, items: list[ToVerify], now: datetime) -> dict[str, Any]:
    return {"tint": "info", "icon": "circle-dashed", "heading": "The checks are running."}


_REFUSAL_HEADINGS = {
    "signature_bad": "The signature does not fit the file.",
    "signature_unknown_key": "We do not know this key.",
    "signature_missing": "There is no signature.",
    "no_certificates": "There is no certificate in the file.",
    "not_fully_scanned": "The file could not be searched to the end.",
    "declined": "Your partner declined this bundle.",
    "key_lost": "The key that signed this is no longer in force.",
}


def _refused(submission: Submission, actor: Actor, items: list[ToVerify], now: datetime) -> dict[str, Any]:
    heading = _REFUSAL_HEADINGS.get(submission.refusal_code)
    found = [each for each in submission.findings.all() if each.severity == "refuse"]
    if submission.refusal_code == "declined":
        if actor.organization and actor.organization.pk == submission.relying_id:
            heading = "Your organization declined this bundle."
        texts = [f"{submission.decided_by}: {submission.decision_reason}"]
    elif found and heading:
        texts = [_with_key(submission, found[0].sentence), found[0].fix]
    else:
        texts = ["Nothing of this bundle is trusted. Each line below says what is wrong and how to mend it."]
    count = len(found)
    fallback = "1 thing must be fixed." if count == 1 else f"{count} things must be fixed."
    return {
        "tint": "bad",
        "icon": "circle-x",
        "heading": heading or fallback,
        "texts": [text for text in texts if text],
    }


def _with_key(submission: Submission, sentence: str) -> str:
    claimed = submission.signature_report.get("claimed_issuer") or ""
    if submission.refusal_code != "signature_unknown_key" or not claimed:
        return sentence
    return f"Add key {words.shortened(claimed)} to your organization first."


def _waiting_for_call(submission: Submission, actor: Actor, items: list[ToVerify], now: datetime) -> dict[str, Any]:
    open_items = [each for each in items if each.request.state == VerificationRequest.State.WAITING]
    count, minutes = len(open_items), sum(each.minutes for each in open_items)
    relying, owner = submission.relying.name, submission.owner.name
    kinds = {each.request.item_kind for each in open_items}
    key_open = ItemKind.OPENPGP_KEY in kinds
    what = "package" if kinds == {ItemKind.PACKAGE} else "root"
    heading = (
        "The signature is good. We do not know yet whose key made it."
        if key_open
        else f"The signature is good. Nobody has confirmed yet that this is the right {what}."
    )
    key = words.concealed(submission.signer_fingerprint)
    text = (
        f"The file is intact and was signed by OpenPGP key {key}. Nobody at {relying} has confirmed by phone that this key "
        f"belongs to {owner}, so nothing in this bundle is trusted and nothing has been published."
        if key_open
        else f"The file is intact and was signed by a verified key of {owner}. Nothing in this bundle is trusted, and nothing "
        "has been published, until its fingerprints are confirmed by phone."
    )
    fingerprints = "1 fingerprint" if count == 1 else f"{count} fingerprints"
    if actor.organization and actor.organization.pk == submission.relying_id:
        following = (
            f"call {owner} and verify {fingerprints}. It takes about {minutes} minutes."
            if count
            else "a security officer must approve the recorded call about the key."
        )
    else:
        following = (
            f"{relying} calls you about {fingerprints}. Read from your own record, not from this page."
            if count
            else f"a security officer of {relying} must approve the recorded call about the key."
        )
    return {"tint": "warn", "icon": "phone-call", "heading": heading, "text": text, "next": following}


def _waiting_for_approval(submission: Submission, actor: Actor, items: list[ToVerify], now: datetime) -> dict[str, Any]:
    renewed = any(not each.because for each in standing.renewed(submission, now).values())
    texts = [_RENEWED if renewed else _verified_by(items)]
    said: dict[str, Any] = {"tint": "info", "icon": "hourglass", "heading": "A second security officer must approve."}
    if actor.organization and actor.organization.pk == submission.relying_id:
        others = [officer.name for officer in _who_can(submission, items)]
        mine = actor.user is not None and actor.user.name in others
        if actor.has(Right.APPROVE) and not mine and _took_part(actor, items):
            texts.append(f"You made the call, so you cannot approve it. {words_list(others)} can.")
        elif not actor.has(Right.APPROVE):
            texts.append(f"{words_list(others)} can." if others else "Nobody of your organization can yet.")
    else:
        texts.append(f"{submission.relying.name} decides. There is nothing for you to do.")
    return said | {"texts": [text for text in texts if text]}


_RENEWED = "The OpenPGP key is verified, and a root in it keeps the name and key that were verified by phone before."


def _verified_by(items: list[ToVerify]) -> str:
    calls = [verifications.recorded_call(each.request) for each in items]
    ended = [(call.ended_at, str(call.verifier)) for call in calls if call is not None and call.ended_at]
    if not ended:
        return "Every fingerprint of this bundle is verified already."
    moment, verifier = max(ended)
    return f"Verified by {verifier} on {words.exact(moment)}."


def _who_can(submission: Submission, items: list[ToVerify]) -> list[Any]:
    recorded = [each.request for each in items if each.request.state == VerificationRequest.State.RECORDED]
    can = [set(verifications.officers_who_can_approve(request)) for request in recorded]
    if not can:
        return [membership.user for membership in officers_of(submission.relying)]
    return sorted(set.intersection(*can), key=lambda user: user.name)


def _took_part(actor: Actor, items: list[ToVerify]) -> bool:
    calls = [verifications.recorded_call(each.request) for each in items]
    return any(call is not None and actor.user is not None and call.verifier_id == actor.user.pk for call in calls)


def words_list(names: list[str]) -> str:
    """Join names as people do."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else "Nobody"


def _accepted(submission: Submission, actor: Actor, items: list[ToVerify], now: datetime) -> dict[str, Any]:
    moment = words.exact(submission.decided_at) if submission.decided_at else ""
    version, address = _published_in(submission)
    mine = actor.organization is not None and actor.organization.pk == submission.relying_id
    link = {"url": address, "action": f"Open {version}"} if version and mine else {}
    return link | {
        "tint": "ok",
        "icon": "circle-check",
        "heading": f"In {version} since {moment}." if version else f"Accepted since {moment}.",
        "texts": [f"Approved by {submission.decided_by}: {submission.decision_reason}"],
    }


def _withdrawn(submission: Submission, actor: Actor, items: list[ToVerify], now: datetime) -> dict[str, Any]:
    return {
        "tint": "",
        "icon": "archive",
        "heading": f"Withdrawn by {submission.owner.name}.",
        "texts": [submission.decision_reason],
    }


def _quarantined(submission: Submission, actor: Actor, items: list[ToVerify], now: datetime) -> dict[str, Any]:
    return {
        "tint": "bad",
        "icon": "hand-stop",
        "heading": "The fingerprints are different. This bundle is quarantined.",
        "texts": [
            "What was read on the phone is not what was uploaded. Nothing of it is trusted, and it stays here for good.",
            "Do not upload the same file again to get past this. Find out first which of the two is wrong.",
        ],
    }


def in_full(submission: Submission, actor: Actor) -> bool:
    """Say whether pages show whole fingerprints to this actor.

    While the call is to come, not even to the owner: who reads aloud what the portal shows proves nothing.
    """
    if actor.organization is None or submission.state in (State.WAITING_FOR_CALL, State.QUARANTINED):
        return False
    return queries.shows_fingerprints_to(submission, actor.organization)


@dataclass(frozen=True)
class ExposedKey:
    """What the page about a private key says of one key."""

    file: str
    line: int | None
    kind: str
    article: str
    certificate: str


def _article(kind: str) -> str:
    return "an" if kind[:1] in "aeioAEIO" or kind.startswith("RSA") else "a"


def exposed_keys(submission: Submission) -> list[ExposedKey]:
    """Return the private keys that were in the upload, as the page tells them."""
    found = [each for each in submission.findings.all() if each.code == "private_key"]
    return [
        ExposedKey(
            file=each.detail.get("member") or submission.file_name,
            line=each.detail.get("line"),
            kind=each.detail.get("kind", "private key"),
            article=_article(each.detail.get("kind", "private key")),
            certificate=each.detail.get("certificate") or "",
        )
        for each in found
    ]
