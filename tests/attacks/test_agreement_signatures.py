"""Attacks on the signing of agreements. Each ends in a refusal, and nothing has moved."""

import pytest

from portal import errors
from portal.audit.models import Event
from tests.makers.agreements import draft, holder_of, in_force, make_values, proposed, register_key
from tests.makers.openpgp import expired_holder, make_holder, sign_then_revoke, signed_by
from trust.agreements import queries, services
from trust.agreements.models import Agreement, AgreementSignature
from trust.agreements.rules import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(cast):
    return proposed(cast)


@pytest.fixture
def nothing_moved(cast, waiting):
    """Assert after the test that the waiting version still waits with one signature and no new event."""
    events = Event.objects.count()
    yield
    waiting.refresh_from_db()
    assert waiting.state == State.WAITING_FOR_PARTNER
    assert AgreementSignature.objects.count() == 1
    assert Event.objects.count() == events
    assert queries.in_force(cast.partnership) is None


def attempt(cast, agreement, upload, now, *, person=None):
    with pytest.raises(errors.Refusal) as refused:
        services.sign(actor=(person or cast.birch.officer).actor, agreement=agreement, upload=upload, now=now)
    return refused.value.code


@pytest.mark.usefixtures("nothing_moved")
class TestSignature:
    def test_over_changed_bytes(self, cast, waiting, now):
        changed = bytes(waiting.document).replace(b'"max_days":90', b'"max_days":99')

        assert attempt(cast, waiting, holder_of(cast.birch).sign_detached(changed), now) == "signature_bad"

    def test_clearsigned_over_changed_bytes(self, cast, waiting, now):
        changed = bytes(waiting.document).replace(b'"max_days":90', b'"max_days":99')

        code = attempt(cast, waiting, holder_of(cast.birch).clearsign(changed), now)

        assert code == "signature_other_document"

    def test_inline_over_another_document(self, cast, waiting, now):
        code = attempt(cast, waiting, holder_of(cast.birch).sign_inline(b"{}", armored=True), now)

        assert code == "signature_other_document"

    def test_by_one_side_twice(self, cast, waiting, now):
        signature = holder_of(cast.alder).sign_detached(bytes(waiting.document))

        assert attempt(cast, waiting, signature, now, person=cast.alder.second_officer) == "already_signed"

    def test_of_the_other_side_uploaded_again(self, cast, waiting, now):
        """Birch's officer uploads the signature that Alder made."""
        holder_of(cast.birch)
        alders = bytes(AgreementSignature.objects.get().upload)

        assert attempt(cast, waiting, alders, now) == "signature_unknown_key"

    def test_by_a_stranger(self, cast, waiting, now):
        holder_of(cast.birch)
        signature = holder_of(cast.cedar).sign_detached(bytes(waiting.document))

        assert attempt(cast, waiting, signature, now) == "signature_unknown_key"

    def test_by_a_person_of_a_stranger(self, cast, waiting, now):
        signature = holder_of(cast.cedar).sign_detached(bytes(waiting.document))

        assert attempt(cast, waiting, signature, now, person=cast.cedar.officer) == "not_found"

    def test_by_both_sides_keys_in_one_file(self, cast, waiting, now):
        both = signed_by(bytes(waiting.document), holder_of(cast.birch), holder_of(cast.alder))

        assert attempt(cast, waiting, both, now) == "signature_multiple_signatures"

    def test_by_a_person_without_the_right(self, cast, waiting, now):
        signature = holder_of(cast.birch).sign_detached(bytes(waiting.document))

        assert attempt(cast, waiting, signature, now, person=cast.birch.admin) == "role_missing"

    def test_by_an_expired_key(self, cast, waiting, now):
        holder = expired_holder()
        register_key(cast.birch.organization, holder)
        signature = holder.sign_detached(bytes(waiting.document), at="20250105T000000")

        assert attempt(cast, waiting, signature, now) == "signature_key_expired"

    def test_by_a_revoked_key(self, cast, waiting, now):
        holder, signature = sign_then_revoke(bytes(waiting.document))
        register_key(cast.birch.organization, holder)

        assert attempt(cast, waiting, signature, now) == "signature_key_revoked"

    def test_by_a_key_that_was_replaced_here(self, cast, waiting, now):
        holder = make_holder("Birch old")
        register_key(cast.birch.organization, holder, state="replaced")

        code = attempt(cast, waiting, holder.sign_detached(bytes(waiting.document)), now)

        assert code == "signature_unknown_key"

    @pytest.mark.parametrize("upload", [b"", b"   ", b"{}", b"\x00" * 100, b"-----BEGIN PGP SIGNATURE-----\n"])
    def test_that_is_none(self, cast, waiting, now, upload):
        holder_of(cast.birch)

        assert attempt(cast, waiting, upload, now).startswith("signature_")

    def test_that_is_too_large(self, cast, waiting, now):
        assert attempt(cast, waiting, b"A" * 1_000_000, now) == "too_large"

    def test_on_a_version_whose_stored_bytes_were_changed(self, cast, waiting, now):
        """Somebody with the database raises a limit after Alder signed: Birch's good signature does not cover it up."""
        changed = bytes(waiting.document).replace(b'"max_days":90', b'"max_days":99')
        original = bytes(waiting.document)
        Agreement.objects.filter(pk=waiting.pk).update(document=changed)

        code = attempt(cast, waiting, holder_of(cast.birch).sign_detached(changed), now)

        Agreement.objects.filter(pk=waiting.pk).update(document=original)
        assert code == "document_damaged"


class TestStaleVersion:
    def test_that_was_written_before_another_came_into_force(self, cast, now):
        stale = draft(cast, by=cast.birch)
        current = in_force(cast)
        signature = holder_of(cast.birch).sign_detached(bytes(stale.document))

        with pytest.raises(errors.Conflict) as refused:
            services.sign(actor=cast.birch.officer.actor, agreement=stale, upload=signature, now=now)

        assert refused.value.code == "stale_version"
        assert queries.in_force(cast.partnership) == current

    def test_that_is_replaced_cannot_be_signed_again(self, cast, now):
        first = in_force(cast)
        second = in_force(cast, terms=make_values(lifetimes__service={"min_days": 1, "max_days": 30}))
        signature = holder_of(cast.birch).sign_detached(bytes(first.document))

        with pytest.raises(errors.Conflict):
            services.sign(actor=cast.birch.officer.actor, agreement=first, upload=signature, now=now)

        assert queries.in_force(cast.partnership) == second

    def test_whose_signature_is_used_for_the_next_version(self, cast, now):
        """The terms are equal, but version and predecessor are inside the bytes."""
        first = in_force(cast)
        old = bytes(first.signatures.get(organization=cast.birch.organization).upload)
        second = proposed(cast)

        with pytest.raises(errors.Invalid) as refused:
            services.sign(actor=cast.birch.officer.actor, agreement=second, upload=old, now=now)

        assert refused.value.code == "signature_bad"
        assert queries.in_force(cast.partnership) == first

    def test_that_was_signed_while_the_draft_changed(self, cast, now):
        """The signature was made over the draft before the colleague's edit."""
        old = draft(cast)
        signature = holder_of(cast.alder).sign_detached(bytes(old.document))
        draft(cast, terms=make_values(lifetimes__service={"min_days": 1, "max_days": 30}))

        with pytest.raises(errors.Invalid) as refused:
            services.sign(actor=cast.alder.officer.actor, agreement=old, upload=signature, now=now)

        assert refused.value.code == "signature_bad"
        assert not AgreementSignature.objects.exists()
