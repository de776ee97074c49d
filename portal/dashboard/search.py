"""Search: a fingerprint in any spacing, a serial number, a notice, a submission, a person, a name.

An exact hit leads straight there.

Fingerprints and serial numbers are found whole or not at all. A search for the beginning of one would tell a verifier, group by
group, what they are about to hear on the phone.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import Q

from portal import words
from portal.dashboard.need import page
from portal.organizations import queries as organizations
from portal.organizations.models import Organization
from portal.partnerships import contact_queries as contacts
from portal.partnerships import queries as partnerships
from trust.certificates import queries as certificates
from trust.consumers import queries as consumers
from trust.keys import queries as keys
from trust.notices import queries as notices
from trust.stores import queries as stores
from trust.submissions import queries as submissions

MAX_LENGTH = 200
PER_KIND = 10
_NOT_HEX = re.compile(r"[\s:.\-]|^(sha256|0x|serial)[\s:=]*", re.IGNORECASE)
_NUMBERED = re.compile(r"^(submission)?\s*#?(\d{1,9})$", re.IGNORECASE)
_HEX = re.compile(r"^[0-9a-f]+$")
FINGERPRINT_LENGTHS = (40, 64)


@dataclass(frozen=True)
class Hit:
    """Something that was found: what it is, its name, a line about it, and its page. ``exact`` hits were named in full."""

    kind: str
    title: str
    detail: str
    url: str
    icon: str
    exact: bool = False


def find(organization: Organization, text: str) -> list[Hit]:
    """Return what members of ``organization`` may see and ``text`` names, exact hits first."""
    text = " ".join(text[:MAX_LENGTH].split())
    if not text:
        return []
    hits = [hit for finder in FINDERS for hit in finder(organization, text) if hit.url]
    return sorted(hits, key=lambda hit: not hit.exact)


def straight_to(hits: list[Hit]) -> str:
    """Return the address of the only exact hit, or "" when there is none or a choice."""
    exact = {hit.url for hit in hits if hit.exact}
    return exact.pop() if len(exact) == 1 else ""


def hexadecimal(text: str) -> str:
    """Return ``text`` as lower-case hex without separators, or "" when it is not hex."""
    bare = _NOT_HEX.sub("", text).lower()
    return bare if _HEX.match(bare) else ""


def _keys(organization: Organization, text: str) -> Iterable[Hit]:
    digits = hexadecimal(text)
    if len(digits) not in FINGERPRINT_LENGTHS:
        return
    for key in keys.visible_to(organization).filter(fingerprint=digits).select_related("organization"):
        name = f"OpenPGP key {words.concealed(key.fingerprint)}"
        own = key.organization_id == organization.pk
        partnership = None if own else partnerships.of(organization).filter(_with(key.organization)).first()
        url = page("key", key.pk) if own else page("partnership_keys", partnership.slug) if partnership else ""
        yield Hit("OpenPGP key", name, f"of {key.organization.name}, {key.algorithm}", url, "key", exact=True)


def _with(other: Organization) -> Q:
    return Q(first_organization=other) | Q(second_organization=other)


def _certificates(organization: Organization, text: str) -> Iterable[Hit]:
    seen = certificates.visible_to(organization).defer("der")
    digits = hexadecimal(text)
    exact = seen.none()
    if len(digits) == 64:
        exact = seen.filter(pk=digits)
    elif len(digits) >= 6:
        exact = seen.filter(serial=digits.lstrip("0"))
    named = seen.filter(subject__icontains=text) if len(text) > 2 and not digits else seen.none()
    found = [*((each, True) for each in exact[:PER_KIND]), *((each, False) for each in named[:PER_KIND])]
    for certificate, is_exact in found:
        detail = f"{certificate.key_algorithm}, until {words.day(certificate.not_after)}"
        url = page("certificate", certificate.sha256)
        yield Hit("Certificate", words.common_name(certificate.subject), detail, url, "certificate", exact=is_exact)


def _notices(organization: Organization, text: str) -> Iterable[Hit]:
    found = notices.of(organization).filter(label__istartswith=text.replace(" ", "-"))
    for notice in found.order_by("-received_at")[:PER_KIND]:
        exact = notice.label.lower() == text.replace(" ", "-").lower()
        url = page("notice", notice.label)
        yield Hit("Notice", f"{notice.label}: {notice.title}", f"from {notice.sender}", url, "bell-ringing", exact)


def _submissions(organization: Organization, text: str) -> Iterable[Hit]:
    match = _NUMBERED.match(text)
    if not match:
        return
    named = bool(match.group(1))
    for each in submissions.visible_to(organization).filter(number=int(match.group(2)))[:PER_KIND]:
        url = page("submission", each.partnership.slug, each.number)
        detail = f"{each.get_state_display()}, received {words.day(each.received_at)}"
        yield Hit("Submission", f"Submission {each.number} of {each.owner.name}", detail, url, "upload", exact=named)


def _partners(organization: Organization, text: str) -> Iterable[Hit]:
    for partnership in partnerships.of(organization):
        partner = partnership.other(organization)
        if text.lower() in partner.name.lower():
            exact = text.lower() == partner.name.lower()
            url = page("partnership", partnership.slug)
            yield Hit("Partnership", partner.name, partnership.get_state_display(), url, "building", exact)


def _stores(organization: Organization, text: str) -> Iterable[Hit]:
    for store in stores.of(organization).filter(name__icontains=text)[:PER_KIND]:
        detail = f"v{store.current_number}, of {store.owner.name}" if store.current_number else "no version yet"
        url = page("trust_store", store.name)
        yield Hit("Trust store", store.name, detail, url, "stack-2", store.name == text.lower())


def _consumers(organization: Organization, text: str) -> Iterable[Hit]:
    for consumer in consumers.of(organization).filter(name__icontains=text)[:PER_KIND]:
        url = page("consumer", consumer.name)
        yield Hit("Consumer", consumer.name, consumer.owner, url, "server", consumer.name == text.lower())


def _people(organization: Organization, text: str) -> Iterable[Hit]:
    if len(text) < 2:
        return
    for contact in contacts.visible_to(organization).filter(name__icontains=text, retired_at=None)[:PER_KIND]:
        url = page("contact", contact.pk)
        yield Hit(
            "Contact", contact.name, f"{contact.role_title or 'Contact'}, {contact.organization.name}", url, "phone"
        )
    for member in organizations.members_of(organization).filter(user__name__icontains=text)[:PER_KIND]:
        yield Hit("Member", member.user.name, member.get_role_display(), page("members"), "users")


Finder = Callable[[Organization, str], Iterable[Hit]]
FINDERS: list[Finder] = [_keys, _certificates, _notices, _submissions, _partners, _stores, _consumers, _people]
