"""Somebody who took over one account tries to redirect the next call to a phone of their own."""

from datetime import timedelta

import pytest
from django.urls import reverse

from portal import errors
from portal.audit.models import Event
from portal.partnerships import contact_queries, contact_services
from portal.partnerships.models import Contact, ContactChange
from tests.cast import make_contact

pytestmark = pytest.mark.django_db
NEW = "+49 30 5550 9999"


@pytest.fixture
def directory(cast):
    """Alder has a primary and a backup contact, both confirmed."""
    primary = make_contact(cast.alder.verifier)
    backup = make_contact(cast.alder.second_officer, is_primary=False, is_backup=True, phone="+493055501433")
    return primary, backup


class TestAChangedNumber:
    def test_is_unusable_for_72_hours_and_then_still_unconfirmed(self, cast, directory, now):
        primary, _ = directory

        changed = contact_services.change_number(contact=primary, phone=NEW, actor=cast.alder.admin.actor, now=now)

        for moment, code in ((now, "number_too_new"), (now + timedelta(hours=72), "number_unconfirmed")):
            obstacle = changed.obstacle_at(moment)
            assert obstacle is not None
            assert obstacle.code == code

    def test_is_told_to_both_organizations_and_kept_in_the_history(self, cast, directory, now):
        primary, _ = directory

        contact_services.change_number(contact=primary, phone=NEW, actor=cast.alder.admin.actor, now=now)

        event = Event.objects.get(kind="contact.number_changed")
        assert (event.partnership_id, event.audience) == (cast.partnership.pk, "partnership")
        assert event.data["before"] == "+49 … 1432"
        assert "9999" in event.data["number"]
        assert NEW.replace(" ", "") not in str(event.data)
        assert ContactChange.objects.get(what="number_changed").phone == "+493055509999"
        make_contact(cast.birch.officer)
        told = contact_queries.everyone_to_alert(primary, cast.partnership)
        assert {contact.organization.name for contact in told} == {"Alder", "Birch"}

    def test_cannot_be_confirmed_by_whoever_entered_it(self, cast, directory, now):
        primary, _ = directory
        thief = cast.alder.officer.actor
        contact_services.change_number(contact=primary, phone=NEW, actor=thief, now=now)

        for confirm in (contact_services.confirm_by_call, contact_services.confirm_by_contact):
            with pytest.raises(errors.NotAllowed) as refusal:
                confirm(contact=primary, actor=thief, now=now)
            assert refusal.value.code == "entered_number"

    def test_cannot_be_confirmed_by_the_contact(self, cast, directory, now):
        primary, _ = directory
        contact_services.change_number(contact=primary, phone=NEW, actor=cast.alder.admin.actor, now=now)

        for confirm in (contact_services.confirm_by_call, contact_services.confirm_by_contact):
            with pytest.raises(errors.NotAllowed) as refusal:
                confirm(contact=primary, actor=cast.alder.verifier.actor, now=now)
            assert refusal.value.code == "own_number"

    def test_needs_a_caller_and_a_voucher_who_are_two_people(self, cast, directory, now):
        primary, _ = directory
        contact_services.change_number(contact=primary, phone=NEW, actor=cast.alder.admin.actor, now=now)
        contact_services.confirm_by_call(contact=primary, actor=cast.alder.second_officer.actor, now=now)

        with pytest.raises(errors.NotAllowed) as refusal:
            contact_services.confirm_by_contact(contact=primary, actor=cast.alder.second_officer.actor, now=now)
        assert refusal.value.code == "called"

        contact_services.confirm_by_call(contact=primary, actor=cast.birch.verifier.actor, now=now)
        contact_services.confirm_by_contact(contact=primary, actor=cast.alder.second_officer.actor, now=now)
        primary.refresh_from_db()
        assert primary.obstacle_at(now + timedelta(hours=72)) is None

    def test_cannot_be_vouched_for_by_an_unconfirmed_contact(self, cast, directory, now):
        primary, _ = directory
        accomplice = make_contact(
            cast.alder.responder, phone="+493055509998", is_primary=False, confirmed_by_contact_at=None
        )
        contact_services.change_number(contact=primary, phone=NEW, actor=cast.alder.admin.actor, now=now)

        with pytest.raises(errors.NotAllowed) as refusal:
            contact_services.confirm_by_contact(contact=primary, actor=cast.alder.responder.actor, now=now)

        assert refusal.value.code == "not_a_contact"
        assert accomplice.state_at(now) == "unconfirmed"

    def test_needs_a_fresh_second_factor(self, cast, directory, now):
        primary, _ = directory

        with pytest.raises(errors.StepUpRequired):
            contact_services.change_number(
                contact=primary, phone=NEW, actor=cast.alder.admin.actor_without_step_up, now=now
            )

        primary.refresh_from_db()
        assert primary.phone == "+493055501432"

    def test_is_not_the_partners_to_make(self, cast, directory, now):
        primary, _ = directory

        for act in (contact_services.change_number,):
            with pytest.raises(errors.NotFound):
                act(contact=primary, phone=NEW, actor=cast.birch.admin.actor, now=now)
        with pytest.raises(errors.NotFound):
            contact_services.retire_contact(contact=primary, actor=cast.birch.admin.actor, now=now)


class TestANewContact:
    def test_of_a_running_partnership_cools_off_too(self, cast, directory, now):
        added = contact_services.add_contact(
            actor=cast.alder.admin.actor, now=now, name="Mallory", phone=NEW, membership=cast.alder.responder.membership
        )

        assert added.state_at(now) == "cooling_off"
        assert added.usable_from == now + timedelta(hours=72)

    def test_can_be_used_during_onboarding_once_it_is_confirmed(self, cast, now):
        cast.partnership.state = "onboarding"
        cast.partnership.save()
        admin, officer = cast.alder.admin, cast.alder.second_officer
        one = contact_services.add_contact(
            actor=admin.actor, now=now, name="One", phone=NEW, membership=cast.alder.verifier.membership
        )
        contact_services.add_contact(
            actor=admin.actor, now=now, name="Two", phone="+49 30 5550 8888", membership=officer.membership
        )

        contact_services.confirm_by_call(contact=one, actor=cast.birch.verifier.actor, now=now)
        contact_services.confirm_by_contact(contact=one, actor=officer.actor, now=now)

        one.refresh_from_db()
        assert one.obstacle_at(now) is None

    def test_cannot_get_a_login_of_another_company(self, cast, now):
        with pytest.raises(errors.NotFound):
            contact_services.add_contact(
                actor=cast.alder.admin.actor,
                now=now,
                name="Mallory",
                phone=NEW,
                membership=cast.cedar.verifier.membership,
            )

        assert not Contact.objects.exists()


class TestReporting:
    def test_by_the_partner_takes_the_number_out_of_use(self, cast, directory, now):
        primary, _ = directory

        contact_services.report_wrong(
            contact=primary, reason="A fax answered", actor=cast.birch.verifier.actor, now=now
        )

        primary.refresh_from_db()
        obstacle = primary.obstacle_at(now)
        assert obstacle is not None
        assert obstacle.code == "number_reported_wrong"
        contact_services.confirm_by_call(contact=primary, actor=cast.birch.officer.actor, now=now)
        primary.refresh_from_db()
        assert primary.obstacle_at(now) is None

    def test_is_not_a_strangers_to_do(self, cast, directory, now):
        primary, _ = directory

        with pytest.raises(errors.NotFound):
            contact_services.report_wrong(
                contact=primary, reason="Call me instead", actor=cast.cedar.officer.actor, now=now
            )


class TestPages:
    def test_show_a_stranger_nothing(self, cast, directory):
        primary, _ = directory
        client = cast.cedar.admin.client()

        for name in ("contact", "contact_edit", "contact_number"):
            assert client.get(reverse(name, args=[primary.pk])).status_code == 404
        assert client.get(reverse("partnership_contacts", args=[cast.partnership.slug])).status_code == 404
        assert client.get(reverse("api_contact", args=[primary.pk])).status_code == 404
        assert client.get(reverse("api_contacts")).json()["results"] == []

    def test_show_a_viewer_no_whole_number(self, cast, directory):
        primary, _ = directory
        for company in (cast.alder, cast.birch):
            client = company.viewer.client()
            for address in (
                reverse("contact", args=[primary.pk]),
                reverse("partnership_contacts", args=[cast.partnership.slug]),
                reverse("contacts"),
                reverse("api_contacts"),
            ):
                assert "55501432" not in client.get(address).content.decode().replace(" ", "")

    def test_walk_through_the_directory(self, cast, directory, now):
        _, backup = directory
        admin, birch = cast.alder.admin.client(), cast.birch.verifier.client()
        assert admin.get(reverse("contacts")).status_code == 200
        assert admin.get(reverse("contact_new")).status_code == 200
        refused = admin.post(reverse("contact_new"), {"name": "Mei", "phone": "030 1", "time_zone": "UTC"})
        assert refused.status_code == 400
        assert "country code" in refused.content.decode()
        added = admin.post(
            reverse("contact_new"),
            {"name": "Mei Tanaka", "phone": NEW, "time_zone": "Asia/Tokyo", "languages": "Japanese"},
        )
        mei = Contact.objects.get(name="Mei Tanaka")
        assert added.headers["Location"] == reverse("contact", args=[mei.pk])
        assert "Cooling off" in admin.get(reverse("contact", args=[mei.pk])).content.decode()
        edited = admin.post(
            reverse("contact_edit", args=[mei.pk]), {"name": "Mei T.", "time_zone": "UTC", "is_backup": "on"}
        )
        assert edited.status_code == 302
        backup.refresh_from_db()
        assert not backup.is_backup
        assert admin.get(reverse("contact_number", args=[mei.pk])).status_code == 200
        birch.post(reverse("contact_act", args=[mei.pk, "called"]))
        mei.refresh_from_db()
        assert mei.confirmed_by_call_by == cast.birch.verifier.user
        assert "Mei T." in birch.get(reverse("partnership_contacts", args=[cast.partnership.slug])).content.decode()
        admin.post(reverse("contact_act", args=[mei.pk, "retire"]))
        assert "Mei T." not in birch.get(reverse("partnership_contacts", args=[cast.partnership.slug])).content.decode()
