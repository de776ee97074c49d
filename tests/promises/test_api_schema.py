"""The API does what its schema says: schemathesis asks every operation, with what fits and with what does not.

Its checks: no mistake of the portal; no status code, media type or header that is not written down; every body as its schema
says; wrong input refused; no answer without a token that is good. What is refused for a reason outside the operations (unknown
addresses, wrong methods, media types and broken bodies) is a problem document as well.
"""

import json
import re
from typing import Any

import pytest
import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from rest_framework.throttling import ScopedRateThrottle
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from portal.organizations import services as organizations
from portal.organizations.rules import Scope
from tests.makers import world as worlds
from tests.moments import EVERYTHING_VALID
from tests.promises import permissions

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]
EXAMPLES = 5  # of each kind for an operation, the same in every run
# What counts here must be signed, exist, or be base64 of something readable, which a schema cannot say. So much that fits is
# refused for a good reason, and that it is, is no finding.
LEFT_OUT = [positive_data_acceptance]


def _schema() -> Any:
    described = SchemaGenerator().get_schema(request=None, public=True)
    schema = schemathesis.openapi.from_dict(described)
    schema.app = get_wsgi_application()
    return schema


SCHEMA = _schema()
OPERATIONS = {operation.label: operation for operation in (each.ok() for each in SCHEMA.get_all_operations())}
ADDRESSES = {address.route: address for address in permissions.addresses() if address.is_api}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """One of everything, for the whole file; nothing of it is kept."""
    # A server closes its connections between requests; here they belong to the transaction.
    signals.request_started.disconnect(close_old_connections)
    signals.request_finished.disconnect(close_old_connections)
    with django_db_blocker.unblock(), transaction.atomic():
        yield worlds.made()
        transaction.set_rollback(True)
    signals.request_started.connect(close_old_connections)
    signals.request_finished.connect(close_old_connections)


@pytest.fixture(scope="module")
def token(world) -> str:
    """A token that may do everything that tokens may."""
    _, secret = organizations.create_api_token(
        name="everything",
        scopes=list(Scope),
        lifetime=permissions.MONTH,
        actor=world.cast.birch.admin.actor,
        now=EVERYTHING_VALID,
    )
    return secret


@pytest.fixture(autouse=True)
def _without_limits_of_rate(monkeypatch):
    monkeypatch.setattr(ScopedRateThrottle, "allow_request", lambda *_: True)


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_operation_does_what_the_schema_says(label, world, token):
    operation = OPERATIONS[label]
    address = ADDRESSES[operation.path.replace("{", "<").replace("}", ">")]
    known = {each.name: str(world.value(address.name, each.name)) for each in operation.path_parameters}
    headers = {"Authorization": f"Bearer {token}"}

    def ask(case: Any) -> None:
        with transaction.atomic():
            try:
                case.call_and_validate(headers=headers, excluded_checks=LEFT_OUT)
            finally:
                transaction.set_rollback(True)

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        fixed = settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        try:
            fixed(given(case=operation.as_strategy(mode, path_parameters=known or None))(ask))()
        except Unsatisfiable:
            # An operation without parameters takes nothing that could be wrong.
            assert mode is GenerationMode.NEGATIVE


def test_every_address_of_the_api_is_in_the_schema():
    described = {operation.path.replace("{", "<").replace("}", ">") for operation in OPERATIONS.values()}

    assert set(ADDRESSES) - described == set()


def test_the_schema_is_made_without_a_complaint(capsys):
    SchemaGenerator().get_schema(request=None, public=True)

    assert capsys.readouterr().err == ""


class TestRefusals:
    """Problem documents (RFC 9457) whatever is wrong."""

    @pytest.fixture
    def ask(self, world, token):
        client = Client(raise_request_exception=False)

        def asked(method: str, path: str, **more: Any) -> Any:
            with transaction.atomic():
                answer = client.generic(method, path, headers={"authorization": f"Bearer {token}"}, **more)
                transaction.set_rollback(True)
            return answer

        return asked

    def wrong(self, answer: Any, status: int) -> bool:
        """Say whether an answer is no problem document with this status."""
        if answer.status_code != status or answer["Content-Type"] != "application/problem+json":
            return True
        document = json.loads(answer.content)
        return not ({"type", "title", "status", "code", "detail"} <= set(document)) or document["status"] != status

    @pytest.mark.parametrize(
        "path", ["/api/", "/api/v1/", "/api/v2/keys", "/api/v1/keys/", "/api/v1/no%00thing", "/api/v1/kéys"]
    )
    def test_an_unknown_address(self, ask, path):
        assert not self.wrong(ask("GET", path), 404)
        assert not self.wrong(ask("POST", path, data=b"{", content_type="application/json"), 404)

    def test_a_method_that_is_not_offered(self, ask, world):
        for address in ADDRESSES.values():
            for method in {"POST", "PUT", "PATCH", "DELETE"} - set(permissions.methods(address)):
                answer = ask(method, address.path(world))
                assert not self.wrong(answer, 405), (method, address.route, answer.status_code)
                assert answer["Allow"], address.route

    # As many hexadecimal digits and hyphens as an id has, and none; more than a number holds; what no text holds.
    @pytest.mark.parametrize(
        "name", ["0d7-007ac20e22e612192c0f0e0857cb1159", "9" * 40, "-" * 36, "%00", "%C2%84", "%F3%BB"]
    )
    def test_a_name_in_the_address_that_is_none(self, ask, name):
        for address in ADDRESSES.values():
            path = re.sub(r"<[^>]+>", name, address.route)
            for method in permissions.methods(address):
                answer = ask(method, path, data=b"{}", content_type="application/json")
                if "<" in address.route and answer.status_code != 200:
                    assert not self.wrong(answer, answer.status_code), (method, path, answer.status_code)
                    assert answer.status_code < 500, (method, path)

    @pytest.mark.parametrize(
        "body", [b'{"half', b"[" * 100_000, b'{"a":' * 2_000 + b"1" + b"}" * 2_000], ids=["half", "deep", "nested"]
    )
    def test_a_body_that_is_no_json(self, ask, world, body):
        for address, method in changing():
            answer = ask(method, address.path(world), data=body, content_type="application/json")
            if answer.status_code not in (403, 404, 409):
                assert not self.wrong(answer, 400), (method, address.route, answer.status_code, answer.content[:200])

    def test_a_media_type_that_is_not_taken(self, ask, world):
        for address, method in changing():
            answer = ask(method, address.path(world), data=b"a,b", content_type="text/csv")
            if "*/*" not in {
                parser.media_type for parser in address.view.parser_classes
            } and answer.status_code not in (*(403, 404, 409),):
                assert not self.wrong(answer, 415), (method, address.route, answer.status_code)

    def test_a_token_that_is_not_known(self, world):
        for address in ADDRESSES.values():
            if not address.rights:
                continue
            for method in permissions.methods(address):
                answer = Client().generic(method, address.path(world), headers={"authorization": "Bearer txa_unknown"})
                assert not self.wrong(answer, 401), (method, address.route)
                assert answer["WWW-Authenticate"].startswith("Bearer")


def changing() -> list[tuple[permissions.Address, str]]:
    """Return every operation that takes a body."""
    with_body = [operation for operation in OPERATIONS.values() if operation.body]
    return [
        (ADDRESSES[operation.path.replace("{", "<").replace("}", ">")], operation.method.upper())
        for operation in with_body
    ]
