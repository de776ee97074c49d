"""Making the webhooks that are due: claim a batch, post it with many in flight, write down what came back as it comes."""

import random
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from notifications.deliveries import services as deliveries
from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import Channel
from notifications.webhooks import client, configuration, outbound, queries, rules
from notifications.webhooks.client import Answer, Post
from notifications.webhooks.models import WebhookEndpoint
from notifications.webhooks.rules import EndpointState, Outcome
from portal.outbound.guard import Guard

# Deliveries in one worker's hands. With ``client.IN_FLIGHT`` at once and ten seconds for a hanging endpoint, a batch ends
# well inside the lease.
BATCH = 500
PUT_BACK_FOR = timedelta(seconds=15)


def deliver(
    *,
    now: datetime,
    clock: Callable[[], datetime] = timezone.now,
    limit: int = BATCH,
    guard: Guard | None = None,
) -> int:
    """Make the webhooks that are due at ``now`` and return how many were taken in hand.

    Attempts are recorded in groups while others are under way. A worker that is killed in between leaves a claim that runs
    out: the same delivery is made again with the same ``webhook-id``. ``clock`` gives the moment of signing and of recording.
    """
    claimed = deliveries.claim(channel=Channel.WEBHOOK, now=now, limit=limit)
    if not claimed:
        return 0
    endpoints = _endpoints(claimed)
    ready: list[Delivery] = []
    stopped: list[Delivery] = []
    for each in claimed:
        endpoint = endpoints.get(each.recipient)
        (ready if endpoint is not None and endpoint.sent_to else stopped).append(each)
    _stop(stopped, endpoints, clock())
    posts = _posts(ready, endpoints, clock())
    for group in client.post_all(posts, guard=guard or configuration.guard(), tls=configuration.tls()):
        _record(group, clock())
    return len(claimed)


def _endpoints(claimed: Iterable[Delivery]) -> dict[str, WebhookEndpoint]:
    ids = {uuid.UUID(each.recipient) for each in claimed}
    return {str(each.pk): each for each in WebhookEndpoint.objects.filter(pk__in=ids)}


def _posts(ready: list[Delivery], endpoints: dict[str, WebhookEndpoint], now: datetime) -> list[Post]:
    used = {each.recipient: endpoints[each.recipient] for each in ready}
    keys = {recipient: queries.signing_keys(endpoint, now) for recipient, endpoint in used.items()}
    return [
        outbound.post(
            used[each.recipient],
            message_id=str(each.pk),
            body=each.body,
            now=now,
            key=each,
            keys=keys[each.recipient],
        )
        for each in _in_turns(ready)
    ]


def _in_turns(ready: list[Delivery]) -> list[Delivery]:
    """Return the deliveries so that endpoints take turns, revocations first: one with many does not come before all others."""
    waiting: dict[str, list[Delivery]] = {}
    for each in sorted(ready, key=lambda each: not each.urgent):
        waiting.setdefault(each.recipient, []).append(each)
    turns = []
    while waiting:
        for recipient in list(waiting):
            turns.append(waiting[recipient].pop(0))
            if not waiting[recipient]:
                del waiting[recipient]
    return turns


def _stop(stopped: list[Delivery], endpoints: dict[str, WebhookEndpoint], now: datetime) -> None:
    """End deliveries to endpoints that get nothing now. A paused one was told of; what it missed can be redelivered."""
    finished = []
    for each in stopped:
        endpoint = endpoints.get(each.recipient)
        if endpoint is not None and endpoint.state == EndpointState.PAUSED:
            answer = deliveries.Answer(False, "The endpoint is paused.")
            finished.append(deliveries.Finished(each, answer, told=False))
        else:
            deliveries.drop(each, "The endpoint was removed.", now=now)
    if finished:
        deliveries.finish_many(finished, now=now)


def _record(group: list[tuple[Post, Answer]], now: datetime) -> None:
    tried = [(post, answer) for post, answer in group if answer.tried]
    deliveries.finish_many([_finished(post, answer, now) for post, answer in tried], now=now)
    deliveries.put_back([post.key for post, answer in group if not answer.tried], at=now + PUT_BACK_FOR)
    outbound.note_outcomes(
        (outbound.Tried(uuid.UUID(post.endpoint), answer, post.key.urgent) for post, answer in tried), now=now
    )


def _finished(post: Post, answer: Answer, now: datetime) -> deliveries.Finished:
    delivery: Delivery = post.key
    delivered = answer.outcome is Outcome.DELIVERED
    again = None
    if not delivered and answer.outcome is not Outcome.GONE:
        again = rules.next_attempt_at(
            attempts=delivery.tries - delivery.tries_before,
            now=now,
            urgent=delivery.urgent,
            chance=random.random,
            outcome=answer.outcome,
            retry_after=answer.retry_after,
        )
    exchange = {
        "url": post.url,
        "request_headers": outbound.shown(post.headers),
        "response_headers": answer.headers,
        "reason": answer.reason,
        "milliseconds": answer.milliseconds,
        "truncated": answer.truncated,
    }
    detail = answer.body if answer.status else answer.reason
    return deliveries.Finished(
        delivery, deliveries.Answer(delivered, detail or answer.reason, answer.status, exchange), again
    )
