"""What a renewal announced, as the pages say it: what is missing, who does it, and where."""

from collections.abc import Iterable

from django.urls import reverse

from notifications.acknowledgements.todo import Task
from trust.notices.additions import Addition, Step
from trust.notices.models import Notice
from trust.notices.telling import common_name


def tasks(notice: Notice, additions: Iterable[Addition], *, received: bool) -> list[Task]:
    """Return a step for each certificate that a notice names as new, for the reader's side."""
    words = _for_receiver if received else _for_sender
    return [words(notice, each) for each in additions]


def sentence(notice: Notice, additions: Iterable[Addition]) -> str:
    """Return in one sentence what the receiver waits for, for lists; nothing when nothing is missing or named."""
    waiting = [task.title for task in tasks(notice, additions, received=True) if task.state != "done"]
    return ". ".join(waiting) + "." if waiting else ""


def _name(addition: Addition) -> str:
    if addition.certificate is not None:
        return common_name(addition.certificate.subject)
    if addition.sha256:
        return f"the certificate {addition.sha256[:16].upper()} …"
    return f"the certificate with serial {addition.serial.upper()}"


def _place(addition: Addition, page: str) -> str:
    submission = addition.submission
    return reverse(page, args=[submission.partnership.slug, submission.number]) if submission else ""


def _number(addition: Addition) -> str:
    return f"submission {addition.submission.number}" if addition.submission else "a submission"


def _for_receiver(notice: Notice, addition: Addition) -> Task:
    name, number, sender = _name(addition), _number(addition), notice.sender.name
    match addition.step:
        case Step.SUBMIT:
            return Task(
                f"Waiting for {sender} to submit {name}",
                "The notice alone adds nothing: it must come in a signed bundle.",
                "after",
                tag=f"With {sender}",
            )
        case Step.CALL:
            slug = notice.partnership.slug
            return Task(
                f"Verify {number} by phone",
                f"It brings {name}. Nothing of it counts before the call.",
                "now",
                reverse("verifications", args=[slug]),
                "Waiting for call",
            )
        case Step.APPROVE:
            return Task(
                f"Approve {number}",
                f"It brings {name}. The next version is prepared with it, and waits for two people of yours.",
                "now",
                _place(addition, "submission_approve"),
                "Waiting for approval",
            )
        case Step.MISMATCH:
            return Task(
                f"Settle the mismatch of {number}",
                f"What was read in the call is not {name}. It is not trusted.",
                "now",
                _place(addition, "submission"),
                "Quarantined",
            )
        case Step.RESTORE:
            return Task(
                f"{name} was withdrawn from your trust store",
                "A notice brings nothing back. An officer can propose it, and another publishes it.",
                "now",
                reverse("trust_stores"),
                "Not trusted",
            )
        case Step.TRUSTED:
            return Task(f"{name} is trusted", "It is in the current version of your trust store.", "done")


def _for_sender(notice: Notice, addition: Addition) -> Task:
    name, number, receiver = _name(addition), _number(addition), notice.receiver.name
    where = _place(addition, "submission")
    match addition.step:
        case Step.SUBMIT:
            return Task(
                f"Submit {name}",
                f"{receiver} trusts nothing because of a notice: send it in a signed bundle.",
                "now",
                reverse("submission_new", args=[notice.partnership.slug]),
                "Not submitted",
            )
        case Step.CALL:
            return Task(
                f"{receiver} verifies {number} by phone", f"It brings {name}.", "after", where, "Waiting for call"
            )
        case Step.APPROVE:
            return Task(f"{receiver} approves {number}", f"It brings {name}.", "after", where, "Waiting for approval")
        case Step.MISMATCH:
            return Task(f"Settle the mismatch of {number}", f"It brings {name}.", "now", where, "Quarantined")
        case Step.RESTORE:
            return Task(
                f"{receiver} withdrew {name}", "Two people of theirs can bring it back.", "after", where, "Not trusted"
            )
        case Step.TRUSTED:
            return Task(f"{receiver} trusts {name}", "", "done")
