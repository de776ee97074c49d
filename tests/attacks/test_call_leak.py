"""A lazy or dishonest verifier looks for the expected value: pages, JSON, headers, errors, the API, the log, timing."""

import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from portal.audit.models import Event
from portal.organizations import services as organizations
from tests.makers import calls
from trust.verifications import services
from trust.verifications.models import Verification

pytestmark = pytest.mark.django_db
FINGERPRINT = "1640f54b141d6e618bd022173857c0dedeadbeef00112233445566778899aabb"


def places(cast, call):
    """Return every address about a call that members of the relying organization can open."""
    slug, number, request_id = cast.partnership.slug, call.number, call.request_id
    return [
        reverse("home"),
        reverse("verifications", args=[slug]),
        reverse("verification_start", args=[slug, request_id]),
        reverse("verification_book", args=[slug, request_id]),
        reverse("verification_unlock", args=[slug, request_id]),
        reverse("verification_call", args=[slug, number]),
        reverse("verification_call", args=[slug, number]) + "?words=1",
        reverse("verification_state", args=[slug, number]),
        reverse("verification_record", args=[slug, number]),
        reverse("verification_evidence", args=[slug, number]),
        reverse("verification_check", args=[slug, number]),
        reverse("verification_pdf", args=[slug, number]),
        reverse("verification_document", args=[slug, number, "call"]),
        reverse("api_verifications"),
        reverse("api_verification", args=[request_id]),
        reverse("api_verification_calls", args=[request_id]),
        reverse("partnership_contacts", args=[slug]),
        f"/p/{slug}/activity/",
        f"/p/{slug}/runbook/",
        "/audit/",
    ]


def everything(client, addresses):
    """Return all answers, headers included, as one lower-case text without spaces."""
    answers = [client.get(address) for address in addresses]
    texts = [f"{answer.headers}{answer.content.decode('latin-1')}" for answer in answers]
    return re.sub(r"\s|:|,|-", "", "".join(texts)).lower()


def hidden_part(sent: str) -> list[str]:
    """Return what was sent of the fingerprint, in runs of three groups; first and last group alone may be shown."""
    return [FINGERPRINT[at : at + 12] for at in range(53) if FINGERPRINT[at : at + 12] in sent]


class TestTheExpectedValue:
    @pytest.mark.parametrize("person", ["verifier", "officer", "admin", "responder", "viewer"])
    @pytest.mark.parametrize("stage", [calls.started, calls.typing, calls.mismatched])
    def test_reaches_no_member_of_the_relying_organization(self, cast, stage, person):
        call = stage(cast, calls.request(cast, fingerprint=FINGERPRINT))

        sent = everything(getattr(cast.birch, person).client(), places(cast, call))

        assert hidden_part(sent) == []

    def test_is_not_told_by_a_stopped_call(self, cast, now):
        call = calls.typing(cast, calls.request(cast, fingerprint=FINGERPRINT))
        calls.type_groups(cast, call, range(1, 9))
        services.stop(verification=call, actor=cast.birch.verifier.actor, now=now, reason="other")

        # Another member, who has typed nothing, finds not even the groups that matched.
        sent = everything(cast.birch.officer.client(), places(cast, call))

        assert hidden_part(sent) == []

    def test_is_in_no_answer_to_a_try(self, cast):
        call = calls.typing(cast, calls.request(cast, fingerprint=FINGERPRINT))
        client = cast.birch.verifier.client()
        group = reverse("verification_group", args=[cast.partnership.slug, call.number])

        texts = []
        for typed in ("0000", "zzzz", "", "1640F54B", "0001", "0002"):
            answer = client.post(group, {"index": "1", "typed": typed})
            texts.append(f"{answer.headers}{answer.content.decode()}".lower())

        assert not any("1640" in text for text in texts)

    def test_is_shown_when_all_is_recorded(self, cast):
        call = calls.recorded(cast, calls.request(cast, fingerprint=FINGERPRINT))

        sent = everything(cast.birch.officer.client(), places(cast, call))

        assert FINGERPRINT in sent

    def test_is_not_on_the_readers_page_either(self, cast):
        call = calls.typing(cast, calls.request(cast, fingerprint=FINGERPRINT))
        page = reverse("verification_call", args=[cast.partnership.slug, call.number])

        sent = everything(cast.alder.verifier.client(), [page])

        assert hidden_part(sent) == []
        assert "openssl x509" in cast.alder.verifier.client().get(page).content.decode()

    def test_is_in_no_log_line_and_no_event(self, cast, caplog):
        with caplog.at_level(logging.DEBUG):
            calls.mismatched(cast, calls.request(cast, fingerprint=FINGERPRINT))

        logged = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records).lower()
        assert FINGERPRINT[:12] not in logged
        events = " ".join(str(event.facts()) for event in Event.objects.all())
        assert hidden_part(events.lower()) == []

    def test_is_hidden_from_a_token_until_the_call(self, cast, client, now):
        call = calls.typing(cast, calls.request(cast, fingerprint=FINGERPRINT))
        _, secret = organizations.create_api_token(
            name="reader", scopes=["read"], lifetime=timedelta(days=30), actor=cast.birch.admin.actor, now=now
        )

        answers = [
            client.get(address, headers={"Authorization": f"Bearer {secret}"})
            for address in places(cast, call)
            if address.startswith("/api/")
        ]

        assert [answer.status_code for answer in answers] == [200, 200, 200]
        sent = "".join(answer.content.decode() for answer in answers).replace(" ", "").lower()
        assert hidden_part(sent) == []


class TestANumberFromElsewhere:
    def test_is_never_offered_as_a_way_to_call(self):
        """Only the pages that draw a contact of the directory (and the style guide) make a link that dials."""
        dialing = {
            path.relative_to(settings.BASE_DIR).as_posix()
            for path in Path(settings.BASE_DIR, "templates").rglob("*")
            if path.is_file() and "tel:" in path.read_text(encoding="utf-8")
        }

        assert dialing == {
            "templates/portal/partnerships/_contact_card.html",
            "templates/portal/partnerships/contact.html",
            "templates/trust/verifications/_contact.html",
            "templates/notifications/acknowledgements/notice.html",
        } | (dialing & {"templates/styleguide.html", "templates/portal/dashboard/partnership.html"})

    def test_planted_in_an_upload_is_not_dialed(self, cast, now):
        about = calls.request(
            cast, label="Root CA, call +49 30 66667777", source_label="Submission 118, call +49 30 66667777"
        )
        calls.contact_of(cast.alder.verifier)

        page = cast.birch.verifier.client().get(reverse("verification_start", args=[cast.partnership.slug, about.pk]))

        assert re.findall(r'href="tel:([^"]*)"', page.content.decode()) == ["+493055501432"]

    def test_posted_with_the_start_is_ignored(self, cast):
        about, contact = calls.request(cast), calls.contact_of(cast.alder.verifier)

        cast.birch.verifier.client().post(
            reverse("verification_start", args=[cast.partnership.slug, about.pk]),
            {"contact": contact.pk, "number_dialed": "+493066667777", "phone": "+493066667777"},
        )

        assert Verification.objects.get().number_dialed == "+493055501432"


def test_a_get_changes_nothing(cast):
    call = calls.typing(cast)
    before = (Event.objects.count(), Verification.objects.values().get())

    for person in (cast.birch.verifier, cast.alder.verifier):
        everything(person.client(), places(cast, call))

    assert (Event.objects.count(), Verification.objects.values().get()) == before
