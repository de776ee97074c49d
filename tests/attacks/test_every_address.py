"""Every address of the portal, asked by those who should get nothing: nobody, a stranger, and people without the right.

The addresses come from the URL table itself, so a new one is tested the moment it exists.
"""

import re
import uuid
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from portal.audit.models import Event
from portal.organizations.rules import Right, Role, may

SOME_ID = str(uuid.UUID(int=7))
VALUES = {
    "slug": "alder-birch",
    "number": "1",
    "first": "1",
    "second": "2",
    "name": "halden-prod",
    "secret": "txi_unknown",
    "sha256": "a" * 64,
    "fingerprint": "b" * 40,
    "extension": "pem",
    "format": "pem",
    "part": "file",
    "act": "pause",
    "short": "AL-2026-001",
    "label": "AL-2026-001",
    "version": "1",
    "a": "1",
    "b": "2",
}
# Anybody may open these: they show nothing of an organization.
PUBLIC = re.compile(
    r"^/(account/|docs/|healthz|readyz|metrics|join/|partner/|api/schema|api/docs|\.well-known/|styleguide/|spiffe/|stores/public/"
    # A distress notice is handed in by whoever holds it, and the schemas of notices are no secret.
    r"|distress/|api/v1/distress-notices|api/v1/notice-schemas/|mail-key\.asc)"
)


def _value(name: str, converter: str) -> str:
    if converter == "uuid" or name.endswith("_id"):
        return SOME_ID
    if name in VALUES:
        return VALUES[name]
    return {"int": "1", "slug": "some-name", "str": "text", "path": "a/b"}.get(converter, SOME_ID)


def _fill(pattern: str, route: bool) -> str:
    if route:
        pattern = re.sub(r"<(?:(\w+):)?(\w+)>", lambda found: _value(found[2], found[1] or "str"), pattern)
        return pattern.replace("\\Z", "")
    # A regular expression: its named groups are filled in, the rest of it must be plain text.
    while found := re.search(r"\(\?P<(\w+)>((?:[^()\[\]]|\[[^\]]*\])*)\)", pattern):
        pattern = pattern[: found.start()] + _value(found[1], "str") + pattern[found.end() :]
    return pattern.strip("^$").replace("\\", "")


def addresses(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Yield every (path, pattern) of the URL table, with its placeholders filled in."""
    for each in (resolver or get_resolver()).url_patterns:
        path = prefix + _fill(str(each.pattern), isinstance(each.pattern, RoutePattern))
        if isinstance(each, URLResolver):
            yield from addresses(each, path)
        else:
            yield path, each


ALL = sorted(dict(addresses()).items())
PATHS = [path for path, _ in ALL]
OWN = [path for path in PATHS if not PUBLIC.match(path)]
# The pull and the report of an agent also know consumers, who are no members and have no rights: tests/attacks/test_store_*.py
# show who may.
PULLS = re.compile(
    r"^/api/v1/(trust-stores/[^/]+/(current$|(current|versions/\d+)\.|adoption/report$)|spiffe-bundle-map$|trust-store-set$|merged-exports/[^/]+\.pem$)"
)
API = [
    (path, pattern)
    for path, pattern in ALL
    if path.startswith("/api/v1/") and not PULLS.match(path) and not PUBLIC.match(path)
]
OF_A_PARTNERSHIP = [path for path in OWN if "/alder-birch" in path]


def ask(client: Client, method: str, path: str):
    """Ask as a browser or program would, without raising what the portal answers 500 for."""
    client.raise_request_exception = False
    if method == "POST" and path.startswith("/api/"):
        return client.post(path, {}, content_type="application/json")
    return client.generic(method, path) if method != "POST" else client.post(path, {})


def facts() -> int:
    """Return how many facts were recorded: asking must not add one."""
    return Event.objects.count()


class TestNobody:
    def test_learns_and_changes_nothing(self, cast):
        before, wrong = facts(), []
        for path in OWN:
            for method in ("GET", "POST"):
                answer = ask(Client(), method, path)
                if path.startswith(("/api/", "/trust/")):
                    document = answer["Content-Type"].startswith("application/problem+json")
                    right = answer.status_code in (401, 405) and document
                else:
                    to_sign_in = "/account/login" in answer.headers.get("Location", "")
                    right = answer.status_code in (403, 405) or (answer.status_code == 302 and to_sign_in)
                if not right:
                    wrong.append((method, path, answer.status_code))

        assert wrong == []
        assert facts() == before


class TestStranger:
    def test_gets_what_does_not_exist(self, cast):
        before, wrong = facts(), []
        for who in ("officer", "admin"):
            client = getattr(cast.cedar, who).client()
            for path in OF_A_PARTNERSHIP:
                for method in ("GET", "POST"):
                    there = ask(client, method, path).status_code
                    nowhere = ask(client, method, path.replace("alder-birch", "nobody-nowhere")).status_code
                    if there != nowhere or there not in (403, 404, 405):
                        wrong.append((who, method, path, there, nowhere))

        assert wrong == []
        assert facts() == before


class TestEveryMember:
    @pytest.mark.parametrize("who", ["admin", "officer", "verifier", "responder", "viewer"])
    def test_changes_nothing_by_opening_a_page(self, cast, who):
        before, client, wrong = facts(), getattr(cast.alder, who).client(), []
        for path in PATHS:
            answer = ask(client, "GET", path)
            if answer.status_code >= 500 and path != "/readyz":
                wrong.append((path, answer.status_code))

        assert wrong == []
        assert facts() == before

    @pytest.mark.parametrize("who", ["admin", "officer", "viewer"])
    def test_gets_a_refusal_and_never_a_crash_for_an_empty_form(self, cast, who):
        wrong = []
        for path in OWN:
            answer = ask(getattr(cast.alder, who).client(), "POST", path)
            if answer.status_code >= 500:
                wrong.append((path, answer.status_code))

        assert wrong == []


def view_of(pattern: URLPattern):
    """Return the class behind an address of the API."""
    return getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)


class TestTheApi:
    def test_names_the_right_that_each_method_needs(self):
        for path, pattern in API:
            view = view_of(pattern)
            offered = {method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(view, method.lower())}

            assert offered - set(getattr(view, "rights", {})) == set(), path
            assert all(isinstance(right, Right) for right in view.rights.values()), path

    def test_refuses_members_without_the_right(self, cast):
        people = {
            Role.ADMIN: cast.alder.admin,
            Role.OFFICER: cast.alder.officer,
            Role.VERIFIER: cast.alder.verifier,
            Role.VIEWER: cast.alder.viewer,
        }
        wrong = []
        for role, person in people.items():
            client = person.client()
            for path, pattern in API:
                for method, right in view_of(pattern).rights.items():
                    if not may(right, role=role, responder=False):
                        status = ask(client, method, path).status_code
                        if status not in (403, 405):
                            wrong.append((role, method, path, status))

        assert wrong == []
