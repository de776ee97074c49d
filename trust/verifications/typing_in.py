"""Typing what is heard, group by group, and reading it back. The expected value never leaves this module's comparison."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from portal import errors
from portal.organizations.acting import Actor
from trust.pki import fingerprints
from trust.verifications import ending, groups, rules
from trust.verifications.calls import in_a_running_call
from trust.verifications.groups import Verdict
from trust.verifications.locks import as_reader, as_verifier, hold_call, running, tell
from trust.verifications.models import Verification, VerificationGroup


@dataclass(frozen=True)
class GroupResult:
    """What one typed group led to. It holds what was typed, never what was expected."""

    index: int
    verdict: Verdict
    typed: str  # upper-case hex, as the page shows it
    spoken: str  # "Three Eight Five Seven"
    tries_left: int
    mismatches: int  # of the whole call so far
    next_index: int | None  # the group to type now; None when all match or the call has ended

    @property
    def matched(self) -> bool:
        return self.verdict is Verdict.MATCH

    @property
    def ended(self) -> bool:
        return self.verdict.ends_the_call


@in_a_running_call
def enter_group(
    *, verification: Verification, index: int, typed: str, pasted: bool = False, actor: Actor, now: datetime
) -> GroupResult:
    """Compare one group, counted from 1, with what the portal has; answer yes or no.

    ``typed`` is 4 hexadecimal characters or 2 words of the PGP list. When a limit is reached the call ends and its fingerprint
    is quarantined. Raises NotFound, NotAllowed (not the verifier), Invalid for what is no group at all (no try), and Conflict
    when the call is not at this group.
    """
    call = _typing(verification, actor)
    return _judge(call, index, groups.clean(as_hex(typed, index)), pasted=pasted, actor=actor, now=now)


@in_a_running_call
def enter_row(
    *, verification: Verification, typed: Mapping[int, str], actor: Actor, now: datetime
) -> list[GroupResult]:
    """Compare the open groups of one row at once, for pages without scripts; return one result for each, in order.

    The first that ends the call is the last that is compared. Raises as ``enter_group``; then nothing of the row counts.
    """
    call = _typing(verification, actor)
    cleaned = {index: groups.clean(as_hex(text, index)) for index, text in sorted(typed.items())}
    if not cleaned:
        raise errors.Invalid("Type at least one group.", code="not_a_group")
    results = []
    for index, group in cleaned.items():
        results.append(_judge(call, index, group, pasted=False, actor=actor, now=now))
        if results[-1].ended:
            break
    return results


def as_hex(typed: str, index: int) -> str:
    """Return the hex characters that two words of the PGP list stand for, or ``typed`` unchanged when it is not two words.

    Raises Invalid for two words of which one is not in the list or stands at the wrong place.
    """
    said = typed.replace(",", " ").split()
    if len(said) != 2 or not all(len(word) > 2 and word.isalpha() for word in said):
        return typed
    try:
        return fingerprints.group_from_words(typed)
    except fingerprints.NotAFingerprint as problem:
        raise errors.Invalid(
            str(problem), code="not_a_word", fix=f"Ask for the two words of group {index} again."
        ) from None


def _typing(verification: Verification, actor: Actor) -> Verification:
    call = running(hold_call(verification))
    as_verifier(call, actor)
    rules.require_step(call.progress(), rules.Step.TYPE)
    # What the call is about may have been withdrawn or decided since the page was loaded.
    rules.next_request_state(call.request.state, rules.RequestAction.RECORD)
    return call


def _judge(call: Verification, index: int, typed: str, *, pasted: bool, actor: Actor, now: datetime) -> GroupResult:
    before = call.story()
    groups.may_be_typed(before, index)
    matched = groups.matches(typed, call.request.fingerprint, index)
    after = groups.after_try(before, index, matched=matched)
    _keep(call, after[index - 1], typed, pasted=pasted, now=now)
    verdict = groups.verdict(after, index)
    call.last_act_at = now
    if not matched:
        call.first_mismatch_at = call.first_mismatch_at or now
        tries = after[index - 1].misses
        tell("group_differs", request=call.request, call=call, actor=actor, now=now, group=index, tries=tries)
    call.save()
    if verdict.ends_the_call:
        ending.quarantine(call, verdict=verdict, actor=actor, now=now)
    open_groups = [group.index for group in after if not group.matched]
    return GroupResult(
        index=index,
        verdict=verdict,
        typed=typed.upper(),
        spoken=fingerprints.spoken(typed),
        tries_left=max(0, groups.TRIES_PER_GROUP - after[index - 1].misses),
        mismatches=groups.mismatches(after),
        next_index=open_groups[0] if open_groups and not verdict.ends_the_call else None,
    )


def _keep(call: Verification, story: groups.Group, typed: str, *, pasted: bool, now: datetime) -> None:
    row, _ = VerificationGroup.objects.get_or_create(verification=call, index=story.index)
    row.typed = [*row.typed, typed]
    row.misses, row.missed_first = story.misses, story.missed_first
    row.pasted = row.pasted or pasted
    row.matched_at = now if story.matched else None
    row.save()


@in_a_running_call
def read_back_done(*, verification: Verification, actor: Actor, now: datetime) -> Verification:
    """Press "Read back done", once by each side. The second press records the call and asks for approval.

    Raises NotFound, NotAllowed and Conflict (another step, or pressed already).
    """
    call = running(hold_call(verification))
    side = "verifier" if actor.organization == call.request.relying else "reader"
    (as_verifier if side == "verifier" else as_reader)(call, actor)
    if side == "reader" and actor.user is not None and call.reader_id != actor.user.pk:
        raise errors.NotAllowed("Somebody else reads in this call.", code="another_reader")
    rules.require_step(call.progress(), rules.Step.READ_BACK)
    field = f"read_back_by_{side}_at"
    if getattr(call, field) is not None:
        raise errors.Conflict("You have pressed it already; the other side has not.", code="already_read_back")
    setattr(call, field, now)
    call.last_act_at = now
    call.save()
    tell("read_back", request=call.request, call=call, actor=actor, now=now, side=side)
    if rules.step(call.progress()) == rules.Step.DONE:
        ending.record_call(call, actor=actor, now=now)
    return call
