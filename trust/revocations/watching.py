"""Asking CRL addresses and OCSP responders, and writing down what changed.

One run: claim what is due, ask outside of any transaction, and take each answer in a transaction of its own. An answer that says
nothing new writes one row and nothing else.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from portal import states, words
from portal.audit import services as audit
from portal.organizations import acting
from portal.outbound import fetching
from portal.outbound.fetching import Answer, Outcome, Request
from portal.outbound.guard import Guard
from portal.partnerships.models import Partnership
from trust.agreements import checks
from trust.agreements import queries as agreements
from trust.agreements.terms import Terms
from trust.certificates.models import Certificate
from trust.pki import crl_watch, ocsp
from trust.pki.certificates import CertificateFacts, read_certificate
from trust.pki.crl import CrlFacts
from trust.pki.crl_watch import CrlVerdict, Seen
from trust.pki.ocsp import OcspVerdict
from trust.pki.signatures import is_signed_by
from trust.revocations import queries, rules, seeing, sources
from trust.revocations.models import Crl, RevocationMention, RevocationSource
from trust.revocations.rules import SourceKind, Standing

logger = logging.getLogger(__name__)

BATCH = 100
NOTHING_TO_ASK = "No certificate is known that this responder could be asked about."


@dataclass(frozen=True)
class _Question:
    """What is asked at one source. ``about`` and ``issuer`` are set for OCSP."""

    source: RevocationSource
    about: CertificateFacts | None = None
    issuer: CertificateFacts | None = None


def poll(*, now: datetime, guard: Guard, limit: int = BATCH) -> int:
    """Ask the sources that are due, and return how many were. Safe to run at any time and by several workers."""
    questions = [_question(each, now) for each in _claim(now, limit)]
    requests = [_request(each) for each in questions if each.source.kind == SourceKind.CRL or each.about]
    for each in questions:
        if each.source.kind == SourceKind.OCSP and each.about is None:
            _write(each.source, _Found(Standing.UNKNOWN, NOTHING_TO_ASK), now)
    for request, answer in fetching.fetch_all(requests, guard=guard):
        try:
            _take(request.key, answer, now)
        except Exception:
            # One source must not keep the others from being asked; it is due again when its lease ends.
            logger.exception("What %s answered could not be taken", request.url)
    return len(questions)


def _claim(now: datetime, limit: int) -> list[RevocationSource]:
    due = sources.watched(now).filter(next_check_at__lte=now).order_by("next_check_at")
    claimed = []
    for source in due.select_related("owner", "issuer", "crl")[:limit]:
        mine = RevocationSource.objects.filter(pk=source.pk, next_check_at=source.next_check_at)
        if mine.update(next_check_at=now + rules.LEASE):
            claimed.append(source)
    return claimed


def _question(source: RevocationSource, now: datetime) -> _Question:
    if source.kind == SourceKind.CRL:
        return _Question(source)
    about, issuer = _askable(source, now)
    return _Question(source, about, issuer)


def _askable(source: RevocationSource, now: datetime) -> tuple[CertificateFacts | None, CertificateFacts | None]:
    """Return a certificate that the responder must know, with its issuer: the newest that named the responder, else any below."""
    issuers = [source.issuer] if source.issuer else list(sources.known_cas(source.owner)[:50])
    naming = RevocationMention.objects.filter(source=source).exclude(certificate=None).values("certificate")
    of_owner = Q(submissions__owner=source.owner) | Q(service_certificates__organization=source.owner)
    for issuer in issuers:
        facts = read_certificate(bytes(issuer.der))
        below = Certificate.objects.filter(issuer=str(facts.subject), not_after__gt=now).exclude(pk=issuer.pk)
        named = below.filter(pk__in=naming).order_by("-not_before")
        others = below.filter(of_owner).distinct().order_by("is_ca", "-not_before")
        for row in [*named[:3], *others[:3]]:
            read = read_certificate(bytes(row.der))
            if is_signed_by(read.load(), facts.load()):
                return read, facts
    return None, None


def _request(question: _Question) -> Request:
    source = question.source
    headers: dict[str, str] = {}
    body = None
    if question.about is not None and question.issuer is not None:
        body = ocsp.ask(question.about, question.issuer)
        headers = {"Content-Type": ocsp.CONTENT_TYPE, "Accept": "application/ocsp-response"}
    elif source.crl_id:
        # Only with the list at hand: without it "nothing new" would leave us with nothing.
        headers = {"If-None-Match": source.etag} if source.etag else {}
        if source.last_modified:
            headers["If-Modified-Since"] = source.last_modified
    return Request(question, source.url, rules.MOST_BYTES[source.kind], headers, body)


@dataclass(frozen=True)
class _Found:
    """What an answer came to. ``crl`` with ``issuer`` is a list that was believed, ``verdict`` an OCSP answer that was."""

    standing: Standing
    sentence: str
    answer: Answer | None = None
    crl: CrlFacts | None = None
    issuer: CertificateFacts | None = None
    verdict: OcspVerdict | None = None
    about: CertificateFacts | None = None


def _take(question: _Question, answer: Answer, now: datetime) -> None:
    source = question.source
    if answer.outcome is Outcome.TOO_LARGE:
        found = _Found(Standing.UNUSABLE, answer.sentence)
    elif answer.outcome is Outcome.BLOCKED:
        found = _Found(Standing.UNUSABLE, f"The portal does not call this address. {answer.sentence}")
    elif answer.outcome is Outcome.FAILED:
        found = _Found(Standing.UNREACHABLE, answer.sentence)
    elif question.about is not None and question.issuer is not None:
        terms = _terms(source)
        longest = min((each.ocsp_longest for each in terms), default=timedelta(days=7))
        said = ocsp.judge(answer.content, question.about, question.issuer, now=now, longest=longest)
        found = _Found(said.standing, said.sentence, answer, verdict=said, about=question.about)
    else:
        found = _judged_crl(source, answer, now)
    _write(source, found, now)


def _judged_crl(source: RevocationSource, answer: Answer, now: datetime) -> _Found:
    unchanged = answer.outcome is Outcome.NOT_MODIFIED
    if source.crl is not None and (unchanged or answer.content == bytes(source.crl.der)):
        number = int(source.crl.number) if source.crl.number else None
        tier = checks.tier(read_certificate(bytes(source.crl.issuer.der)))
        standing, said = crl_watch.timing(
            number, source.crl.this_update, source.crl.next_update, now=now, longest=_longest(_terms(source), tier)
        )
        return _Found(standing, said, answer)
    if source.issuer is not None:
        issuer = read_certificate(bytes(source.issuer.der))
        others = sources.known_cas(source.owner).filter(subject=str(issuer.subject))
        issuers = [issuer, *(read_certificate(bytes(each.der)) for each in others if each.pk != issuer.sha256)]
    else:
        issuers = [read_certificate(bytes(each.der)) for each in sources.known_cas(source.owner)]
    verdict = _aged(crl_watch.judge_crl(answer.content, issuers, now=now, seen=_seen(source)), source, now)
    return _Found(verdict.standing, verdict.sentence, answer, verdict.crl, verdict.issuer)


def _aged(verdict: CrlVerdict, source: RevocationSource, now: datetime) -> CrlVerdict:
    """Hold a list that is fresh by its own word against the age that was agreed for the tier of its CA."""
    crl, issuer = verdict.crl, verdict.issuer
    if crl is None or issuer is None or crl.next_update is None:
        return verdict
    longest = _longest(_terms(source), checks.tier(issuer))
    standing, said = crl_watch.timing(crl.number, crl.this_update, crl.next_update, now=now, longest=longest)
    return CrlVerdict(standing, said, crl, issuer)


def _seen(source: RevocationSource) -> dict[str, Seen]:
    return {
        key: Seen(int(number) if number else None, datetime.fromisoformat(at), digest)
        for key, (number, at, digest) in source.newest.items()
    }


def _terms(source: RevocationSource) -> list[Terms]:
    """Return the signed terms of the partnerships that rely on the source; what is only recommended makes nothing late."""
    found = queries.partnerships_of(source)
    signed = agreements.in_force_of([each.pk for each in found])
    return [agreements.terms_of(signed[each.pk], each) for each in found if each.pk in signed]


def _longest(terms: Sequence[Terms], tier: str) -> timedelta | None:
    return min((each.crl_longest[tier] for each in terms if tier in each.crl_longest), default=None)


@transaction.atomic
def _write(source: RevocationSource, found: _Found, now: datetime) -> None:
    """Write one answer down: the row of the source, and only on change the list, what it revokes, and events."""
    health = rules.after(
        Standing(source.state), source.state_since, source.failures, source.failing_since, found.standing, now
    )
    source.state, source.state_since = health.state, health.since
    source.failures, source.failing_since = health.failures, health.failing_since
    # One failure of a source that answers is no news; its own sentence stays.
    if found.standing is health.state or found.standing is not Standing.UNREACHABLE:
        source.sentence = found.sentence[:400]
    source.checked_at = now
    new = _keep_list(source, found, now)
    if found.standing in (Standing.FRESH, Standing.STALE):
        source.answered_at = now
    if found.verdict is not None and found.verdict.this_update:
        source.this_update, source.next_update = found.verdict.this_update, found.verdict.next_update
    source.next_check_at = rules.next_check(
        str(source.pk),
        found.standing,
        now=now,
        failures=source.failures,
        this_update=source.this_update,
        next_update=source.next_update,
    )
    source.save()
    if new is not None:
        seeing.compare(source, new, now=now)
        seeing.drop_old_lists(new)
    if found.verdict is not None and found.about is not None:
        seeing.compare_answer(source, found.about.sha256, found.verdict, now=now)
    if health.told:
        _tell(source, queries.partnerships_of(source), now)


def _keep_list(source: RevocationSource, found: _Found, now: datetime) -> Crl | None:
    """Keep a list that was believed and is new, and what the server said to ask with next time; return the list."""
    if found.answer is not None and found.answer.outcome is Outcome.FETCHED and source.kind == SourceKind.CRL:
        believed = found.standing in (Standing.FRESH, Standing.STALE)
        source.etag = found.answer.etag if believed else ""
        source.last_modified = found.answer.last_modified if believed else ""
    if found.crl is None or found.issuer is None or found.crl.next_update is None:
        return None
    crl = found.crl
    kept, _ = Crl.objects.get_or_create(
        sha256=crl.sha256,
        defaults={
            "der": crl.der,
            "issuer_id": found.issuer.sha256,
            "issuer_spki_sha256": found.issuer.spki_sha256,
            "number": str(crl.number) if crl.number is not None else "",
            "this_update": crl.this_update,
            "next_update": found.crl.next_update,
            "entries": crl.count,
            "seen_at": now,
        },
    )
    source.crl, source.this_update, source.next_update = kept, kept.this_update, kept.next_update
    source.newest = source.newest | {kept.issuer_spki_sha256: [kept.number, kept.this_update.isoformat(), kept.sha256]}
    return kept


def _tell(source: RevocationSource, partnerships: Iterable[Partnership], now: datetime) -> None:
    """Record the change once for the owner, and once for each partner that relies on the source."""
    about: dict[str, Any] = {
        "now": now,
        "actor": acting.PORTAL,
        "organization_id": source.owner_id,
        "subject": ("revocation_source", source.pk),
        "data": {
            "what": seeing.name_of(source),
            "url": source.url,
            "reason": source.sentence.rstrip("."),
            "since": words.exact(source.state_since) if source.state_since else "",
            "kind": source.kind,
            "state": source.state,
            "words": states.label("revocation_list", source.state).text.lower(),
        },
    }
    audit.record(rules.STATE_EVENTS[Standing(source.state)], **about)
    for each in partnerships:
        audit.record("revocation.changed_for_partner", partnership_id=each.pk, **about)
