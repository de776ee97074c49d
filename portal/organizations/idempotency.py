"""``Idempotency-Key``: a repeat of a creating request gets the first answer, and does nothing twice."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from rest_framework.response import Response

from portal import errors
from portal.organizations.models import IdempotencyRecord

MAX_KEY = 128


def _digest(request: Any) -> str:
    raw = request._request
    content = raw.body if hasattr(raw, "_body") else b""
    hasher = hashlib.sha256(f"{raw.method} {raw.path}\n".encode() + content)
    for name, file in sorted(raw.FILES.items()) if raw.content_type.startswith("multipart/") else ():
        hasher.update(name.encode() + hashlib.sha256(file.read()).digest())
        file.seek(0)
    for name, values in sorted(raw.POST.lists()) if raw.content_type.startswith("multipart/") else ():
        hasher.update(repr((name, values)).encode())
    return hasher.hexdigest()


def idempotent(method: Callable[..., Response]) -> Callable[..., Response]:
    """Wrap an API view's method so that it honors ``Idempotency-Key`` (at most 128 characters), if one was sent.

    The same key with the same request returns the stored answer; with another request it raises Conflict, as it does while
    the first is still being worked on. A refused request is forgotten, so that it can be mended and sent again.
    """

    @wraps(method)
    def wrapper(self: Any, request: Any, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return method(self, request, *args, **kwargs)
        if len(key) > MAX_KEY or not key.isprintable():
            raise errors.Invalid("The Idempotency-Key is longer than 128 printable characters.", code="idempotency_key")
        owner = f"{request.actor.kind}:{request.actor.id}:{request.actor.organization.pk}"
        digest = _digest(request)
        try:
            with transaction.atomic():
                record = IdempotencyRecord.objects.create(
                    owner=owner, key=key, request_digest=digest, created_at=request._request.now
                )
        except IntegrityError:
            return _earlier_answer(owner, key, digest)
        try:
            answer = method(self, request, *args, **kwargs)
        except BaseException:
            record.delete()
            raise
        record.status, record.body = answer.status_code, answer.data
        record.save(update_fields=["status", "body"])
        return answer

    return wrapper


def _earlier_answer(owner: str, key: str, digest: str) -> Response:
    earlier = IdempotencyRecord.objects.get(owner=owner, key=key)
    if earlier.request_digest != digest:
        raise errors.Conflict(
            "This Idempotency-Key was used for a different request.",
            code="idempotency_key_reused",
            fix="Use a new key for each new request.",
        )
    if earlier.status is None:
        raise errors.Conflict(
            "The first request with this key is still being worked on.", code="in_progress", fix="Ask again."
        )
    return Response(earlier.body, status=earlier.status, headers={"Idempotent-Replay": "true"})
