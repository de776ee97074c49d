"""Keys from the upload to their end: what counts where, and what is refused."""

from datetime import timedelta

import pytest

from portal import errors
from portal.audit.models import Audience, Event
from portal.organizations import acting
from portal.partnerships.signals import partnership_formed
from tests.cast import make_partnership
from tests.makers import keys as make
from tests.makers.openpgp import expired_holder, make_holder, revoked_holder
from tests.makers.openpgp_raw import RawKey
from trust.keys import queries, services
from trust.keys.models import KeyChallenge, KeyComponent, OpenPgpKey
from trust.pki.openpgp import verify
from trust.verifications.models import VerificationRequest

pytestmark = pytest.mark.django_db


def kinds():
    return list(Event.objects.values_list("kind", flat=True))


def check(organization, content, signature, now):
    ring = queries.ring_for(organization, now=now)
    return verify.check(content=content, signature=signature, ring=ring, now=now)


class TestUpload:
    def test_the_first_key_becomes_the_active_one(self, cast, now):
        holder = make_holder("Alder")

        done = services.upload_key(block=holder.public_block(), actor=cast.alder.verifier.actor, now=now)

        assert done.outcome == "new"
        assert queries.active(cast.alder.organization) == done.key
        assert done.key.state == "uploaded"
        assert done.key.fingerprint == holder.fingerprint
        assert services.open_challenge(done.key, now) is not None
        assert kinds() == ["key.uploaded"]

    def test_an_uploaded_key_counts_nowhere(self, cast, now):
        make.upload(cast.alder, make_holder("Alder"))

        assert queries.ring_for(cast.alder.organization, now=now) == []
        assert not VerificationRequest.objects.exists()

    def test_the_second_key_becomes_the_next_one(self, cast, now):
        active, _ = make.proven_key(cast.alder)

        following = make.upload(cast.alder, make_holder("Alder next"))

        assert following.is_next
        assert following.replaces == active
        assert queries.active(cast.alder.organization) == active

    def test_a_third_key_is_refused(self, cast, now):
        make.upload(cast.alder, make_holder("Alder"))
        make.upload(cast.alder, make_holder("Alder next"))

        with pytest.raises(errors.Conflict) as refused:
            make.upload(cast.alder, make_holder("Alder third"))
        assert refused.value.code == "next_key_exists"

    def test_the_same_key_again_changes_nothing(self, cast, now):
        holder = make_holder("Alder")
        make.upload(cast.alder, holder)

        done = services.upload_key(block=holder.public_block(), actor=cast.alder.officer.actor, now=now)

        assert done.outcome == "unchanged"
        assert OpenPgpKey.objects.count() == 1

    def test_a_longer_expiry_and_a_new_subkey_bring_the_key_up_to_date(self, cast, now):
        from tests.makers import openpgp

        holder = make_holder("Alder", fresh=True)
        key, _ = make.proven_key(cast.alder, holder)
        before = key.expires_at
        openpgp.gpg("--quick-set-expire", holder.fingerprint, "3y", at=now + timedelta(seconds=2))
        subkey = holder.add_subkey()

        done = services.upload_key(block=holder.public_block(), actor=cast.alder.verifier.actor, now=now)

        key.refresh_from_db()
        assert done.outcome == "updated"
        assert key.state == "proven"
        assert key.expires_at > before
        assert key.components.filter(fingerprint=subkey).exists()

    def test_an_older_form_does_not_take_back_a_revocation(self, cast, now):
        holder = make_holder("Alder", fresh=True)
        before = holder.public_block()
        key, _ = make.proven_key(cast.alder, holder)
        services.revoke_key(
            key=key, certificate=holder.revocation_certificate(), actor=cast.alder.verifier.actor, now=now
        )

        with pytest.raises(errors.Conflict):
            services.upload_key(block=before, actor=cast.alder.verifier.actor, now=now)
        assert queries.get(cast.alder.organization, key.pk).state == "revoked"

    def test_a_form_that_carries_its_revocation_revokes(self, cast, now):
        holder = make_holder("Alder", fresh=True)
        key, _ = make.proven_key(cast.alder, holder)
        holder.revoke()

        services.upload_key(block=holder.public_block(), actor=cast.alder.verifier.actor, now=now)

        assert queries.get(cast.alder.organization, key.pk).state == "revoked"

    @pytest.mark.parametrize("role", ["responder", "viewer", "admin"])
    def test_needs_the_right(self, cast, now, role):
        with pytest.raises(errors.NotAllowed):
            services.upload_key(
                block=make_holder("Alder").public_block(), actor=getattr(cast.alder, role).actor, now=now
            )
        assert not OpenPgpKey.objects.exists()

    @pytest.mark.parametrize(
        ("block", "code"),
        [
            (b"hello", "openpgp_not_readable"),
            (b"", "openpgp_empty"),
            (lambda: expired_holder().public_block(), "key_expired"),
            (lambda: revoked_holder().public_block(), "key_revoked"),
            (lambda: make_holder("Alder", algorithm="rsa1024").public_block(), "key_weak_algorithm"),
            (lambda: RawKey().public_block(digest=2), "key_weak_self_signature"),
        ],
    )
    def test_refuses_what_the_policy_refuses(self, cast, now, block, code):
        with pytest.raises(errors.Invalid) as refused:
            services.upload_key(block=block() if callable(block) else block, actor=cast.alder.verifier.actor, now=now)
        assert refused.value.code == code
        assert refused.value.fields["block"]
        assert not OpenPgpKey.objects.exists()


class TestPrivateKeys:
    def test_are_refused_and_leave_only_a_record(self, cast, now):
        secret = make_holder("Alder").secret_block()

        with pytest.raises(errors.Invalid) as refused:
            services.upload_key(block=secret, actor=cast.alder.verifier.actor, now=now)

        event = Event.objects.get()
        assert refused.value.code == "private_key_found"
        assert event.kind == "key.private_key_refused"
        assert event.audience == Audience.ORGANIZATION
        assert not OpenPgpKey.objects.exists()
        for line in secret.splitlines()[2:-2]:
            assert line.decode() not in str(event.facts())
            assert line.decode() not in str(refused.value.extra)

    def test_are_refused_for_ever_also_their_public_half(self, cast, now):
        holder = make_holder("Alder", fresh=True)
        with pytest.raises(errors.Invalid):
            services.upload_key(block=holder.secret_block(), actor=cast.cedar.verifier.actor, now=now)

        with pytest.raises(errors.Invalid) as refused:
            make.upload(cast.alder, holder)
        assert refused.value.code == "key_exposed"

    def test_are_refused_in_every_other_upload(self, cast, now):
        holder = make_holder("Alder")
        key = make.upload(cast.alder, holder)
        secret, actor = holder.secret_block(), cast.alder.verifier.actor

        with pytest.raises(errors.Invalid, match="private key"):
            services.prove_possession(key=key, answer=secret, actor=actor, now=now)
        proven = make.prove(cast.alder, key, holder)
        with pytest.raises(errors.Invalid, match="private key"):
            services.revoke_key(key=proven, certificate=secret, actor=actor, now=now)
        assert queries.get(cast.alder.organization, key.pk).state == "proven"


class TestProof:
    def test_a_proven_key_may_sign_and_each_partner_is_asked_to_call(self, cast, now):
        _key, holder = make.proven_key(cast.alder)

        request = VerificationRequest.objects.get()
        assert (request.relying, request.fingerprint) == (cast.birch.organization, holder.fingerprint)
        assert request.reading_command == "gpg --fingerprint pki@alder.example"
        assert request.state == "waiting"
        assert check(cast.alder.organization, b"x", holder.sign_detached(b"x"), now).is_good
        assert "key.proven" in kinds()

    def test_it_does_not_count_for_the_partner_until_the_call_is_approved(self, cast, now):
        key, _ = make.proven_key(cast.alder)
        assert not queries.counts_for(key, cast.birch.organization, now)

        make.verify(key, cast.birch)

        assert queries.counts_for(key, cast.birch.organization, now)
        assert queries.counting(cast.alder.organization, cast.birch.organization, now) == [key]
        assert not queries.counts_for(key, cast.cedar.organization, now)

    def test_the_answer_of_another_key_proves_nothing(self, cast, now):
        key = make.upload(cast.alder, make_holder("Alder"))

        with pytest.raises(errors.Invalid) as refused:
            make.prove(cast.alder, key, make_holder("Stranger"))
        assert refused.value.code == "signature_unknown_key"
        assert queries.get(cast.alder.organization, key.pk).state == "uploaded"

    def test_another_text_proves_nothing(self, cast, now):
        holder = make_holder("Alder")
        key = make.upload(cast.alder, holder)

        with pytest.raises(errors.Invalid):
            services.prove_possession(
                key=key, answer=holder.clearsign(b"I hold it"), actor=cast.alder.verifier.actor, now=now
            )

    def test_an_expired_text_proves_nothing(self, cast, now):
        holder = make_holder("Alder")
        key = make.upload(cast.alder, holder)
        answer = holder.clearsign(services.open_challenge(key, now).text.encode())

        with pytest.raises(errors.Conflict) as refused:
            services.prove_possession(
                key=key, answer=answer, actor=cast.alder.verifier.actor, now=now + timedelta(hours=25)
            )
        assert refused.value.code == "challenge_expired"

    def test_a_text_counts_once(self, cast, now):
        holder = make_holder("Alder")
        key = make.upload(cast.alder, holder)
        answer = holder.clearsign(services.open_challenge(key, now).text.encode())
        services.prove_possession(key=key, answer=answer, actor=cast.alder.verifier.actor, now=now)

        with pytest.raises(errors.Conflict):
            services.prove_possession(key=key, answer=answer, actor=cast.alder.verifier.actor, now=now)
        assert KeyChallenge.objects.get().answered_at == now

    def test_the_texts_of_two_keys_cannot_be_swapped(self, cast, now):
        holder = make_holder("Alder")
        first = make.upload(cast.alder, holder)
        other = services.issue_challenge(
            key=make.upload(cast.alder, make_holder("Alder next")), actor=cast.alder.verifier.actor, now=now
        )

        with pytest.raises(errors.Invalid):
            services.prove_possession(
                key=first, answer=holder.clearsign(other.text.encode()), actor=cast.alder.verifier.actor, now=now
            )

    def test_the_open_text_is_shown_again(self, cast, now):
        key = make.upload(cast.alder, make_holder("Alder"))
        actor = cast.alder.verifier.actor

        first = services.issue_challenge(key=key, actor=actor, now=now)

        assert services.issue_challenge(key=key, actor=actor, now=now) == first
        assert services.issue_challenge(key=key, actor=actor, now=now + timedelta(hours=25)) != first

    def test_no_event_shows_a_whole_fingerprint(self, cast, now):
        _, holder = make.proven_key(cast.alder)

        for event in Event.objects.all():
            assert holder.fingerprint not in str(event.facts()).lower()

    def test_partners_formed_later_are_asked_as_well(self, cast, now):
        key, _ = make.proven_key(cast.alder)
        partnership = make_partnership(cast.alder, cast.cedar)

        partnership_formed.send(sender=None, partnership=partnership, actor=acting.PORTAL, now=now)

        assert VerificationRequest.objects.filter(relying=cast.cedar.organization, fingerprint=key.fingerprint).exists()


class TestOtherOrganizations:
    def test_an_unproven_upload_of_somebody_elses_key_blocks_nobody(self, cast, now):
        holder = make_holder("Alder")
        make.upload(cast.cedar, holder)

        key, _ = make.proven_key(cast.alder, holder)

        assert key.state == "proven"

    def test_a_proven_key_is_registered_once(self, cast, now):
        _, holder = make.proven_key(cast.alder)

        with pytest.raises(errors.Conflict) as refused:
            make.upload(cast.cedar, holder)
        assert refused.value.code == "key_taken"
        assert "Alder" not in refused.value.sentence

    def test_a_key_uploaded_before_cannot_be_proven_after_its_owner_did(self, cast, now):
        holder = make_holder("Alder")
        squatted = make.upload(cast.cedar, holder)
        make.proven_key(cast.alder, holder)

        with pytest.raises(errors.Conflict):
            make.prove(cast.cedar, squatted, holder)
        assert queries.get(cast.cedar.organization, squatted.pk).state == "uploaded"

    def test_a_key_that_adopts_anothers_subkey_is_refused_and_the_owner_goes_on(self, cast, now):
        alder, subkey, mallory = RawKey(), RawKey(), RawKey()
        adopting = mallory.public_block(mallory.bound(subkey.body))
        with pytest.raises(errors.Invalid) as refused:
            services.upload_key(block=adopting, actor=cast.cedar.verifier.actor, now=now)
        assert refused.value.code == "key_subkey_not_confirmed"

        block = alder.public_block(alder.bound(subkey.body, back_signer=subkey))
        done = services.upload_key(block=block, actor=cast.alder.verifier.actor, now=now)

        assert done.outcome == "new"

    def test_keys_of_strangers_are_not_there(self, cast, now):
        key, _ = make.proven_key(cast.alder)

        for act in (
            lambda: queries.get(cast.cedar.organization, key.pk),
            lambda: queries.get_visible(cast.cedar.organization, key.pk),
            lambda: services.issue_challenge(key=key, actor=cast.cedar.verifier.actor, now=now),
            lambda: services.revoke_key(key=key, reason="Mine", actor=cast.cedar.officer.actor, now=now),
            lambda: services.discard(key=key, actor=cast.birch.officer.actor, now=now),
        ):
            with pytest.raises(errors.NotFound):
                act()
        assert queries.get(cast.alder.organization, key.pk).state == "proven"

    def test_partners_see_proven_keys_only(self, cast, now):
        key = make.upload(cast.alder, make_holder("Alder"))
        with pytest.raises(errors.NotFound):
            queries.get_visible(cast.birch.organization, key.pk)

        make.prove(cast.alder, key, make_holder("Alder"))

        assert queries.get_visible(cast.birch.organization, key.pk) == key

    def test_each_partner_verifies_for_itself(self, cast, now):
        partnership = make_partnership(cast.alder, cast.cedar)
        key, _ = make.proven_key(cast.alder)
        make.verify(key, cast.birch)

        seen = {each.relying.name: each.state for each in queries.standings(key, now)}

        assert seen == {"Birch": "verified", "Cedar": "proven"}
        assert queries.standing(key, partnership, now).request.state == "waiting"


class TestWholeFingerprint:
    def test_is_shown_to_nobody_before_the_call(self, cast, now):
        key, _ = make.proven_key(cast.alder)

        assert not queries.may_see_in_full(key, cast.alder.organization, now)
        assert not queries.may_see_in_full(key, cast.birch.organization, now)

    def test_is_shown_to_both_after_the_call(self, cast, now):
        key, _ = make.verified_key(cast.alder, cast.birch)

        assert queries.may_see_in_full(key, cast.alder.organization, now)
        assert queries.may_see_in_full(key, cast.birch.organization, now)

    def test_is_hidden_from_the_owner_again_while_another_partner_waits(self, cast, now):
        key, _ = make.verified_key(cast.alder, cast.birch)

        make_partnership(cast.alder, cast.cedar)

        assert not queries.may_see_in_full(key, cast.alder.organization, now)
        assert queries.may_see_in_full(key, cast.birch.organization, now)


class TestReplacement:
    def both(self, cast):
        active, old = make.proven_key(cast.alder)
        following, new = make.proven_key(cast.alder, make_holder("Alder next"))
        return active, old, following, new

    def test_both_count_until_the_active_one_is_replaced(self, cast, now):
        _active, old, following, new = self.both(cast)
        for holder in (old, new):
            assert check(cast.alder.organization, b"x", holder.sign_detached(b"x"), now).is_good

        services.replace_active(key=following, actor=cast.alder.verifier.actor, now=now)

        report = check(cast.alder.organization, b"x", old.sign_detached(b"x"), now)
        assert not report.is_good
        assert queries.explain(cast.alder.organization, report)[0] == "The key that made this signature was replaced."
        assert check(cast.alder.organization, b"x", new.sign_detached(b"x"), now).is_good
        assert queries.active(cast.alder.organization) == following
        assert queries.following(cast.alder.organization) is None

    def test_the_new_key_needs_a_call_of_its_own(self, cast, now):
        _active, holder = make.verified_key(cast.alder, cast.birch)
        following, _ = make.proven_key(cast.alder, make_holder("Alder next"))
        services.vouch(
            key=following,
            statement=holder.clearsign(services.succession(following)[0].encode()),
            actor=cast.alder.verifier.actor,
            now=now,
        )

        services.replace_active(key=following, actor=cast.alder.verifier.actor, now=now)

        following.refresh_from_db()
        assert following.vouched_at == now
        assert queries.counting(cast.alder.organization, cast.birch.organization, now) == []

    def test_only_the_old_key_can_vouch(self, cast, now):
        _, _, following, new = self.both(cast)
        text = services.succession(following)[0].encode()

        with pytest.raises(errors.Invalid):
            services.vouch(key=following, statement=new.clearsign(text), actor=cast.alder.verifier.actor, now=now)
        following.refresh_from_db()
        assert following.vouched_at is None

    def test_an_unproven_key_cannot_take_over(self, cast, now):
        make.proven_key(cast.alder)
        following = make.upload(cast.alder, make_holder("Alder next"))

        with pytest.raises(errors.Conflict):
            services.replace_active(key=following, actor=cast.alder.verifier.actor, now=now)

    def test_a_third_key_can_follow_after_the_change(self, cast, now):
        _, _, following, _ = self.both(cast)
        services.replace_active(key=following, actor=cast.alder.verifier.actor, now=now)

        third = make.upload(cast.alder, make_holder("Alder third"))

        assert third.is_next
        assert third.replaces == following

    def test_the_owed_call_about_the_old_key_is_withdrawn(self, cast, now):
        active, _, following, _ = self.both(cast)

        services.replace_active(key=following, actor=cast.alder.verifier.actor, now=now)

        states = dict(VerificationRequest.objects.values_list("fingerprint", "state"))
        assert states == {active.fingerprint: "withdrawn", following.fingerprint: "waiting"}


class TestRevocation:
    def test_by_its_certificate_ends_every_signature(self, cast, now):
        holder = make_holder("Alder", fresh=True)
        key, _ = make.verified_key(cast.alder, cast.birch, holder)
        signature = holder.sign_detached(b"x")

        services.revoke_key(
            key=key, certificate=holder.revocation_certificate(), actor=cast.alder.verifier.actor, now=now
        )

        key.refresh_from_db()
        report = check(cast.alder.organization, b"x", signature, now)
        assert key.state == "revoked"
        assert not report.is_good
        assert "revoked" in queries.explain(cast.alder.organization, report)[0]
        assert not queries.counts_for(key, cast.birch.organization, now)
        event = Event.objects.get(kind="key.revoked")
        assert event.partnership_id == cast.partnership.pk
        assert event.audience == Audience.PARTNERSHIP

    def test_without_a_certificate_needs_a_person_who_just_confirmed(self, cast, now):
        key, _ = make.proven_key(cast.alder)

        with pytest.raises(errors.StepUpRequired):
            services.revoke_key(key=key, reason="Lost", actor=cast.alder.verifier.actor_without_step_up, now=now)
        with pytest.raises(errors.Invalid):
            services.revoke_key(key=key, reason=" ", actor=cast.alder.verifier.actor, now=now)
        services.revoke_key(key=key, reason="The card is lost", actor=cast.alder.verifier.actor, now=now)

        assert queries.ring_for(cast.alder.organization, now=now) == []

    def test_of_the_active_key_makes_the_next_one_active(self, cast, now):
        key, _ = make.proven_key(cast.alder)
        following, _ = make.proven_key(cast.alder, make_holder("Alder next"))

        services.revoke_key(key=key, reason="Stolen", actor=cast.alder.officer.actor, now=now)

        assert queries.active(cast.alder.organization) == following

    def test_of_a_replaced_key_is_possible(self, cast, now):
        key, _ = make.proven_key(cast.alder)
        following, _ = make.proven_key(cast.alder, make_holder("Alder next"))
        services.replace_active(key=following, actor=cast.alder.officer.actor, now=now)

        services.revoke_key(key=key, reason="Found stolen", actor=cast.alder.officer.actor, now=now)

        assert queries.get(cast.alder.organization, key.pk).state == "revoked"

    def test_happens_once(self, cast, now):
        key, _ = make.proven_key(cast.alder)
        services.revoke_key(key=key, reason="Stolen", actor=cast.alder.officer.actor, now=now)

        with pytest.raises(errors.Conflict):
            services.revoke_key(key=key, reason="Stolen", actor=cast.alder.officer.actor, now=now)
        assert kinds().count("key.revoked") == 1

    def test_needs_a_certificate_of_this_key(self, cast, now):
        key, _ = make.proven_key(cast.alder)
        other = make_holder("Stranger", fresh=True)

        with pytest.raises(errors.Invalid) as refused:
            services.revoke_key(
                key=key, certificate=other.revocation_certificate(), actor=cast.alder.officer.actor, now=now
            )
        assert refused.value.code == "openpgp_not_a_revocation"
        assert queries.get(cast.alder.organization, key.pk).state == "proven"

    def test_withdraws_the_owed_call(self, cast, now):
        key, _ = make.proven_key(cast.alder)

        services.revoke_key(key=key, reason="Stolen", actor=cast.alder.officer.actor, now=now)

        assert VerificationRequest.objects.get().state == "withdrawn"


class TestDiscard:
    def test_drops_a_key_that_was_never_proven(self, cast, now):
        key = make.upload(cast.alder, make_holder("Alder"))

        services.discard(key=key, actor=cast.alder.officer.actor, now=now)

        assert not OpenPgpKey.objects.exists()
        assert kinds()[-1] == "key.discarded"

    def test_does_not_drop_a_proven_key(self, cast, now):
        key, _ = make.proven_key(cast.alder)

        with pytest.raises(errors.Conflict):
            services.discard(key=key, actor=cast.alder.officer.actor, now=now)
        assert KeyComponent.objects.exists()


class TestExpiry:
    def test_is_told_once_for_each_step(self, cast, now):
        key, _ = make.proven_key(cast.alder)
        told = []
        for days in (400, 364, 181, 179, 100, 89, 88, 29, 14, 6, 5, 0, -1):
            services.tell_expiries(now=key.expires_at - timedelta(days=days))
            told.append(Event.objects.filter(kind="key.expires_soon").count())
            assert Event.objects.filter(kind="key.partners_key_expires_soon").count() == told[-1]

        assert told == [0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 5, 5, 5]

    def test_an_expired_key_counts_no_more(self, cast, now):
        key, _ = make.verified_key(cast.alder, cast.birch)

        assert not queries.counts_for(key, cast.birch.organization, key.expires_at)
        assert queries.standing(key, cast.partnership, key.expires_at).state == "expired"
