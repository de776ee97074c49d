"""What is done to webhook endpoints by their organization."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from notifications.webhooks import client, configuration, outbound, payload, queries, rules, signing
from notifications.webhooks.models import EndpointKey, WebhookEndpoint
from notifications.webhooks.rules import EndpointState
from portal import errors, sealing
from portal.audit import services as audit
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.outbound.guard import Blocked

CHALLENGE_LASTS = timedelta(hours=1)
MAX_ENDPOINTS = 20
MAX_EVENT_TYPES = 20


@dataclass(frozen=True)
class Added:
    """A new endpoint and the secret to show once: ``whsec_…`` for HMAC, ``whpk_…`` (no secret) for Ed25519."""

    endpoint: WebhookEndpoint
    shown_once: str


def add_endpoint(
    *,
    actor: Actor,
    now: datetime,
    name: str,
    url: str,
    event_types: Sequence[str],
    scheme: str = WebhookEndpoint.Scheme.ED25519,
    description: str = "",
    bearer_token: str = "",
    client_certificate: bool = False,
) -> Added:
    """Add an endpoint, to which nothing is sent until its test was answered.

    Raises Invalid for a URL that the portal does not call, and Conflict for a name that is taken.
    """
    organization = actor.require(Right.MANAGE_DELIVERY)
    _check_url(url)
    if scheme not in WebhookEndpoint.Scheme.values:
        raise errors.Invalid("The signature is ed25519 or hmac.", fields={"scheme": ["Choose ed25519 or hmac."]})
    if client_certificate and not configuration.tls().certificate:
        raise errors.Invalid(
            "This portal has no client certificate.",
            fields={"client_certificate": ["The operator has not configured one."]},
        )
    if queries.of(organization).count() >= MAX_ENDPOINTS:
        raise errors.Conflict(f"There are {MAX_ENDPOINTS} endpoints already.", fix="Remove one that is not used.")
    endpoint = WebhookEndpoint(
        organization=organization,
        name=_name(name),
        url=url,
        description=description[:200],
        scheme=scheme,
        event_types=_event_types(event_types),
        bearer_token_sealed=sealing.seal(_header_value(bearer_token)) if bearer_token else "",
        client_certificate=client_certificate,
        created_at=now,
        created_by=actor.user,
    )
    try:
        with transaction.atomic():
            endpoint.save(force_insert=True)
            key = _new_key(endpoint, now)
            _record("added", endpoint, actor, now, url=url, event_types=endpoint.event_types, scheme=scheme)
    except IntegrityError as error:
        raise errors.Conflict(f"There is an endpoint named {endpoint.name} already.", code="name_taken") from error
    return Added(endpoint, key.public or key.secret)


def change_endpoint(
    *,
    actor: Actor,
    now: datetime,
    endpoint_id: uuid.UUID,
    event_types: Sequence[str] | None = None,
    description: str | None = None,
    bearer_token: str | None = None,
) -> WebhookEndpoint:
    """Change what an endpoint hears, its description or its bearer token ("" takes the token away).

    The URL never changes: a new URL is a new endpoint with a test of its own, and the old one goes on until then.
    """
    organization = actor.require(Right.MANAGE_DELIVERY)
    with transaction.atomic():
        endpoint = _locked(organization, endpoint_id)
        if event_types is not None:
            endpoint.event_types = _event_types(event_types)
        if description is not None:
            endpoint.description = description[:200]
        if bearer_token is not None:
            endpoint.bearer_token_sealed = sealing.seal(_header_value(bearer_token)) if bearer_token else ""
        endpoint.save()
        _record("changed", endpoint, actor, now, event_types=endpoint.event_types)
    return endpoint


def rotate_key(*, actor: Actor, now: datetime, endpoint_id: uuid.UUID, overlap: timedelta = rules.KEY_OVERLAP) -> Added:
    """Give the endpoint a new key. The older ones go on signing beside it until ``overlap`` (at most 7 days) has passed."""
    organization = actor.require(Right.MANAGE_DELIVERY)
    if not timedelta(0) <= overlap <= rules.MAX_KEY_OVERLAP:
        raise errors.Invalid("The overlap is 0 to 7 days.", fields={"overlap_hours": ["Enter 0 to 168."]})
    with transaction.atomic():
        endpoint = _locked(organization, endpoint_id)
        in_force = [key for key in queries.keys_of(endpoint) if key.in_force(now)]
        if len(in_force) >= rules.MAX_KEYS_IN_FORCE:
            raise errors.Conflict("There are 10 keys in force.", fix="Wait until an older one has retired.")
        for key in in_force:
            # A key that was to retire earlier still does.
            key.retires_at = min(filter(None, (key.retires_at, now + overlap)))
            key.save(update_fields=["retires_at"])
        made = _new_key(endpoint, now)
        _record("key_rotated", endpoint, actor, now, overlap_seconds=int(overlap.total_seconds()), public=made.public)
    return Added(endpoint, made.public or made.secret)


def send_test(*, actor: Actor, now: datetime, endpoint_id: uuid.UUID) -> tuple[WebhookEndpoint, client.Answer]:
    """Send the signed test event with a challenge, by the same door as every delivery, and say what came back.

    An endpoint that answers 2xx with the challenge in its body is proven. Otherwise a person who sees the challenge at the
    receiver can enter it (``confirm_challenge``).
    """
    organization = actor.require(Right.MANAGE_DELIVERY)
    challenge = secrets.token_urlsafe(12)
    with transaction.atomic():
        endpoint = _locked(organization, endpoint_id)
        endpoint.challenge_digest, endpoint.challenge_sent_at = _digest(challenge), now
        endpoint.save(update_fields=["challenge_digest", "challenge_sent_at"])
    text = payload.body("webhook.test", at=now, data=_test_data(endpoint, challenge))
    post = outbound.post(endpoint, message_id=f"test_{uuid.uuid4().hex}", body=text, now=now, key="test")
    answer = client.post_one(post, guard=configuration.guard(), tls=configuration.tls())
    proven = answer.outcome is rules.Outcome.DELIVERED and challenge in answer.body
    with transaction.atomic():
        endpoint = _locked(organization, endpoint_id)
        endpoint.last_test = _test_record(post, answer, now, proven)
        endpoint.save(update_fields=["last_test"])
        _record("tested", endpoint, actor, now, status=answer.status, outcome=answer.outcome, proven=proven)
        if proven:
            _prove(endpoint, actor, now, by="its answer")
    return endpoint, answer


def confirm_challenge(*, actor: Actor, now: datetime, endpoint_id: uuid.UUID, challenge: str) -> WebhookEndpoint:
    """Prove an endpoint by the challenge that its test delivered there, within an hour. Raises Invalid when it differs."""
    organization = actor.require(Right.MANAGE_DELIVERY)
    with transaction.atomic():
        endpoint = _locked(organization, endpoint_id)
        fresh = endpoint.challenge_sent_at is not None and now - endpoint.challenge_sent_at <= CHALLENGE_LASTS
        if not fresh or not hmac.compare_digest(endpoint.challenge_digest, _digest(challenge.strip())):
            raise errors.Invalid(
                "This is not the challenge of the last test.",
                code="challenge_mismatch",
                fix="Send the test again and enter data.challenge of what arrives, within an hour.",
                fields={"challenge": ["It differs from what the test sent."]},
            )
        _prove(endpoint, actor, now, by=actor.label)
    return endpoint


def pause_endpoint(*, actor: Actor, now: datetime, endpoint_id: uuid.UUID, reason: str) -> WebhookEndpoint:
    """Stop sending to an endpoint. The organization's inbox and mail say so."""
    organization = actor.require(Right.MANAGE_DELIVERY)
    with transaction.atomic():
        endpoint = _locked(organization, endpoint_id)
        if endpoint.state not in rules.SENT_TO:
            raise errors.Conflict("Nothing is sent to this endpoint already.")
        endpoint.state, endpoint.state_reason, endpoint.paused_at = EndpointState.PAUSED, reason[:300], now
        endpoint.told_at = None  # wished by a person: not told of again each day
        endpoint.save(update_fields=["state", "state_reason", "paused_at", "told_at"])
        _record("paused", endpoint, actor, now, reason=reason[:300], by="person")
    return endpoint


def resume_endpoint(*, actor: Actor, now: datetime, endpoint_id: uuid.UUID) -> WebhookEndpoint:
    """Send to a paused endpoint again."""
    organization = actor.require(Right.MANAGE_DELIVERY)
    with transaction.atomic():
        endpoint = _locked(organization, endpoint_id)
        if endpoint.state != EndpointState.PAUSED:
            raise errors.Conflict("The endpoint is not paused.")
        if endpoint.proven_at is None:
            raise errors.Conflict("The endpoint was never proven.", fix="Send its test first.")
        _make_active(endpoint)
        endpoint.save()
        _record("resumed", endpoint, actor, now)
    return endpoint


def remove_endpoint(*, actor: Actor, now: datetime, endpoint_id: uuid.UUID) -> None:
    """Take an endpoint away. Its record and its keys' history stay."""
    organization = actor.require(Right.MANAGE_DELIVERY)
    with transaction.atomic():
        endpoint = _locked(organization, endpoint_id)
        endpoint.state, endpoint.removed_at = EndpointState.REMOVED, now
        endpoint.bearer_token_sealed = ""
        endpoint.save(update_fields=["state", "removed_at", "bearer_token_sealed"])
        _record("removed", endpoint, actor, now)


def _test_data(endpoint: WebhookEndpoint, challenge: str) -> dict[str, Any]:
    return {
        "summary": f"Test of webhook endpoint {endpoint.name}",
        "severity": "info",
        "endpoint": endpoint.name,
        "challenge": challenge,
        "answer_with": "Answer 2xx and put the challenge in the body to prove that you received this.",
    }


def _test_record(post: client.Post, answer: client.Answer, now: datetime, proven: bool) -> dict[str, Any]:
    return {
        "at": now.isoformat(),
        "proven": proven,
        "request_headers": outbound.shown(post.headers),
        "request_body": post.body.decode(),
        "outcome": answer.outcome,
        "reason": answer.reason,
        "status": answer.status,
        "response_headers": answer.headers,
        "response_body": answer.body,
        "milliseconds": answer.milliseconds,
    }


def _prove(endpoint: WebhookEndpoint, actor: Actor, now: datetime, *, by: str) -> None:
    endpoint.challenge_digest = ""
    endpoint.proven_at = endpoint.proven_at or now
    first = endpoint.state == EndpointState.UNPROVEN
    if first:
        _make_active(endpoint)
    endpoint.save()
    if first:
        _record("proven", endpoint, actor, now, by=by)


def _make_active(endpoint: WebhookEndpoint) -> None:
    endpoint.state, endpoint.state_reason = EndpointState.ACTIVE, ""
    endpoint.failures, endpoint.failing_since, endpoint.told_at, endpoint.warned = 0, None, None, False
    endpoint.paused_at = None


def _new_key(endpoint: WebhookEndpoint, now: datetime) -> signing.SigningKey:
    hmac_wanted = endpoint.scheme == WebhookEndpoint.Scheme.HMAC
    made = signing.new_hmac() if hmac_wanted else signing.new_ed25519()
    EndpointKey.objects.create(
        endpoint=endpoint,
        scheme=endpoint.scheme,
        secret_sealed=sealing.seal(made.secret),
        public=made.public,
        created_at=now,
    )
    return made


def _locked(organization: Any, endpoint_id: uuid.UUID) -> WebhookEndpoint:
    found = queries.of(organization).select_for_update().filter(pk=endpoint_id).first()
    if found is None:
        raise errors.NotFound()
    return found


def _check_url(url: str) -> None:
    try:
        configuration.guard().check_url(url)
    except Blocked as error:
        raise errors.Invalid(str(error), code="url_refused", fields={"url": [str(error)]}) from error


def _name(name: str) -> str:
    slug = slugify(name)[:80]
    if not slug:
        raise errors.Invalid("The endpoint needs a name.", fields={"name": ["Use letters, digits and hyphens."]})
    return slug


def _event_types(given: Sequence[str]) -> list[str]:
    chosen = list(dict.fromkeys(given))
    bad = [each for each in chosen if not isinstance(each, str) or not rules.EVENT_PATTERN.fullmatch(each)]
    if bad or not chosen or len(chosen) > MAX_EVENT_TYPES:
        raise errors.Invalid(
            "Choose what the endpoint hears.",
            fields={"event_types": ['Name 1 to 20 event types, such as "notice.*" or "trust_store.published".']},
        )
    return chosen


def _header_value(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token or len(token) > 1000:
        raise errors.Invalid(
            "The bearer token cannot be sent in a header.",
            fields={"bearer_token": ["Use at most 1,000 printable ASCII characters without spaces."]},
        )
    return token


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _record(act: str, endpoint: WebhookEndpoint, actor: Actor, now: datetime, **data: Any) -> None:
    audit.record(
        f"webhook_endpoint.{act}",
        now=now,
        actor=actor,
        organization_id=endpoint.organization_id,
        subject=("webhook_endpoint", endpoint.pk),
        data={"name": endpoint.name, **data},
    )
