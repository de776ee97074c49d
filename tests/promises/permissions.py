"""Who gets what at every address: the table beside this file, and what really asking every address says.

``python -m tests.promises.permissions`` asks everything and writes the table and docs/permissions.md anew; with names of addresses
it asks only those, with ``new`` those that have no row yet. Read the difference before you commit it: each cell is a promise
about who may do what.
"""

import csv
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from unittest import mock

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()

from allauth.mfa.models import Authenticator
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from rest_framework.throttling import ScopedRateThrottle

from portal.audit.models import Event
from portal.organizations.rules import Right, Scope
from tests.makers import world as worlds

TABLE = Path(__file__).with_suffix(".tsv")
DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "permissions.md"
# Members of Birch, whose things they are; then the partner's officer, a stranger's officer, the operator, and nobody.
MEMBERS = ("admin", "officer", "verifier", "responder", "viewer")
OTHERS = ("partner", "stranger", "operator", "nobody")
PEOPLE = (*MEMBERS, *OTHERS)
# Programs of Birch: a token of each single scope, and the token of a consumer.
PROGRAMS = (*(scope.value for scope in Scope), "consumer")
LOGIN = "login"
# What Django and DRF say of an empty field: it names no way out, so nobody is to read it.
NAMES_NO_FIX = (b"This field is required", b"This field may not be", b"No file was submitted")
MONTH = timedelta(days=30)
# Answers that say that somebody may not, whatever they send.
REFUSED = frozenset({"401", "403", "404", "405", LOGIN})
# Answered by the same address for everybody, member or not; their forms are allauth's.
OF_ALLAUTH = re.compile(r"^/account/")


@dataclass(frozen=True)
class Address:
    """One entry of the URL table."""

    name: str
    route: str
    pattern: URLPattern

    @property
    def view(self) -> Any:
        """Return the class behind the address, or None for a function."""
        return getattr(self.pattern.callback, "view_class", None) or getattr(self.pattern.callback, "cls", None)

    @property
    def is_api(self) -> bool:
        return self.route.startswith("/api/v1/") or self.name == "api_store_pull_short"

    @property
    def rights(self) -> dict[str, Right]:
        """Return the right that each method needs, as the view says; empty for pages and for what anybody may ask."""
        return getattr(self.view, "rights", {})

    def path(self, world: worlds.World) -> str:
        """Return the address with its placeholders filled in from the world."""
        return re.sub(r"<(\w+)>", lambda found: str(world.value(self.name, found[1])), self.route)


def _shown(pattern: Any) -> str:
    """Return a pattern with its placeholders as ``<name>``."""
    if isinstance(pattern, RoutePattern):
        return re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", str(pattern)).replace("\\Z", "")
    text = str(pattern)
    while found := re.search(r"\(\?P<(\w+)>(?:[^()\[\]]|\[[^\]]*\])*\)", text):
        text = f"{text[: found.start()]}<{found[1]}>{text[found.end() :]}"
    return text.strip("^$").replace("\\", "")


def addresses(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[Address]:
    """Yield every address of the URL table."""
    for each in (resolver or get_resolver()).url_patterns:
        route = prefix + _shown(each.pattern)
        if isinstance(each, URLResolver):
            yield from addresses(each, route)
        else:
            yield Address(each.name or route, route, each)


def methods(address: Address) -> list[str]:
    """Return the methods that an address may offer, as far as its view says so; GET and POST for a function."""
    if address.rights:
        return list(address.rights)
    if address.view is None or OF_ALLAUTH.match(address.route):
        return ["GET", "POST"]
    return [each for each in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(address.view, each.lower())]


class Asker:
    """Everybody at their browsers and terminals, in a world in which nothing that they do lasts."""

    def __init__(self, world: worlds.World) -> None:
        self.world = world
        cast = world.cast
        self._client = Client(raise_request_exception=False)
        self._cookies = {who: dict(_morsels(getattr(cast.birch, who).client())) for who in MEMBERS}
        self._cookies["partner"] = dict(_morsels(cast.alder.officer.client()))
        self._cookies["stranger"] = dict(_morsels(cast.cedar.officer.client()))
        operator = Client()
        operator.force_login(cast.olga)
        Authenticator.objects.create(user=cast.olga, type=Authenticator.Type.TOTP, data={"secret": "unused"})
        self._cookies["operator"] = dict(_morsels(operator))
        _stay_stepped_up()
        self._tokens: dict[str, str] = {scope.value: secret for scope, secret in world.tokens.items()}
        self._tokens["consumer"] = world.consumer_token

    def ask(self, who: str, method: str, path: str) -> str:
        """Return the status that somebody gets, or ``login`` for the way to the sign-in page. Nothing is kept of what it did.

        Raises AssertionError when a fact was recorded although the answer was a refusal, or by looking; and when the answer says
        that a field is empty and not what to do about it.
        """
        headers = {}
        self._client.cookies = SimpleCookie(self._cookies.get(who, {}))
        if who in self._tokens:
            headers["authorization"] = f"Bearer {self._tokens[who]}"
        # An empty body for programs; from people a form with none of the fields that it has.
        given: dict[str, Any] = (
            {"content_type": "application/json"} if path.startswith("/api/") else {"data": {"none": "1"}}
        )
        unlimited = mock.patch.object(ScopedRateThrottle, "allow_request", return_value=True)
        with unlimited, transaction.atomic():
            before = Event.objects.count()
            answer = getattr(self._client, method.lower())(path, headers=headers, **({} if method == "GET" else given))
            recorded = Event.objects.count() - before
            transaction.set_rollback(True)
        if answer.status_code == 400:
            assert not any(each in answer.content for each in NAMES_NO_FIX), (who, method, path)
        if "/account/login/" in answer.headers.get("Location", "") and not OF_ALLAUTH.match(path):
            outcome = LOGIN
        else:
            outcome = str(answer.status_code)
        assert not (recorded and (method == "GET" or answer.status_code >= 400 or outcome == LOGIN)), (
            who,
            method,
            path,
        )
        return outcome


def _stay_stepped_up() -> None:
    """Let the second factors just given last for as long as the asking takes."""
    for stored in Session.objects.all():
        session = SessionStore(stored.session_key)
        for record in session.get("account_authentication_methods", []):
            record["at"] += MONTH.total_seconds()
        session.modified = True
        session.save()


def _morsels(client: Client) -> Iterable[tuple[str, str]]:
    return ((name, morsel.value) for name, morsel in client.cookies.items())


Row = dict[str, str]
COLUMNS = ("address", "method", "route", "right", *PEOPLE, *PROGRAMS)


def read() -> dict[tuple[str, str], Row]:
    """Return the table by name of address and method."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {(row["address"], row["method"]): row for row in csv.DictReader(file, delimiter="\t")}


def columns(address: Address) -> tuple[str, ...]:
    """Return who is asked about at an address: programs only where there is something for programs."""
    return (*PEOPLE, *PROGRAMS) if address.is_api else PEOPLE


def found(asker: Asker, address: Address, method: str, who: Iterable[str]) -> dict[str, str]:
    """Return what each of ``who`` gets."""
    path = address.path(asker.world)
    return {each: asker.ask(each, method, path) for each in who}


def measure(asker: Asker, only: Iterable[str] = ()) -> list[Row]:
    """Ask everything, or only the addresses with these names, and return the rows of the table."""
    assert all(address.path(asker.world) for address in addresses())
    rows: list[Row] = []
    known_rows, asked = read() if only else {}, set(only)
    if asked == {"new"}:
        asked = {address.name for address in addresses()} - {name for name, _ in known_rows}
    for address in sorted(addresses(), key=lambda each: (each.route, each.name)):
        for method in methods(address):
            if only and address.name not in asked:
                rows += [row for key, row in known_rows.items() if key == (address.name, method)]
            elif offered(asker, address, method):
                known = {"address": address.name, "method": method, "route": address.route}
                answers = found(asker, address, method, columns(address))
                rows.append({**known, "right": address.rights.get(method, ""), **answers})
    return rows


def offered(asker: Asker, address: Address, method: str) -> bool:
    """Say whether the table has a row for a method: somebody gets an answer that is not 405, or it is GET.

    Where only acts are offered, the row for GET is the promise that no link starts them.
    """
    path = address.path(asker.world)
    return method == "GET" or any(asker.ask(who, method, path) not in ("405", LOGIN) for who in ("officer", "nobody"))


def write(rows: Iterable[Row]) -> None:
    """Write the table."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def may(cell: str) -> bool:
    """Say whether an answer means that somebody may: what they sent may still be wrong, or come at the wrong time."""
    return cell not in REFUSED


HEAD = """# Who may do what

Every address, who may use it, and what the others get, as a test finds by really asking all of them. *Members* are those of
the organization whose things these are. The partner is their partner's security officer; *by what is sent* says that the
address reads what they send before it refuses. To everybody else it looks as if nothing were there: a stranger gets 404 (or,
for want of the right, the same 403 for what exists and what does not), the operator of the portal is a stranger everywhere but
at the operator's own pages, and whoever is not signed in is sent to the sign-in, or answered 401. Tokens are listed by scope;
acts that need a person are in no scope. Beyond the right, acts that add trust need a second factor given within five minutes,
and another person.
"""


def text() -> str:
    """Return docs/permissions.md as the table has it."""
    rows = read().values()
    everybody = [row for row in rows if may(row["nobody"])]
    api = [row for row in rows if row not in everybody and row["route"].startswith("/api/")]
    pages = [row for row in rows if row not in everybody and row not in api]
    parts = [
        HEAD,
        "## API\n",
        "| Address | Method | Members who may | Partner | Tokens with |",
        "| --- | --- | --- | --- | --- |",
    ]
    parts += [f"{_line(row)} {_programs(row)} |" for row in api]
    shared = [row for row in pages if row["route"].startswith("/p/")]
    for title, found in (
        ("Pages of an organization", [row for row in pages if row not in shared]),
        ("Pages of a partnership", shared),
    ):
        parts += ["", f"## {title}\n", "| Address | Method | Members who may | Partner |", "| --- | --- | --- | --- |"]
        parts += [_line(row) for row in found]
    parts += ["", "## Open to everybody\n", "They show nothing of an organization.\n"]
    parts += [f"* {row['method']} `{row['route']}`" for row in everybody]
    return "\n".join(parts) + "\n"


def _line(row: Row) -> str:
    who = [each for each in MEMBERS if may(row[each])]
    nobody = "only the operator" if may(row["operator"]) else "none"
    members = "all" if len(who) == len(MEMBERS) else ", ".join(who) or nobody
    partner = {"2": "yes", "3": "yes", "4": "by what is sent"}[row["partner"][0]] if may(row["partner"]) else "no"
    partner = "hidden" if row["partner"] == "404" else partner
    return f"| `{row['route']}` | {row['method']} | {members} | {partner} |"


def _programs(row: Row) -> str:
    return ", ".join(each for each in PROGRAMS if may(row[each])) or "none"


def main() -> None:
    from django.conf import settings
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment()
    settings.MIGRATION_MODULES = dict.fromkeys(("portal", "trust", "notifications"))
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with transaction.atomic():
            write(measure(Asker(worlds.made()), sys.argv[1:]))
            DOCUMENT.write_text(text(), encoding="utf-8")
            transaction.set_rollback(True)
    finally:
        teardown_databases(databases, verbosity=0)


if __name__ == "__main__":
    main()
    sys.exit(0)
