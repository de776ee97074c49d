"""Making the webhooks that are due: claim a batch, post it with many in flight, write down what came back as it comes."""

import logging
import random
import time
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken

from notifications.deliveries import services as deliveries
from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import Channel
from notifications.webhooks import client, configuration, outbound, queries, rules
from notifications.webhooks.client import Answer, Post
from notifications.webhooks.models import WebhookEndpoint
from notifications.webhooks.rules import EndpointState, Outcome
from portal.outbound.guard import Guard

logger = logging.getLogger(__name__)
BATCH = 500  # deliveries that are claimed at once
HELD = 4 * BATCH  # at most so many in one worker's hands
# An endpoint that has so many waiting gets no more claimed, so that one with thousands due leaves the places to others; nor does
# one that is known to be slow, until what was claimed is answered.
CROWDED = 5 * client.PER_ENDPOINT
# A run takes new work for so long, in seconds; the next run begins beside it while the last answers come in.
LONGEST = 60.0
# Endpoint -> whether it answered soon the last time, as this process knows it: who was slow begins in the room the next time too.
_paces: dict[str, bool] = {}
PUT_BACK_FOR = timedelta(seconds=15)  # longer than an endpoint that timed out rests


def deliver(*, now: datetime, limit: int = BATCH, guard: Guard | None = None) -> int:
    """Make the webhooks that are due from ``now`` on, until none is; return how many were taken in hand.

    New ones are claimed while others are under way, and attempts are recorded in groups as answers come, so that a slow
    endpoint holds up its own only. A worker that is killed in between leaves claims that run out: the same deliveries are made
    again with the same ``webhook-id``. Moments are counted from ``now`` by the steady clock, whatever is done to the machine's.
    """
    with client.Sender(guard=guard or configuration.guard(), tls=configuration.tls(), paces=_paces) as sender:
        began, taken = time.monotonic(), 0

        def moment() -> datetime:
            return now + timedelta(seconds=time.monotonic() - began)

        while True:
            if _room(sender) and time.monotonic() - began < LONGEST:
                taken += _take(sender, moment(), limit)
            if not sender.waiting:
                return taken
            _record(sender.answers(), moment())


def _crowded(sender: client.Sender) -> list[str]:
    slow = sender.slow()
    return [endpoint for endpoint, count in sender.waiting.items() if count >= CROWDED or endpoint in slow]


def _room(sender: client.Sender) -> bool:
    """Say whether the worker has places that what it holds will not fill."""
    held = sender.waiting.total()
    stuck = sum(sender.waiting[each] for each in _crowded(sender))
    return held < HELD and held - stuck < client.IN_FLIGHT * 2


def _take(sender: client.Sender, now: datetime, limit: int) -> int:
    """Claim what is due, begin to post it, and return how many deliveries that were."""
    claimed = deliveries.claim(channel=Channel.WEBHOOK, now=now, limit=limit, without=_crowded(sender))
    endpoints = _endpoints(claimed)
    ready: list[Delivery] = []
    stopped: list[Delivery] = []
    for each in claimed:
        endpoint = endpoints.get(each.recipient)
        (ready if endpoint is not None and endpoint.sent_to else stopped).append(each)
    _stop(stopped, endpoints, now)
    posts, unmade = _posts(ready, endpoints, now)
    sender.add(posts)
    _record(unmade, now)
    return len(claimed)


def _endpoints(claimed: Iterable[Delivery]) -> dict[str, WebhookEndpoint]:
    ids = {uuid.UUID(each.recipient) for each in claimed}
    return {str(each.pk): each for each in WebhookEndpoint.objects.filter(pk__in=ids)}


def _posts(
    ready: list[Delivery], endpoints: dict[str, WebhookEndpoint], now: datetime
) -> tuple[list[Post], list[tuple[Post, Answer]]]:
    """Return what is posted, and what cannot be: an endpoint whose secrets no key opens fails alone, and its owner is told."""
    keys = queries.signing_keys_of({endpoints[each.recipient].pk for each in ready}, now)
    posts: list[Post] = []
    unmade: list[tuple[Post, Answer]] = []
    for each in _in_turns(ready):
        endpoint = endpoints[each.recipient]
        try:
            posts.append(
                outbound.post(
                    endpoint,
                    message_id=str(each.pk),
                    body=each.body,
                    now=now,
                    key=each,
                    keys=keys.get(endpoint.pk, []),
                )
            )
        except (InvalidToken, ValueError) as error:
            logger.error("A webhook to endpoint %s could not be signed: %s", endpoint.pk, error or type(error).__name__)
            post = Post(each, str(endpoint.pk), endpoint.url, b"", {})
            unmade.append((post, Answer(Outcome.FAILED, outbound.CANNOT_SIGN)))
    return posts, unmade


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
    if not group:
        return
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
