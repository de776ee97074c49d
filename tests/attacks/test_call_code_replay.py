"""Somebody replays a call code, or uses the partner's session after sign-out."""

import pytest
from django.urls import reverse

from portal import errors
from tests.makers import calls
from trust.verifications import services
from trust.verifications.models import Verification

pytestmark = pytest.mark.django_db


def enter(cast, call, code, now):
    return services.enter_call_code(verification=call, code=code, actor=cast.birch.verifier.actor, now=now)


def test_a_code_works_once(cast, now):
    call, code = calls.joined(cast)
    assert enter(cast, call, code, now).matched

    with pytest.raises(errors.Conflict) as refusal:
        enter(cast, call, code, now)

    assert refusal.value.code == "wrong_step"
    call.refresh_from_db()
    assert call.call_code == ""


def test_a_code_from_before_the_pause_is_worth_nothing(cast, now):
    call, code = calls.joined(cast)
    enter(cast, call, code, now)
    services.pause(verification=call, actor=cast.birch.verifier.actor, now=now)
    services.resume(verification=call, actor=cast.birch.verifier.actor, now=now)

    with pytest.raises(errors.Conflict) as refusal:
        enter(cast, call, code, now)

    assert refusal.value.code == "not_joined"


def test_an_older_code_of_the_same_call_is_worth_nothing(cast, now):
    call, first = calls.joined(cast)
    _, second = calls.joined(cast, call)
    while second == first:
        _, second = calls.joined(cast, call)

    assert not enter(cast, call, first, now).matched


def test_a_code_of_another_call_is_worth_nothing(cast, now):
    _, code = calls.joined(cast)
    other, own = calls.joined(cast)
    while own == code:
        _, own = calls.joined(cast, other)

    assert not enter(cast, other, code, now).matched


class TestThePartnersSession:
    def address(self, cast, call):
        return reverse("verification_call", args=[cast.partnership.slug, call.number])

    def join(self, cast, client, call):
        client.post(reverse("verification_act", args=[cast.partnership.slug, call.number, "join"]))
        return client.get(self.address(cast, call)).content.decode()

    def test_shows_the_code_and_another_session_of_the_same_person_does_not(self, cast):
        call = calls.started(cast)
        first, second = cast.alder.verifier.client(), cast.alder.verifier.client()

        page = self.join(cast, first, call)

        assert "codebig" in page
        assert 'class="codebig" dir="ltr"' not in second.get(self.address(cast, call)).content.decode()

    def test_used_after_sign_out_shows_nothing_and_voids_the_code(self, cast, now):
        call = calls.started(cast)
        client = cast.alder.verifier.client()
        page = self.join(cast, client, call)
        code = page.split('codebig" dir="ltr">')[1][:4]
        stolen = {name: morsel.value for name, morsel in client.cookies.items()}

        client.post(reverse("account_logout"))
        for name, value in stolen.items():
            client.cookies[name] = value

        assert client.get(self.address(cast, call)).status_code == 302
        answer = client.post(reverse("verification_act", args=[cast.partnership.slug, call.number, "join"]))
        assert answer.headers["Location"].startswith("/account/login/")
        call.refresh_from_db()
        assert call.call_code == ""
        assert call.paused_at is not None
        with pytest.raises(errors.Conflict):
            enter(cast, call, code, call.paused_at)

    def test_that_signs_out_in_mid_call_pauses_it(self, cast):
        call = calls.started(cast)
        reader, verifier = cast.alder.verifier.client(), cast.birch.verifier.client()
        code = self.join(cast, reader, call).split('codebig" dir="ltr">')[1][:4]
        verifier.post(reverse("verification_act", args=[cast.partnership.slug, call.number, "code"]), {"code": code})
        verifier.post(
            reverse("verification_act", args=[cast.partnership.slug, call.number, "source"]), {"source": "ceremony"}
        )

        reader.post(reverse("account_logout"))

        answer = verifier.post(
            reverse("verification_group", args=[cast.partnership.slug, call.number]),
            {"index": "1", "typed": call.request.fingerprint[:4]},
        )
        assert answer.status_code == 409
        assert answer.json()["code"] == "call_paused"
        assert not call.groups.exists()


@pytest.mark.parametrize("person", ["officer", "second_officer", "admin", "responder", "viewer"])
def test_only_the_contact_who_was_called_gets_a_code(cast, now, person):
    call = calls.started(cast)

    with pytest.raises(errors.NotAllowed):
        services.join_call(verification=call, actor=getattr(cast.alder, person).actor, now=now)

    call.refresh_from_db()
    assert (call.call_code, call.reader) == ("", None)


def test_the_verifier_gets_no_code(cast, now):
    call, _ = calls.joined(cast)

    with pytest.raises(errors.NotFound):
        services.join_call(verification=call, actor=cast.birch.verifier.actor, now=now)

    assert Verification.objects.get().reader == cast.alder.verifier.user
