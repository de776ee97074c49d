"""Signing in: one neutral sentence, a second factor for everybody, and pages that ask nothing of a data: address."""

import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.test import Client

from tests.cast import TOTP_SECRET

PASSWORD = "correct horse battery"


def code() -> str:
    return format_hotp_value(hotp_value(TOTP_SECRET, int(time.time()) // 30))


def sign_in(client: Client, email: str, password: str = PASSWORD, **more):
    return client.post("/account/login/", {"login": email, "password": password, **more})


class TestSignIn:
    def test_says_the_same_for_a_wrong_password_and_an_unknown_address(self, cast, client):
        wrong = sign_in(client, cast.alder.officer.user.email, "not the password")
        unknown = sign_in(client, "nobody@nowhere.example", "not the password")

        for answer in (wrong, unknown):
            assert "That did not work. Check the address and code." in answer.content.decode()
        strip = str.maketrans("", "", "\n ")
        assert len(wrong.content.decode().translate(strip)) == pytest.approx(
            len(unknown.content.decode().translate(strip)), abs=80
        )

    def test_asks_for_the_second_factor_and_returns_to_the_page_that_was_asked_for(self, cast, client):
        first = sign_in(client, cast.alder.officer.user.email, next="/n/AL-2026-001")
        second = client.post("/account/2fa/authenticate/", {"code": code()})

        assert first["Location"].startswith("/account/2fa/authenticate/")
        assert second["Location"] == "/n/AL-2026-001"

    def test_says_the_same_neutral_thing_for_a_wrong_code(self, cast, client):
        sign_in(client, cast.alder.officer.user.email)

        page = client.post("/account/2fa/authenticate/", {"code": "000000"}).content.decode()

        assert "That did not work. Check the code." in page

    def test_leads_nowhere_outside_afterwards(self, cast, client):
        sign_in(client, cast.alder.officer.user.email, next="https://evil.example/")

        answer = client.post("/account/2fa/authenticate/", {"code": code()})

        assert answer["Location"] == "/"

    def test_is_by_invitation_only(self, client, db):
        page = client.get("/account/signup/")

        assert b"By invitation only" in page.content

    def test_tells_who_signs_out_what_goes_on_and_changes_nothing_by_looking(self, cast):
        client = cast.alder.officer.client()

        page = client.get("/account/logout/")

        assert b"You stop getting into the portal" in page.content
        assert client.get("/").status_code == 200


class TestSettingUpTheApp:
    @pytest.fixture
    def newcomer(self, cast):
        """A member who joined a moment ago and has no second factor."""
        person = cast.alder.viewer
        person.user.authenticator_set.all().delete()
        client = Client()
        client.force_login(person.user)
        session = client.session
        session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
        session["account_authentication_methods_user"] = str(person.user.pk)
        session.save()
        return client

    def test_is_where_everybody_without_a_second_factor_is_led(self, newcomer):
        assert newcomer.get("/")["Location"] == "/account/2fa/totp/activate/"

    def test_draws_the_code_in_the_page_and_not_as_a_data_address(self, newcomer):
        page = newcomer.get("/account/2fa/totp/activate/").content.decode()

        assert '<div class="qr" role="img"' in page
        assert "<svg" in page.split('class="qr"')[1][:200]
        assert "data:image" not in page
        assert "<?xml" not in page

    def test_keeps_the_secret_when_the_code_was_mistyped(self, newcomer):
        secret = newcomer.get("/account/2fa/totp/activate/").context["form"].secret

        again = newcomer.post("/account/2fa/totp/activate/", {"code": "000000"})

        assert "That did not work. Check the code." in again.content.decode()
        assert secret in again.content.decode()


class TestPages:
    @pytest.mark.parametrize(
        ("address", "heading"),
        [
            ("/account/2fa/", "Sign-in methods"),
            ("/account/2fa/webauthn/", "Passkeys and security keys"),
            ("/account/sessions/", "Where you are signed in"),
            ("/account/password/change/", "Change the password"),
            ("/account/reauthenticate/", "Confirm that it is you"),
        ],
    )
    def test_have_our_words_and_one_heading(self, cast, address, heading):
        answer = cast.alder.officer.client().get(address, follow=True)

        page = answer.content.decode()
        assert page.count("<h1") == 1
        assert heading in page

    def test_of_sessions_names_the_browser_and_keeps_what_it_sent(self, cast):
        sent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        person = cast.alder.officer.client()
        UserSession.objects.create(
            user=cast.alder.officer.user, ip="192.0.2.7", user_agent=sent, session_key=person.session.session_key
        )

        page = person.get("/account/sessions/").content.decode()

        assert "Firefox on Linux" in page
        assert sent in page
