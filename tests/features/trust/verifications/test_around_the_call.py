"""Booking, going on in the same phone call, words in place of characters, rehearsals."""

from datetime import timedelta

import pytest

from portal import errors
from portal.audit.models import Event
from tests.makers import calls
from trust.pki import fingerprints
from trust.verifications import calendar, queries, services
from trust.verifications.models import Verification

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


class TestBooking:
    def booked(self, cast, now, **changes):
        arguments = {
            "request": calls.request(cast),
            "contact": calls.contact_of(cast.alder.verifier),
            "first_slot": now + DAY,
            "second_slot": now + 2 * DAY,
            "actor": cast.birch.verifier.actor,
            "now": now,
        }
        return services.book_call(**(arguments | changes))

    def test_is_confirmed_by_the_other_side_and_then_started(self, cast, now):
        call = self.booked(cast, now)

        services.confirm_booking(verification=call, slot=now + 2 * DAY, actor=cast.alder.verifier.actor, now=now)
        started = services.start_call(
            request=call.request, contact=call.contact, actor=cast.birch.officer.actor, now=now + 2 * DAY
        )

        assert started.pk == call.pk
        assert (started.state, started.number) == (Verification.State.IN_PROGRESS, 1)

    @pytest.mark.parametrize(
        "slots",
        [
            {"first_slot": -timedelta(seconds=1)},
            {"first_slot": timedelta(0)},
            {"second_slot": DAY},
            {"first_slot": timedelta(days=61)},
        ],
    )
    def test_refuses_times_that_cannot_be_meant(self, cast, now, slots):
        with pytest.raises(errors.Invalid):
            self.booked(cast, now, **{name: now + offset for name, offset in slots.items()})

    def test_refuses_a_time_that_was_not_proposed(self, cast, now):
        call = self.booked(cast, now)

        with pytest.raises(errors.Invalid):
            services.confirm_booking(verification=call, slot=now + 3 * DAY, actor=cast.alder.verifier.actor, now=now)

    def test_a_number_that_cools_off_can_be_booked_for_later(self, cast, now):
        contact = calls.contact_of(cast.alder.verifier, usable_from=now + 3 * DAY)

        with pytest.raises(errors.Conflict):
            self.booked(cast, now, contact=contact)
        call = self.booked(cast, now, contact=contact, first_slot=now + 4 * DAY, second_slot=None)

        assert call.state == Verification.State.BOOKED

    def test_is_made_once(self, cast, now):
        call = self.booked(cast, now)

        with pytest.raises(errors.Conflict):
            self.booked(cast, now, request=call.request)

    def test_has_a_calendar_file_without_number_and_fingerprint(self, cast, now):
        call = self.booked(cast, now)
        services.confirm_booking(verification=call, slot=now + DAY, actor=cast.alder.verifier.actor, now=now)
        call.refresh_from_db()

        text = calendar.invitation(call, url="https://portal.example/p/x/", now=now).decode().replace("\r\n ", "")

        assert f"DTSTART:{now + DAY:%Y%m%dT%H%M%SZ}" in text
        assert "Open the portal to get the number" in text
        assert "1432" not in text
        assert call.request.fingerprint[:4] not in text.lower().replace(str(call.pk), "")


class TestGoingOnInTheSamePhoneCall:
    def test_with_the_same_two_people_needs_no_new_code(self, cast, now):
        first, second = calls.request(cast), calls.request(cast)
        before = calls.recorded(cast, first)

        call = services.start_call(
            request=second,
            contact=before.contact,
            actor=cast.birch.verifier.actor,
            now=now + timedelta(minutes=15),
            continues=before,
        )

        assert call.progress().code_matched
        assert call.reader == cast.alder.verifier.user
        assert call.continues == before

    def test_with_swapped_roles_needs_a_code_of_the_other_side(self, cast, now):
        before = calls.recorded(cast)
        ours = calls.request(
            cast,
            owner=cast.birch.organization,
            relying=cast.alder.organization,
            uploaded_by=cast.birch.officer.user,
        )

        call = services.start_call(
            request=ours,
            contact=calls.contact_of(cast.birch.verifier, phone="+493055507777"),
            actor=cast.alder.verifier.actor,
            now=now,
            continues=before,
        )

        assert not call.progress().code_matched
        code = services.join_call(verification=call, actor=cast.birch.verifier.actor, now=now)
        assert services.enter_call_code(verification=call, code=code, actor=cast.alder.verifier.actor, now=now).matched

    @pytest.mark.parametrize("after", [timedelta(minutes=15, microseconds=1), timedelta(hours=1)])
    def test_is_over_after_15_minutes(self, cast, now, after):
        before = calls.recorded(cast)

        with pytest.raises(errors.Conflict) as refusal:
            services.start_call(
                request=calls.request(cast),
                contact=before.contact,
                actor=cast.birch.verifier.actor,
                now=now + after,
                continues=before,
            )

        assert refusal.value.code == "not_continued"

    def test_is_not_for_other_people(self, cast, now):
        before = calls.recorded(cast)

        with pytest.raises(errors.Conflict):
            services.start_call(
                request=calls.request(cast),
                contact=before.contact,
                actor=cast.birch.officer.actor,
                now=now,
                continues=before,
            )


class TestPgpWords:
    def test_can_be_typed_in_place_of_characters(self, cast, now):
        call = calls.typing(cast)
        words = fingerprints.words(call.request.fingerprint)

        results = [
            services.enter_group(
                verification=call,
                index=index,
                typed=" ".join(words[2 * index - 2 : 2 * index]),
                actor=cast.birch.verifier.actor,
                now=now,
            )
            for index in range(1, 17)
        ]

        assert all(result.matched for result in results)
        assert results[-1].next_index is None

    @pytest.mark.parametrize("words", ["tissue tissue", "notaword notaword", "adroitness aardvark"])
    def test_out_of_place_or_unknown_are_no_try(self, cast, now, words):
        call = calls.typing(cast)

        with pytest.raises(errors.Invalid) as refusal:
            services.enter_group(verification=call, index=1, typed=words, actor=cast.birch.verifier.actor, now=now)

        assert refusal.value.code == "not_a_word"
        assert not call.groups.exists()


class TestAV4Key:
    def test_is_read_in_ten_groups(self, cast, now):
        call = calls.recorded(cast, calls.request(cast, item_kind="openpgp_key", fingerprint="a1b2" * 10))

        assert call.groups.count() == 10
        assert call.records.get().document["item"]["algorithm"] == "sha1"


class TestRehearsal:
    def rehearsed(self, cast, now):
        call = services.start_rehearsal(
            partnership=cast.partnership,
            contact=calls.contact_of(cast.alder.verifier),
            actor=cast.birch.verifier.actor,
            now=now,
        )
        code = services.join_call(verification=call, actor=cast.alder.verifier.actor, now=now)
        services.enter_call_code(verification=call, code=code, actor=cast.birch.verifier.actor, now=now)
        services.name_source(verification=call, source="printed", actor=cast.birch.verifier.actor, now=now)
        return call

    def read_until_it_differs(self, cast, call, now):
        sheet = call.rehearsal_sheet
        for index in range(1, 17):
            result = services.enter_group(
                verification=call,
                index=index,
                typed=sheet[(index - 1) * 4 : index * 4],
                actor=cast.birch.verifier.actor,
                now=now,
            )
            if not result.matched:
                return index
        raise AssertionError("No group of the sheet was wrong.")

    def test_has_exactly_one_wrong_group(self, cast, now):
        call = self.rehearsed(cast, now)

        assert sum(a != b for a, b in zip(call.rehearsal_sheet, call.request.fingerprint, strict=True)) == 1
        assert 2 <= self.read_until_it_differs(cast, call, now) <= 15

    def test_is_noticed_by_whoever_stops_and_how_fast_is_on_record(self, cast, now):
        call = self.rehearsed(cast, now)
        self.read_until_it_differs(cast, call, now)

        services.stop(
            verification=call,
            actor=cast.birch.verifier.actor,
            now=now + timedelta(seconds=42),
            reason="values_differ",
        )

        outcome = call.records.get().document["drill"]
        assert outcome == {"noticed": True, "ended_because": "values_differ", "seconds": 42}
        for company in (cast.alder, cast.birch):
            assert queries.rehearsals(company.organization, cast.partnership) == [call]
        event = Event.objects.get(kind="verification.rehearsed")
        assert (event.partnership_id, event.data["rehearsal"]) == (cast.partnership.pk, True)

    def test_is_not_noticed_by_guessing_to_the_limit(self, cast, now):
        call = self.rehearsed(cast, now)
        index = self.read_until_it_differs(cast, call, now)
        for _ in range(2):
            services.enter_group(
                verification=call,
                index=index,
                typed=call.rehearsal_sheet[(index - 1) * 4 : index * 4],
                actor=cast.birch.verifier.actor,
                now=now,
            )

        assert call.records.get().document["drill"]["noticed"] is False
        assert not Event.objects.filter(kind="verification.quarantined").exists()
        assert not queries.mismatches_without_statement(cast.birch.organization).exists()

    def test_never_counts_for_anything(self, cast, now):
        call = self.rehearsed(cast, now)

        assert not queries.is_verified(cast.birch.organization, "rehearsal", call.request.fingerprint, now)
