"""Drafting, signing, countering and ending agreements, with real OpenPGP signatures."""

from datetime import timedelta

import pytest

from portal import errors
from portal.audit.models import Audience, Event
from portal.partnerships.models import Partnership
from tests.makers.agreements import draft, holder_of, in_force, make_values, proposed, register_key
from tests.makers.openpgp import make_holder
from tests.moments import EVERYTHING_VALID
from trust.agreements import queries, rules, services, showing
from trust.agreements.models import Agreement, AgreementSignature
from trust.agreements.rules import State

pytestmark = pytest.mark.django_db
SHORTER = {"min_days": 1, "max_days": 30}


def state_of(agreement):
    return Agreement.objects.get(pk=agreement.pk).state


class TestDraft:
    def test_holds_canonical_bytes_that_name_both_sides(self, cast):
        made = draft(cast)

        read = queries.read(made)
        assert rules.canonical(read) == bytes(made.document)
        assert [party["organization"] for party in read["parties"]] == ["alder", "birch"]
        assert (read["version"], read["replaces"]) == (1, None)

    def test_is_seen_by_its_own_side_only(self, cast):
        made = draft(cast)

        assert queries.get(cast.alder.organization, cast.partnership, made.version) == made
        with pytest.raises(errors.NotFound):
            queries.get(cast.birch.organization, cast.partnership, made.version)
        assert Event.objects.get(kind="agreement.drafted").audience == Audience.ORGANIZATION

    def test_replaces_the_earlier_draft_of_the_same_side(self, cast):
        first = draft(cast)
        second = draft(cast, terms=make_values(lifetimes__service=SHORTER))

        assert second.pk == first.pk
        assert second.version == 1
        assert Agreement.objects.count() == 1

    def test_names_the_places_that_are_wrong(self, cast):
        with pytest.raises(errors.Invalid) as refused:
            draft(cast, terms=make_values(tls__versions=["1.0"]))

        assert list(refused.value.fields) == ["terms.tls.versions.0"]
        assert not Agreement.objects.exists()

    @pytest.mark.parametrize("role", ["admin", "verifier", "responder", "viewer"])
    def test_is_an_officers(self, cast, role):
        with pytest.raises(errors.NotAllowed):
            services.draft(
                actor=getattr(cast.alder, role).actor,
                partnership=cast.partnership,
                terms=make_values(),
                now=EVERYTHING_VALID,
            )

    def test_is_not_for_an_ended_partnership(self, cast):
        Partnership.objects.update(state=Partnership.State.ENDED)

        with pytest.raises(errors.Conflict):
            draft(cast)

    def test_can_be_discarded(self, cast, now):
        made = draft(cast)

        services.discard(actor=cast.alder.officer.actor, agreement=made, now=now)

        assert state_of(made) == State.REPLACED


class TestSigning:
    def test_sends_a_draft_to_the_partner(self, cast):
        made = proposed(cast)

        assert made.state == State.WAITING_FOR_PARTNER
        assert queries.get(cast.birch.organization, cast.partnership, 1) == made
        assert queries.in_force(cast.partnership) is None

    def test_brings_it_into_force_when_both_signed_the_same_bytes(self, cast, now):
        made = in_force(cast)

        assert queries.in_force(cast.partnership) == made
        assert made.in_force_at == now
        assert {each.organization for each in AgreementSignature.objects.all()} == {
            cast.alder.organization,
            cast.birch.organization,
        }
        assert [each.kind for each in Event.objects.order_by("sequence")] == [
            "agreement.drafted",
            "agreement.proposed",
            "agreement.in_force",
        ]

    def test_replaces_the_version_before_and_keeps_it(self, cast):
        first = in_force(cast)
        second = in_force(cast, terms=make_values(lifetimes__service=SHORTER))

        assert state_of(first) == State.REPLACED
        assert queries.in_force(cast.partnership) == second
        assert queries.read(second)["replaces"] == first.sha256
        assert [each.version for each in queries.history(cast.birch.organization, cast.partnership)] == [2, 1]

    @pytest.mark.parametrize("form", ["binary", "clearsigned", "inline"])
    def test_takes_every_form_of_signature(self, cast, now, form):
        made = draft(cast)
        holder, document = holder_of(cast.alder), bytes(made.document)
        upload = {
            "binary": lambda: holder.sign_detached(document, armored=False),
            "clearsigned": lambda: holder.clearsign(document),
            "inline": lambda: holder.sign_inline(document, armored=True),
        }[form]()

        services.sign(actor=cast.alder.officer.actor, agreement=made, upload=upload, now=now)

        assert state_of(made) == State.WAITING_FOR_PARTNER
        assert bytes(AgreementSignature.objects.get().upload) == upload

    def test_needs_a_fresh_second_factor(self, cast, now):
        made = draft(cast)
        signature = holder_of(cast.alder).sign_detached(bytes(made.document))

        with pytest.raises(errors.StepUpRequired):
            services.sign(actor=cast.alder.officer.actor_without_step_up, agreement=made, upload=signature, now=now)

        assert state_of(made) == State.DRAFT

    def test_keeps_what_makes_the_check_repeatable(self, cast):
        proposed(cast)

        kept = AgreementSignature.objects.get()
        assert kept.report["verdict"] == "good"
        assert any("VALIDSIG" in line for line in kept.report["status_lines"])
        assert kept.signer_fingerprint == holder_of(cast.alder).fingerprint


class TestCounterProposal:
    def test_answers_the_waiting_version_and_replaces_it(self, cast):
        first = proposed(cast)
        answer = proposed(cast, by=cast.birch, terms=make_values(lifetimes__service=SHORTER))

        assert state_of(first) == State.REPLACED
        assert answer.state == State.WAITING_FOR_PARTNER
        assert answer.counters == first
        against, changes = showing.changes(answer, cast.partnership)
        assert against == "v1"
        assert [each.number for each in changes] == ["4.4"]

    def test_leaves_the_waiting_version_alone_until_it_is_signed(self, cast):
        first = proposed(cast)
        draft(cast, by=cast.birch)

        assert state_of(first) == State.WAITING_FOR_PARTNER


class TestEnding:
    def test_withdraws_the_own_version(self, cast, now):
        made = proposed(cast)

        services.end_proposal(actor=cast.alder.officer.actor, agreement=made, reason="Typing error", now=now)

        made.refresh_from_db()
        assert (made.state, made.ended_reason) == (State.REPLACED, "Withdrawn by Alder: Typing error")

    def test_declines_the_partners_version(self, cast, now):
        made = proposed(cast)

        services.end_proposal(actor=cast.birch.officer.actor, agreement=made, reason="Too short", now=now)

        made.refresh_from_db()
        assert made.ended_reason == "Declined by Birch: Too short"
        assert Event.objects.filter(kind="agreement.declined").exists()

    def test_needs_a_reason(self, cast, now):
        made = proposed(cast)

        with pytest.raises(errors.Invalid):
            services.end_proposal(actor=cast.alder.officer.actor, agreement=made, reason=" ", now=now)

    def test_does_not_touch_what_is_in_force(self, cast, now):
        made = in_force(cast)

        with pytest.raises(errors.Conflict):
            services.end_proposal(actor=cast.alder.officer.actor, agreement=made, reason="No", now=now)

        assert state_of(made) == State.IN_FORCE


class TestTerms:
    def test_are_the_recommended_ones_before_anybody_signed(self, cast):
        terms = queries.terms(cast.partnership)

        assert not terms.in_force
        assert "no agreement is in force" in terms.source
        assert terms.notice_lead("ca_revocation") == timedelta(hours=4)
        assert terms.notice_lead("ca_renewal") == timedelta(days=30)
        assert terms.notice_lead("key_change") == timedelta(days=7)

    def test_stay_the_old_ones_while_a_version_waits(self, cast):
        in_force(cast)
        proposed(cast, terms=make_values(lifetimes__service=SHORTER))

        assert queries.terms(cast.partnership).values["lifetimes"]["service"]["max_days"] == 90

    def test_are_the_signed_ones(self, cast):
        in_force(cast, terms=make_values(sharing__consumer_counts=True))

        terms = queries.terms(cast.partnership)
        assert terms.source == "Agreement v1"
        assert terms.citation("4.2") == "Agreement 4.2"
        assert terms.shares_consumer_counts

    def test_are_found_for_many_partnerships_in_one_query(self, cast, django_assert_num_queries):
        made = in_force(cast)

        with django_assert_num_queries(1):
            assert queries.in_force_of([cast.partnership.pk]) == {cast.partnership.pk: made}


class TestVerifiedKey:
    def test_is_said_apart_from_the_signature(self, cast):
        made = in_force(cast)

        found = queries.get(cast.alder.organization, cast.partnership, made.version)
        assert [
            side.key_verified
            for side in showing.sides(found, cast.partnership, cast.alder.organization, EVERYTHING_VALID)
        ] == [
            False,
            False,
        ]

    def test_of_another_key_of_the_same_side_counts_too(self, cast, now):
        second = make_holder("Alder second")
        register_key(cast.alder.organization, second)
        made = draft(cast)

        services.sign(
            actor=cast.alder.officer.actor,
            agreement=made,
            upload=second.sign_detached(bytes(made.document)),
            now=now,
        )

        assert AgreementSignature.objects.get().signer_fingerprint == second.fingerprint

    def test_needs_one_that_was_proven(self, cast, now):
        holder = make_holder("Alder unproven")
        register_key(cast.alder.organization, holder, state="uploaded")
        made = draft(cast)

        with pytest.raises(errors.Invalid) as refused:
            services.sign(
                actor=cast.alder.officer.actor,
                agreement=made,
                upload=holder.sign_detached(bytes(made.document)),
                now=now,
            )

        assert refused.value.code == "signature_unknown_key"
