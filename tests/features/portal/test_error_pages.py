"""Error pages say what to do next, and the last ones are drawn when nothing else works."""

import pytest
from django.test import Client, RequestFactory

from portal import error_pages, errors
from portal.middleware import Refusals


class Broken:
    """A request whose every lazy part fails, as with the database away."""

    def __bool__(self):
        raise ConnectionError("the database is away")

    __str__ = __getattr__ = lambda self, *_: self.__bool__()


def asked(path="/p/halden/"):
    request = RequestFactory().get(path)
    request.id = "0123456789abcdef"
    request.user = request.session = Broken()
    return request


def refused(refusal, path="/p/halden/"):
    return Refusals(lambda request: None).process_exception(asked(path), refusal)


class TestStaticPages:
    def test_a_mistake_of_ours_is_told_without_user_session_or_database(self):
        page = error_pages.server_error(asked())

        assert page.status_code == 500
        assert b"remove the certificate yourself" in page.content.lower()
        assert b"0123456789abcdef" in page.content

    @pytest.mark.parametrize(
        ("refusal", "status"),
        [(errors.Unavailable("gpg is missing."), 503), (errors.TooMany("Wait a minute.", retry_after=60), 429)],
    )
    def test_being_unavailable_is_too(self, refusal, status):
        page = refused(refusal)

        assert page.status_code == status
        assert refusal.sentence.encode() in page.content
        assert b"printed runbook" in page.content

    def test_too_many_says_when_to_come_back(self):
        assert refused(errors.TooMany("Wait.", retry_after=90))["Retry-After"] == "90"


@pytest.mark.django_db
class TestPages:
    @pytest.mark.parametrize(
        "path", ["/api/v1/trust-stores/%00/deny-list", "/trust/%00/ca", "/consumers/%00/", "/p/a%00b/"]
    )
    def test_there_is_nothing_behind_an_address_with_a_nul(self, client, path):
        assert client.get(path).status_code == 404

    @pytest.mark.parametrize("status", [400, 403, 404])
    def test_of_the_signed_out_have_one_heading_and_a_way_on(self, client, status):
        from django.core.exceptions import PermissionDenied, SuspiciousOperation
        from django.http import Http404

        request = client.get("/account/login/").wsgi_request
        handler, error = {
            400: (error_pages.bad_request, SuspiciousOperation()),
            403: (error_pages.forbidden, PermissionDenied()),
            404: (error_pages.not_found, Http404()),
        }[status]

        page = handler(request, error)

        assert page.status_code == status
        assert page.content.count(b"<h1") == 1
        assert b'href="/"' in page.content

    def test_a_conflict_says_who_was_faster_and_leads_back(self, client):
        request = client.get("/account/login/").wsgi_request
        refusal = errors.Conflict("Ana Ribeiro published v9 while you were looking.", fix="See what changed.")

        page = Refusals(lambda request: None).process_exception(request, refusal)

        assert page.status_code == 409
        assert b"Ana Ribeiro published v9 while you were looking." in page.content

    def test_words_of_a_refusal_are_escaped(self, client):
        request = client.get("/account/login/").wsgi_request

        page = Refusals(lambda request: None).process_exception(request, errors.Invalid("<script>alert(1)</script>"))

        assert b"<script>alert" not in page.content

    def test_an_address_that_is_not_there_is_answered_alike_for_everybody(self, client):
        page = client.get("/account/nothing/")

        assert page.status_code == 404
        assert b"There is nothing here for you" in page.content


@pytest.mark.django_db
class TestAddressesOfPrograms:
    @pytest.mark.parametrize(
        "address",
        [
            "/trust/%00/ca",
            "/trust/a%2fb%C2%89/ca",
            "/trust/alder/ca?x=%00",
            "/spiffe/%00/",
            "/spiffe/birch/x/y",
            "/api/v1/%00",
        ],
    )
    def test_never_answer_with_a_page(self, client, address):
        answer = client.get(address)

        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


class TestForms:
    def test_of_an_earlier_sign_in_lead_back_to_their_page(self, cast):
        client = Client(enforce_csrf_checks=True)
        client.cookies = cast.birch.officer.client().cookies
        here = "http://testserver/profile/"

        page = client.post("/profile/", {"name": "Eve"}, headers={"referer": here})
        elsewhere = client.post("/profile/", {"name": "Eve"}, headers={"referer": "https://elsewhere.example/"})

        assert (page.status_code, elsewhere.status_code) == (403, 403)
        assert b"This page is from before you signed in." in page.content
        assert b"Nothing was changed." in page.content
        assert f'href="{here}">Load the page again'.encode() in page.content
        assert b"elsewhere.example" not in elsewhere.content
        cast.birch.officer.user.refresh_from_db()
        assert cast.birch.officer.user.name != "Eve"

    def test_that_are_too_large_say_so(self, cast, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

        page = cast.birch.officer.client().post("/profile/", {"name": "x" * 2000})

        assert page.status_code == 413
        assert b"What you sent is over the size limit." in page.content

    def test_take_no_name_that_turns_the_text_of_others_around(self, cast):
        client = cast.birch.officer.client()
        known = {"time_zone": "UTC", "theme": "system"}

        refused = client.post("/profile/", {"name": "\u202eeuqirnE", **known})
        taken = client.post("/profile/", {"name": "مريم الحسن", **known})

        assert (refused.status_code, taken.status_code) == (400, 302)
        assert b"Use letters, digits, spaces and punctuation only." in refused.content
