"""How soon a change is served by a process that shares nothing with the one that made it but PostgreSQL. Prints JSON.

Publishes and revokes tokens in this process, and asks the other, over one kept connection, until it answers otherwise. Milliseconds
after the commit.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

from django.db import transaction
from django.db.models import F

from benchmarks import seed
from trust.consumers import services as consumers
from trust.consumers.models import Consumer, ConsumerToken
from trust.stores import publishing
from trust.stores.grounds import entries_of
from trust.stores.models import ServeGeneration, StoreVersion, TrustStore
from trust.stores.rules import withdraw

CURRENT = "/api/v1/trust-stores/small-prod/current.pem"
LONGEST = 5.0  # seconds


class Asker:
    """One service that asks over a kept connection."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=10)

    def ask(self, token: str) -> tuple[int, str]:
        """Return status and version of an answer."""
        self.connection.request("GET", CURRENT, headers={"Authorization": f"Bearer {token}"})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Trust-Store-Version", "")

    def until(self, token: str, holds: Callable[[tuple[int, str]], bool]) -> float:
        """Return for how many milliseconds ``holds`` did not hold of the answer."""
        started = time.perf_counter()
        while not holds(self.ask(token)):
            if time.perf_counter() - started > LONGEST:
                raise SystemExit("The other process never noticed.")
        return (time.perf_counter() - started) * 1000


def main(port: int, times: int, lost: int) -> None:
    """Measure revocations and publications, ``times`` each, and ``lost`` revocations that nobody was told of."""
    _, submission, actor, second = seed.companies()
    store = seed.store("small-prod", submission)
    seed.publish(store, submission, times + 2, actor, second)
    tokens = seed.many_consumers(times + lost + 1, [store])
    asker, staying = Asker(port), tokens[-1]
    for token in tokens:
        assert asker.ask(token)[0] == 200
    # The first answers come through Django, until the process trusts its memory.
    asker.until(staying, lambda _: time.sleep(2) is None)
    print(
        json.dumps(
            {
                "revoked": [revoke(asker, token, actor) for token in tokens[:times]],
                "published": [publish(asker, staying, store.pk, actor) for _ in range(times)],
                "lost": [lose(asker, token) for token in tokens[times:-1]],
            }
        )
    )


def revoke(asker: Asker, token: str, actor: seed.acting.Actor) -> float:
    """Revoke a token, and return when it opens nothing any more."""
    held = ConsumerToken.objects.get(digest=seed.tokens.digest(token))
    assert asker.ask(token)[0] == 200
    consumers.revoke_token(consumer=held.consumer, token_id=held.pk, actor=actor, now=seed.datetime.now(seed.UTC))
    return asker.until(token, lambda answer: answer[0] == 401)


def publish(asker: Asker, token: str, store_id: object, actor: seed.acting.Actor) -> float:
    """Publish a version, and return when it is served."""
    with transaction.atomic():
        store = publishing.lock(TrustStore.objects.get(pk=store_id))
        current = entries_of(publishing.current_version(store))
        composition = withdraw(current, [current[0].sha256])
        version = publishing.publish(
            store=store, composition=composition, kind=StoreVersion.Kind.REMOVAL, actor=actor, reason="A measurement.",
            now=seed.datetime.now(seed.UTC),
        )  # fmt: skip
    return asker.until(token, lambda answer: answer[1] == str(version.number))


def lose(asker: Asker, token: str) -> float:
    """Revoke a token as a process does that dies before it tells anybody, and return when it opens nothing any more."""
    for _ in range(2):
        assert asker.ask(token)[0] == 200
    with transaction.atomic():
        ConsumerToken.objects.filter(digest=seed.tokens.digest(token)).update(revoked_at=seed.datetime.now(seed.UTC))
        ServeGeneration.objects.update(number=F("number") + 1)
    return asker.until(token, lambda answer: answer[0] == 401)


if __name__ == "__main__":
    assert Consumer.objects.count() == 0, "an empty database is needed"
    main(*(int(word) for word in sys.argv[1:]))
