"""The portal's API, for partners: bundles, notices, answers. An organization's token, no redirects, and limits of time."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from trustx import __version__, certificates, reading
from trustx.fetching import unreachable
from trustx.patience import body, pool
from trustx.settings import require_safe
from trustx.stops import Exit, Stop

_MOST_BYTES = 16 * 1024 * 1024
# For sending a request, for the headers of its answer, and for the rest of it; and for all tries together to begin.
PATIENCE, DEADLINE = 120.0, 300.0  # seconds
_AGAIN, _PAUSES = frozenset({502, 503, 504}), (0.5, 1.0, 2.0)
_WHOSE = "Is this the portal's address?"
UNDECIDED = ("checking", "waiting_for_call", "waiting_for_approval")


@dataclass(frozen=True)
class File:
    """A file to hand in, as it is called and its bytes."""

    name: str
    content: bytes

    @classmethod
    def read(cls, path: Path) -> "File":
        """Return a file from the disk. Raises Stop, also for one with a private key, which never leaves this machine."""
        try:
            content = reading.whole(path)
        except OSError as error:
            raise Stop(Exit.USAGE, f"{path} cannot be read: {error.strerror or error}") from error
        if certificates.holds_private_key(content):
            raise Stop(
                Exit.REFUSED,
                f"There is a private key in {path}. Nothing was sent.",
                "Build the bundle from CA certificates only, sign it, and try again.",
            )
        return cls(path.name, content)


@dataclass(frozen=True)
class Answer:
    """What the portal answered to something that was taken: the status, the body, and whether it had come before."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


@dataclass(frozen=True)
class _Raw:
    status: int
    data: bytes
    replayed: bool


class Api:
    """The portal. Every method raises Stop when it refuses or cannot be reached."""

    def __init__(self, portal: str, token: str, ca_file: Path | None = None) -> None:
        require_safe(portal)
        self._base = f"{portal.rstrip('/')}/api/v1"
        # What is sent here may be sent twice: the portal answers the same bytes, or the same key, with its first answer. When to
        # come again is not left to the portal: it could say in a year.
        retry = urllib3.Retry(
            total=3,
            read=1,
            status=0,
            redirect=0,
            allowed_methods=None,
            backoff_factor=0.5,
            respect_retry_after_header=False,
        )
        self._pool = pool(portal, ca_file, retry, silence=60, patience=PATIENCE)
        self._headers = {"User-Agent": f"trustx/{__version__}", "Accept-Encoding": "identity"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def submit(self, partnership: str, bundle: File, signature: File | None, **scope: str) -> dict[str, Any]:
        """Hand a signed bundle in and return the submission. ``scope`` is environment and purpose, as far as they are said."""
        said = {name: text for name, text in scope.items() if text}
        fields = {"partnership": partnership, **said, **_files(file=bundle, signature=signature)}
        return self._json("POST", "/submissions", fields=fields, headers={"Idempotency-Key": str(uuid.uuid4())})

    def check(self, partnership: str, bundle: File, signature: File | None, *, sarif: bool) -> dict[str, Any]:
        """Return what the portal would find about a bundle, of which nothing is kept; as SARIF 2.1.0 if asked."""
        fields = {"partnership": partnership, **_files(file=bundle, signature=signature)}
        return self._json("POST", f"/submissions/check?report={'sarif' if sarif else 'json'}", fields=fields)

    def submission(
        self, submission_id: str, *, until_decided: float = 0, tell: Callable[[str], None] = lambda _: None
    ) -> dict[str, Any]:
        """Return a submission as the portal sees it now, waiting for a decision for up to ``until_decided`` seconds."""
        deadline = time.monotonic() + until_decided
        while True:
            late = time.monotonic() >= deadline
            try:
                found = self._json("GET", f"/submissions/{submission_id}")
                if found.get("state") not in UNDECIDED or late:
                    return found
                tell(f"Submission {found.get('number')} is {str(found['state']).replace('_', ' ')}; waiting")
            except Stop as stop:
                # A portal that is started anew must not end a pipeline that has waited for an hour.
                if late or stop.code is not Exit.UNREACHABLE:
                    raise
                tell(f"{stop.sentence} Waiting")
            time.sleep(min(15.0, max(1.0, until_decided / 20)))

    def send_notice(self, notice: File, signature: File | None) -> Answer:
        """Send a signed notice. The same bytes again get the first answer."""
        return self._taken("/certificate-alerts", _files(notice=notice, signature=signature))

    def hand_in_distress(self, notice: File, signature: File | None) -> Answer:
        """Hand in a notice that was signed in advance. Needs no token."""
        return self._taken("/distress-notices", _files(notice=notice, signature=signature))

    def notice(self, label: str) -> dict[str, Any]:
        """Return a notice, with the signed bytes as they are."""
        return self._json("GET", f"/notices/{quote(label, safe='')}")

    def notice_text(self, label: str) -> str:
        """Return the night page of a notice as text."""
        answer = self._ask("GET", f"/notices/{quote(label, safe='')}", headers={"Accept": "text/plain"})
        return answer.data.decode("utf-8", "replace")

    def acknowledge(self, label: str, document: File, signature: File | None) -> dict[str, Any]:
        """Answer a notice with a signed document."""
        path = f"/notices/{quote(label, safe='')}/acknowledgement"
        return self._json("POST", path, fields=_files(notice=document, signature=signature))

    def answer(self, label: str, answer: str, message: str) -> dict[str, Any]:
        """Answer a notice without a signature, in the name of the token."""
        path = f"/notices/{quote(label, safe='')}/acknowledgement"
        body = {"answer": answer} | ({"message": message} if message else {})
        return self._json("POST", path, json=body)

    def _taken(self, path: str, fields: dict[str, Any]) -> Answer:
        answer = self._ask("POST", path, fields=fields)
        return Answer(answer.status, _document(answer), answer.replayed)

    def _json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return _document(self._ask(method, path, **more))

    def _ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> _Raw:
        deadline = time.monotonic() + DEADLINE
        more["headers"] = {**self._headers, **(headers or {})}
        raw = self._once(method, path, **more)
        for pause in _PAUSES:
            if raw.status not in _AGAIN or time.monotonic() > deadline:
                break
            time.sleep(pause)
            raw = self._once(method, path, **more)
        if not 200 <= raw.status < 300:
            raise _refusal(raw)
        return raw

    def _once(self, method: str, path: str, **more: Any) -> _Raw:
        found = bytearray()
        try:
            answer = self._pool.request(
                method, f"{self._base}{path}", redirect=False, preload_content=False, decode_content=False, **more
            )
            for chunk in body(answer, PATIENCE):
                found += chunk
                if len(found) > _MOST_BYTES:
                    raise Stop(Exit.REFUSED, "The portal's answer is larger than 16 MB.", _WHOSE)
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(error, "Nothing was lost: the same again is safe.") from error
        return _Raw(answer.status, bytes(found), answer.headers.get("Idempotent-Replay") == "true")


def _files(**files: File | None) -> dict[str, tuple[str, bytes, str]]:
    return {
        name: (each.name, each.content, "application/octet-stream") for name, each in files.items() if each is not None
    }


def _document(answer: _Raw) -> dict[str, Any]:
    try:
        return dict(json.loads(answer.data))
    except (ValueError, TypeError, RecursionError) as error:
        raise Stop(Exit.REFUSED, "The portal's answer is not JSON.", _WHOSE) from error


_FIXES = {
    300: "A redirect is not followed, since the token would go along. Give the portal's own address.",
    401: "Check the token: it may be over, revoked, another portal's, or a consumer's (txc_), which only pulls stores.",
    403: "Check what the token may do; its scopes are on the page of API tokens.",
    # A stranger is told no more than that: who asks has to look at their own side.
    404: "Check the name that you gave, and whose token it is.",
    429: "Wait a minute, and try again.",
}


def _refusal(answer: _Raw) -> Stop:
    """Return why the portal refused: what its problem document (RFC 9457) says, every field of it."""
    try:
        problem = dict(json.loads(answer.data))
    except (ValueError, TypeError, RecursionError):
        problem = {}
    sentence = str(problem.get("detail") or f"The portal answered {answer.status}.")
    listed = problem.get("errors")
    fields = [
        f"{each.get('field')}: {each.get('detail')}" if each.get("field") else str(each.get("detail"))
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict)
    ]
    more = [each for each in fields if each not in sentence and sentence not in each]
    code = Exit.REFUSED
    if answer.status in (401, 403, 404):
        code = Exit.NO_ACCESS
    elif answer.status == 429 or answer.status >= 500:
        code = Exit.UNREACHABLE
    ours = _FIXES.get(answer.status if answer.status >= 400 else 300, "")
    # Of a token the portal says how programs send one, and this one did.
    fix = ours if answer.status == 401 else str(problem.get("fix", "")) or ours
    return Stop(code, " ".join([sentence, *more]), fix, problem=problem)
