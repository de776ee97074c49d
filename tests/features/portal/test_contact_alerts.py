"""Who is told about the directory: all contacts of both organizations, with a login or without, and each quarter its keepers."""

from datetime import timedelta

import pytest

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import CONTACT
from notifications.fanout import services as fanout
from notifications.fanout.models import InboxItem
from notifications.fanout.tasks import deliver_mail
from portal.audit.models import Event
from portal.partnerships import contact_services
from tests.cast import make_contact
from tests.makers import calls
from tests.makers.mailbox import read, text_of
from trust.verifications import services

pytestmark = pytest.mark.django_db
NEW = "+49 30 5550 9999"


def make_bare_contact(person, name, email):
    contact = make_contact(person, name=name, email=email, is_primary=False)
    contact.membership = None
    contact.save()
    return contact


class TestAChangedNumber:
    def changed(self, cast, now):
        contact_services.change_number(
            contact=make_contact(cast.alder.verifier), phone=NEW, actor=cast.alder.admin.actor, now=now
        )
        fanout.sweep(now=now)

    def test_is_mailed_to_the_contacts_of_both_sides_who_have_no_login(self, cast, now):
        ours = make_bare_contact(cast.alder.admin, "Night desk", "night@alder.example")
        theirs = make_bare_contact(cast.birch.admin, "Duty phone", "duty@birch.example")
        make_bare_contact(cast.cedar.admin, "Stranger", "stranger@cedar.example")

        self.changed(cast, now)

        told = Delivery.objects.filter(recipient__startswith=CONTACT).values_list("recipient", flat=True)
        assert set(told) == {f"{CONTACT}{ours.pk}", f"{CONTACT}{theirs.pk}"}

    def test_is_told_to_every_member_of_both_sides_and_to_no_stranger(self, cast, now):
        self.changed(cast, now)

        told = set(InboxItem.objects.values_list("membership__organization__name", flat=True))
        assert told == {"Alder", "Birch"}
        assert InboxItem.objects.filter(membership=cast.alder.verifier.membership).exists()
        assert InboxItem.objects.filter(membership=cast.birch.viewer.membership).exists()

    def test_really_reaches_the_mailbox_and_names_no_whole_number(self, cast, now, mailoutbox):
        make_bare_contact(cast.birch.admin, "Duty phone", "duty@birch.example")
        self.changed(cast, now)

        deliver_mail()

        (sent,) = [each for each in mailoutbox if "duty@birch.example" in each.to[0]]
        assert "The number of Alder Verifier at Alder was changed" in sent.subject
        text = text_of(read(sent.wire))
        assert "9999" in text
        assert "+493055509999" not in text.replace(" ", "")


class TestTheQuarterlyQuestion:
    def test_is_asked_once_until_somebody_answers(self, cast, now):
        contact = make_contact(cast.alder.verifier)  # confirmed 200 days ago

        assert contact_services.ask_for_reviews(now=now) == 1
        assert contact_services.ask_for_reviews(now=now + timedelta(days=1)) == 0
        contact_services.still_right(contact=contact, actor=cast.alder.admin.actor, now=now)
        assert contact_services.ask_for_reviews(now=now + timedelta(days=91) - timedelta(seconds=1)) == 0
        assert contact_services.ask_for_reviews(now=now + timedelta(days=91)) == 1

        event = Event.objects.filter(kind="contact.review_due").first()
        assert (event.audience, event.partnership_id) == ("organization", None)


class TestCallsLeftAlone:
    def test_are_ended_by_the_sweep_and_running_ones_are_not(self, cast, now):
        alone, running = calls.typing(cast), calls.typing(cast, now=now + timedelta(minutes=10))

        ended = services.end_abandoned(now=now + timedelta(minutes=15, seconds=1))

        alone.refresh_from_db()
        running.refresh_from_db()
        assert (ended, alone.state, running.state) == (1, "stopped", "in_progress")


class TestAMismatch:
    def test_is_told_to_the_officers_of_both_organizations(self, cast, now):
        calls.mismatched(cast)
        fanout.sweep(now=now)

        told = InboxItem.objects.filter(event__kind="verification.quarantined")

        assert {item.membership for item in told} == {
            person.membership
            for company in (cast.alder, cast.birch)
            for person in (company.officer, company.second_officer)
        }

    def test_and_who_approves_next_are_told_to_the_right_side(self, cast, now):
        calls.recorded(cast)
        fanout.sweep(now=now)

        told = InboxItem.objects.filter(event__kind="verification.recorded")

        assert {item.membership.organization for item in told} == {cast.birch.organization}
