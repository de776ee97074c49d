"""Every address of the portal, asked by those who should get nothing: nobody, a stranger, and people without the right.

The addresses come from the URL table itself, so a new one is tested the moment it exists.
"""

import re
import uuid
from collections.abc import Iterator

import pytest
from django.conf import settings
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
    r"|distress/|api/v1/distress-notices|api/v1/notice-schemas/)"
)


def _value(name: str, converter: str) -> str:
    if converter == "uuid":
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
PULLS = re.compile(r"^/api/v1/trust-stores/[^/]+/((current|versions/\d+)\.|adoption/report$)")
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


class TestNobody:
    @pytest.mark.parametrize("path", OWN)
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_learns_and_changes_nothing(self, cast, method, path):
        answer = ask(Client(), method, path)

        if path.startswith("/api/"):
            assert answer.status_code in (401, 405)
            assert answer["Content-Type"].startswith("application/problem+json")
        else:
            assert answer.status_code in (302, 403, 405), answer.status_code
            if answer.status_code == 302:
                assert settings.LOGIN_URL in answer["Location"] or "/account/login" in answer["Location"]
        assert not Event.objects.exists()


class TestStranger:
    @pytest.mark.parametrize("path", OF_A_PARTNERSHIP)
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_gets_what_does_not_exist(self, cast, method, path):
        for who in ("officer", "admin"):
            there = ask(getattr(cast.cedar, who).client(), method, path)
            nowhere = ask(getattr(cast.cedar, who).client(), method, path.replace("alder-birch", "nobody-nowhere"))

            assert there.status_code == nowhere.status_code
            assert there.status_code in (403, 404, 405)
        assert not Event.objects.exists()


class TestEveryMember:
    @pytest.mark.parametrize("path", PATHS)
    def test_changes_nothing_by_opening_a_page(self, cast, path):
        if "logout" in path:
            pytest.skip("allauth's own page; it asks before it signs out")
        for who in ("admin", "officer", "verifier", "responder", "viewer"):
            answer = ask(getattr(cast.alder, who).client(), "GET", path)

            assert answer.status_code < 500 or path == "/readyz", (who, answer.status_code)
        assert not Event.objects.exists()

    @pytest.mark.parametrize("path", OWN)
    def test_gets_a_refusal_and_never_a_crash_for_an_empty_form(self, cast, path):
        for who in ("admin", "officer", "viewer"):
            answer = ask(getattr(cast.alder, who).client(), "POST", path)

            assert answer.status_code < 500, (who, answer.status_code)


class TestTheApi:
    @pytest.mark.parametrize(("path", "pattern"), API, ids=[path for path, _ in API])
    def test_names_the_right_that_each_method_needs(self, path, pattern):
        view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        offered = {method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(view, method.lower())}

        assert offered - set(getattr(view, "rights", {})) == set()
        assert all(isinstance(right, Right) for right in view.rights.values())

    @pytest.mark.parametrize(("path", "pattern"), API, ids=[path for path, _ in API])
    def test_refuses_members_without_the_right(self, cast, path, pattern):
        view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        people = {
            Role.ADMIN: cast.alder.admin,
            Role.OFFICER: cast.alder.officer,
            Role.VERIFIER: cast.alder.verifier,
            Role.VIEWER: cast.alder.viewer,
        }
        for method, right in view.rights.items():
            for role, person in people.items():
                if not may(right, role=role, responder=False):
                    assert ask(person.client(), method, path).status_code in (403, 405)
