"""What the portal sees for itself about each item of the checklist, and since when.

One function a check; each looks at one side (``organization``) of a partnership and asks a bounded number of queries. Features
above ``trust`` register theirs (``register``), since a fact may lie where this one cannot look.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, F, Min, OuterRef

from portal.organizations.models import Membership, Organization
from portal.organizations.rules import Role
from portal.partnerships.models import Partnership
from trust.agreements import queries as agreements
from trust.agreements.models import Agreement, AgreementSignature
from trust.agreements.rules import State as AgreementState
from trust.consumers.models import PullRecord
from trust.keys import queries as keys
from trust.keys.rules import State as KeyState
from trust.notices.models import Notice
from trust.onboarding.board_rules import Seen
from trust.onboarding.models import IncidentMailbox, KitResult, NegativeRun
from trust.onboarding.reading import agreement_of, by_side, contacts_of, first_of_each, keys_of, request_about, sides
from trust.pki.certificates import read_certificate
from trust.revocations import queries as revocations
from trust.revocations import seeing
from trust.revocations.rules import TROUBLE, Standing
from trust.stores.models import TrustStore
from trust.submissions.models import Submission, SubmissionCertificate
from trust.verifications import queries as verifications
from trust.verifications.models import ItemKind, VerificationRequest

Check = Callable[[Partnership, Organization, datetime], Seen]
_CHECKS: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    """Let ``check`` say what is seen about the items that name it. Without one, people say that the item is done."""
    _CHECKS[name] = check


def look(name: str, partnership: Partnership, organization: Organization, now: datetime) -> Seen | None:
    """Return what is seen about one side, or None when nobody can look."""
    check = _CHECKS.get(name)
    return check(partnership, organization, now) if check else None


def _check(name: str) -> Callable[[Check], Check]:
    def put(check: Check) -> Check:
        register(name, check)
        return check

    return put


@_check("agreement_signed")
def agreement_signed(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The side's signature is on the agreement that is in force."""
    current = agreement_of(partnership)
    if current:
        return Seen(True, f"Agreement v{current.version} is in force.", current.in_force_at)
    waiting = Agreement.objects.filter(partnership=partnership, state=AgreementState.WAITING_FOR_PARTNER).first()
    if waiting is None:
        return Seen(False, "Nobody has signed terms yet.")
    signed = AgreementSignature.objects.filter(agreement=waiting, organization=organization).first()
    if signed:
        return Seen(False, f"Signed v{waiting.version}; the other side has not yet.", signed.received_at, theirs=True)
    return Seen(False, f"Agreement v{waiting.version} waits for this side’s signature.", waiting.sent_at)


@_check("agreement_in_force")
def agreement_in_force(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The clauses count once the agreement is in force."""
    current = agreement_of(partnership)
    if current is None:
        return Seen(False, "Agreed with the agreement, once both have signed it.")
    return Seen(True, f"Agreed in v{current.version}.", current.in_force_at)


@_check("identity_agreed")
def identity_agreed(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The agreement says something about the identities of this side's services."""
    current = agreement_of(partnership)
    party = agreements.terms_of(current, partnership).identity_of(organization.slug) if current else None
    if current is None or party is None:
        return Seen(False, "Agreed with the agreement, once both have signed it.")
    if any(party[key] for key in ("trust_domains", "dns_suffixes", "subject_organizations", "rules")):
        return Seen(True, f"Clause 6 of v{current.version}.", current.in_force_at)
    return Seen(False, f"Clause 6 of v{current.version} says nothing about {organization.name}.", problem=True)


@_check("windows_agreed")
def windows_agreed(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The agreement names maintenance windows."""
    current = agreement_of(partnership)
    values = agreements.terms_of(current, partnership).values
    if current and values["operations"]["maintenance_windows"]:
        return Seen(True, f"Clause 9.1 of v{current.version}.", current.in_force_at)
    return Seen(False, "Clause 9.1 of the agreement names no maintenance window.")


@_check("two_officers")
def two_officers(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The side has two security officers who can sign in."""
    officers = Membership.objects.filter(
        organization__in=sides(partnership), role=Role.OFFICER, state=Membership.State.ACTIVE
    ).order_by("created_at")
    made = by_side(partnership, "officers", lambda: officers, "organization_id")[organization.pk]
    if len(made) >= 2:
        return Seen(True, f"{len(made)} security officers.", made[1].created_at)
    return Seen(False, f"Adding trust needs two security officers; there {'is one' if made else 'are none'}.")


@_check("contacts_named")
def contacts_named(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The directory has a primary and a backup contact."""
    contacts = contacts_of(partnership, organization)
    primary = next((each for each in contacts if each.is_primary), None)
    backup = next((each for each in contacts if each.is_backup), None)
    if primary and backup:
        return Seen(True, f"{primary.name} and {backup.name}.", max(primary.created_at, backup.created_at))
    lacking = [word for word, found in (("primary", primary), ("backup", backup)) if found is None]
    return Seen(False, f"No {' and no '.join(lacking)} contact.")


@_check("numbers_confirmed")
def numbers_confirmed(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The numbers of the primary and the backup contact may be called."""
    contacts = [each for each in contacts_of(partnership, organization) if each.is_primary or each.is_backup]
    open_ones = [(each, obstacle) for each in contacts if (obstacle := each.obstacle_at(now))]
    if open_ones:
        contact, obstacle = open_ones[0]
        return Seen(False, f"{contact.name}: {obstacle.sentence}", problem=obstacle.code == "number_reported_wrong")
    if not any(each.is_primary for each in contacts) or not any(each.is_backup for each in contacts):
        return Seen(False, "A primary and a backup contact are needed.")
    moments = [each.confirmed_by_call_at for each in contacts if each.confirmed_by_call_at]
    return Seen(True, "Both numbers were confirmed.", max(moments, default=None))


@_check("key_proven")
def key_proven(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The side has an OpenPGP key that is proven and in force."""
    held = keys_of(partnership, organization)
    good = [each for each in held if keys.is_in_force(each, now)]
    if good:
        return Seen(True, "The key is proven.", min(each.proven_at for each in good if each.proven_at))
    if any(each.state == KeyState.REVOKED for each in held):
        return Seen(False, "The key was revoked, and there is no other.", problem=True)
    if any(each.state == KeyState.PROVEN for each in held):
        return Seen(False, "The key has expired.", problem=True)
    return Seen(False, "The key is uploaded, but not proven." if held else "No key is uploaded.")


@_check("key_verified")
def key_verified(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """This side verified the other side's key by phone, and a second person approved."""
    other = partnership.other(organization)
    for key in keys_of(partnership, other):
        request = request_about(partnership, organization, key)
        if request and keys.is_believed(key, request, now):
            return Seen(True, f"The key of {other.name} is verified.", request.approved_at)
    if not any(keys.is_in_force(each, now) for each in keys_of(partnership, other)):
        return Seen(False, f"{other.name} has no proven key yet.", theirs=True)
    return Seen(False, f"Call {other.name} and verify the key.")


@_check("roots_submitted")
def roots_submitted(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The side submitted a bundle with a trust anchor that was not refused."""
    sent = Submission.objects.filter(partnership=partnership).defer("content", "signature")
    waiting_or_taken = [
        Submission.State.WAITING_FOR_CALL,
        Submission.State.WAITING_FOR_APPROVAL,
        Submission.State.ACCEPTED,
    ]
    anchors = SubmissionCertificate.objects.filter(submission=OuterRef("pk"), role=SubmissionCertificate.Role.ANCHOR)
    with_roots = sent.filter(Exists(anchors), state__in=waiting_or_taken)
    first = first_of_each(partnership, "roots", with_roots, side="owner_id", order=F("received_at").asc())
    good = first.get(organization.pk)
    if good:
        return Seen(True, f"Submission {good.number}.", good.received_at)
    newest = first_of_each(partnership, "submissions", sent, side="owner_id", order=F("received_at").desc())
    last = newest.get(organization.pk)
    if last and last.state in (Submission.State.REFUSED, Submission.State.QUARANTINED):
        return Seen(False, f"Submission {last.number} is {last.get_state_display().lower()}.", problem=True)
    return Seen(False, "No bundle with a root CA was submitted.")


@_check("roots_verified")
def roots_verified(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """This side verified a root of the other side by phone, and a second person approved."""
    approved = VerificationRequest.objects.filter(
        partnership=partnership, item_kind=ItemKind.CERTIFICATE, state=VerificationRequest.State.APPROVED
    )
    mine = by_side(partnership, "verified roots", lambda: approved, "relying_id")[organization.pk]
    counting = [each for each in mine if verifications.counts(each, now)]
    if counting:
        return Seen(
            True, f"{counting[0].label} is verified.", min(each.approved_at for each in counting if each.approved_at)
        )
    other = partnership.other(organization)
    if not roots_submitted(partnership, other, now).done:
        return Seen(False, f"{other.name} has not submitted its roots.", theirs=True)
    return Seen(False, f"Call {other.name} and verify the roots.")


@_check("store_published")
def store_published(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """This side published a trust store with the other side's CAs."""
    published = TrustStore.objects.filter(partnership=partnership, current_number__gt=0).annotate(
        first_at=Min("versions__published_at")
    )
    stores = by_side(partnership, "stores", lambda: published, "relying_id")[organization.pk]
    moments = [each.first_at for each in stores if each.first_at]
    if not moments:
        return Seen(False, "No trust store is published.")
    names = ", ".join(f"{each.name} v{each.current_number}" for each in stores)
    return Seen(True, f"{names}.", min(moments))


@_check("revocation_served")
def revocation_served(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The side's accepted CAs name where a revocation is seen, as the agreement says, and each address answers and is fresh."""
    duty = agreements.terms_of(agreement_of(partnership), partnership).values["revocation"]["duty"]
    if duty == "none":
        return Seen(True, "The agreement asks for none.")
    places = (
        SubmissionCertificate.objects.filter(
            submission__partnership=partnership,
            submission__state=Submission.State.ACCEPTED,
            certificate__not_after__gt=now,
        )
        .exclude(role=SubmissionCertificate.Role.ANCHOR)
        .annotate(owner_id=F("submission__owner_id"))
        .select_related("certificate")
    )
    mine = by_side(partnership, "CAs below roots", lambda: places, "owner_id")[organization.pk]
    below = [place.certificate for place in mine]
    if not below:
        return Seen(False, "No CA below a root is accepted yet.")
    for each in below:
        read = read_certificate(bytes(each.der))
        lacking = _lacking(duty, bool(read.crl_urls), bool(read.ocsp_urls))
        if lacking:
            return Seen(False, f"{read.subject} names {lacking}.", problem=True)
    return _answering(partnership, organization, now)


def _lacking(duty: str, crl: bool, ocsp: bool) -> str:
    """Return what a certificate should name by the agreement and does not."""
    if duty == "both":
        return (
            ""
            if crl and ocsp
            else "no OCSP responder"
            if crl
            else "no CRL"
            if ocsp
            else "neither CRL nor OCSP responder"
        )
    if duty == "crl_or_ocsp":
        return "" if crl or ocsp else "neither a CRL nor an OCSP responder"
    return "" if (crl if duty == "crl" else ocsp) else "no CRL" if duty == "crl" else "no OCSP responder"


def _others(count: int) -> str:
    return "1 other address" if count == 1 else f"{count} other addresses"


def _answering(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    found = list(revocations.of_partnership(partnership, organization, now))
    bad = [each for each in found if each.state in TROUBLE]
    if bad:
        worst = min(bad, key=lambda each: each.state_since or now)
        said = f"The {seeing.name_of(worst)}: {worst.sentence}"
        return Seen(
            False,
            said if len(bad) == 1 else f"{said} There is trouble with {_others(len(bad) - 1)}.",
            worst.state_since,
            problem=True,
        )
    waiting = [each for each in found if each.state != Standing.FRESH]
    if waiting or not found:
        return Seen(False, "The portal has not asked every address yet." if found else "The addresses are being read.")
    since = max((each.state_since for each in found if each.state_since), default=None)
    count = f"All {len(found)} addresses answer" if len(found) > 1 else "The address answers"
    return Seen(True, f"{count}, and what is served there is fresh.", since)


@_check("mailbox_confirmed")
def mailbox_confirmed(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """Somebody who reads the incident mailbox confirmed it."""
    named = IncidentMailbox.objects.filter(organization__in=sides(partnership))
    found = by_side(partnership, "mailboxes", lambda: named, "organization_id")[organization.pk]
    mailbox = found[0] if found else None
    if mailbox and mailbox.confirmed_at:
        return Seen(True, "The mailbox is confirmed.", mailbox.confirmed_at)
    return Seen(False, "The confirmation was mailed and not opened yet." if mailbox else "No mailbox is named.")


@_check("consumer_pulled")
def consumer_pulled(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """A consumer of this side pulled a store with the other side's CAs, and reported which version it runs."""
    pulled = PullRecord.objects.filter(
        store__partnership=partnership, version_number__gt=0, consumer__retired_at=None
    ).select_related("consumer")
    order = [F("reported_at").desc(nulls_last=True), F("pulled_at").desc()]
    last = first_of_each(partnership, "pulls", pulled, side="store__relying_id", order=order)
    newest = last.get(organization.pk)
    if newest is None:
        return Seen(False, "No consumer has pulled yet.")
    said = f"{newest.consumer.name} pulled v{newest.version_number}"
    if newest.reported_number is None:
        return Seen(False, f"{said}. It has not reported which version it runs.", newest.pulled_at)
    if newest.runs < newest.version_number:
        return Seen(False, f"{said}, and reports that it could not take it into use.", newest.reported_at, problem=True)
    return Seen(True, f"{said}, and reports v{newest.reported_number}.", newest.reported_at)


@_check("clock_close")
def clock_close(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The moments in the side's signatures fit the moments at which the signed bytes existed here.

    A signature cannot be older than the bytes that it covers, nor younger than its arrival, so both ends bound the clock.
    """
    signed = AgreementSignature.objects.filter(agreement__partnership=partnership).exclude(signed_at=None)
    signature = first_of_each(
        partnership,
        "signatures",
        signed.select_related("agreement"),
        side="organization_id",
        order=F("received_at").desc(),
    ).get(organization.pk)
    if signature is None or signature.signed_at is None:
        return Seen(False, "Seen with the first signature under an agreement.")
    early = signature.agreement.created_at - signature.signed_at
    late = signature.signed_at - signature.received_at
    off = max(early, late, timedelta())
    limit = agreements.terms_of(agreement_of(partnership), partnership).clock_skew
    if off > limit:
        minutes = int(off.total_seconds() // 60)
        direction = "behind" if early > late else "ahead"
        return Seen(False, f"The clock that signed is at least {minutes} minutes {direction}.", problem=True)
    return Seen(True, "The moment of the last signature fits.", signature.received_at)


@_check("rehearsed")
def rehearsed(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The side sent a rehearsal of a revocation that went through."""
    done = Notice.objects.filter(partnership=partnership, rehearsal=True).exclude(executed_at=None)
    newest = first_of_each(partnership, "rehearsals", done, side="sender_id", order=F("executed_at").desc())
    last = newest.get(organization.pk)
    if last:
        return Seen(True, f"{last.label} was rehearsed.", last.executed_at)
    return Seen(False, "No rehearsal by this side has taken effect.")


@_check("negative_tests_passed")
def negative_tests_passed(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The last run against this side's store had every kind of sample, each as expected."""
    runs = NegativeRun.objects.filter(partnership=partnership)
    newest = first_of_each(partnership, "negative runs", runs, side="relying_id", order=F("at").desc())
    last = newest.get(organization.pk)
    if last is None:
        return Seen(False, "The tests have not been run.")
    if last.passed < last.count:
        return Seen(False, f"{last.count - last.passed} of {last.count} did not come out as expected.", last.at, True)
    if not last.complete:
        return Seen(False, "Some kinds of test certificates are still missing.", last.at)
    return Seen(True, f"{last.passed} of {last.count} as expected.", last.at)


@_check("kit_passed")
def kit_passed(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The last result of the test kit that this side handed in has no failure."""
    results = KitResult.objects.filter(partnership=partnership).defer("content")
    newest = first_of_each(partnership, "kit results", results, side="organization_id", order=F("at").desc())
    last = newest.get(organization.pk)
    if last is None:
        return Seen(False, "No result is handed in.")
    if last.passed < last.count:
        return Seen(False, f"{last.count - last.passed} of {last.count} failed.", last.at, True)
    return Seen(True, f"{last.passed} of {last.count} passed.", last.at)


def names() -> Iterable[str]:
    """Return the checks that somebody can look at."""
    return _CHECKS.keys()
