"""What Alder gets for an upload to Birch, and the proof that nothing else on the portal moved."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from portal import errors
from portal.audit.models import ChainHead, Event
from portal.counting.models import Tally
from tests.cast import Cast
from tests.makers.openpgp import OpenPgpHolder, make_holder
from tests.makers.submissions import hierarchy, signer, submit
from trust.keys.models import OpenPgpKey
from trust.stores.models import StoreVersion
from trust.submissions.models import RefusedKey, Submission, SubmissionFinding
from trust.verifications.models import VerificationRequest

# What a refusal itself leaves: the submission with its findings and number, and a line in the log for the uploader.
LEFT_BY_A_REFUSAL = (Submission, SubmissionFinding, Event, ChainHead, RefusedKey, Tally)


def everything(*, but: Iterable[type[Model]] = (Tally,)) -> dict[str, list[str]]:
    """All rows of all tables, as text, but for those of some."""
    return {
        model._meta.label: sorted(_text(row) for row in model._base_manager.values())
        for model in apps.get_models()
        if model not in but
    }


def _text(row: dict[str, Any]) -> str:
    row.pop("last_submission_number", None)
    return str({name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()})


def codes(submission: Submission) -> set[str]:
    """The codes of what a report says."""
    return set(submission.findings.values_list("code", flat=True))


class Sender:
    """Alder, whose key Birch has verified, sends bundles."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.holder = signer(cast)

    @property
    def key(self) -> OpenPgpKey:
        """Alder's key as the portal has it."""
        return OpenPgpKey.objects.get(organization=self.cast.alder.organization)

    def holds(self, holder: Any, block: bytes | None = None) -> Any:
        """Put another key in the place of Alder's verified one, as if the portal had taken it once; return its holder."""
        fingerprint, armored = holder.fingerprint, (block or holder.public_block()).decode()
        VerificationRequest.objects.filter(fingerprint=self.key.fingerprint).update(fingerprint=fingerprint)
        OpenPgpKey.objects.filter(pk=self.key.pk).update(fingerprint=fingerprint, block=armored)
        return holder

    def refused(self, code: str | tuple[str, ...], content: bytes | None = None, **fields: Any) -> Submission:
        """Send it, and see it refused for a code that begins so, with nothing of it anywhere but in the refusal."""
        holder = fields.pop("holder", self.holder)
        before = everything(but=LEFT_BY_A_REFUSAL)
        lines = Event.objects.count()

        made = submit(self.cast, content, holder=holder, **fields)

        assert (made.state, bool(made.refusal_code)) == (Submission.State.REFUSED, True)
        assert made.refusal_code.startswith(code), (made.refusal_code, codes(made))
        assert not made.places.exists()
        assert everything(but=LEFT_BY_A_REFUSAL) == before
        kinds = set(Event.objects.order_by("sequence").values_list("kind", flat=True)[lines:])
        assert kinds <= {"submission.refused", "submission.private_key_refused"}
        return made

    def turned_away(self, code: str, content: bytes | None = None, **fields: Any) -> errors.Refusal:
        """Send it, and see it turned away at the door, without even a submission."""
        holder = fields.pop("holder", self.holder)
        before = everything()

        with pytest.raises(errors.Refusal) as refusal:
            submit(self.cast, content, holder=holder, **fields)

        assert refusal.value.code == code
        assert everything() == before
        return refusal.value

    def taken(self, *expected: str, content: bytes | None = None, **fields: Any) -> Submission:
        """Send it, and see it taken with these findings: it waits for people, and nothing is trusted yet."""
        holder = fields.pop("holder", self.holder)

        made = submit(self.cast, content, holder=holder, **fields)

        assert made.state != Submission.State.REFUSED, (made.refusal_code, codes(made))
        assert set(expected) <= codes(made), codes(made)
        assert made.state == Submission.State.WAITING_FOR_CALL
        waiting = VerificationRequest.objects.filter(item_kind="certificate")
        assert set(waiting.values_list("state", flat=True)) == {"waiting"}
        assert not StoreVersion.objects.exists()
        return made


def stranger(name: str = "Alder") -> OpenPgpHolder:
    """Somebody whose key nobody registered, under anybody's name."""
    return make_holder(name, fresh=True)


def bundle() -> bytes:
    """The CAs of Alder, root first."""
    return hierarchy().bundle
