"""What the pages and the API show of an agreement: clauses, signatures, differences, and how to sign."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.agreements import diff, queries
from trust.agreements.clauses import BY_NUMBER, CLAUSES, SECTIONS
from trust.agreements.diff import ClauseChange
from trust.agreements.models import Agreement, AgreementSignature, Waiver
from trust.agreements.rules import State, WaiverState


@dataclass(frozen=True)
class ShownClause:
    """One clause as people read it, with the waivers that count for it now."""

    number: str
    title: str
    path: str
    sentences: list[str]
    waivers: list[Waiver]


@dataclass(frozen=True)
class ShownSection:
    """A section and its clauses."""

    number: str
    title: str
    clauses: list[ShownClause]


@dataclass(frozen=True)
class Side:
    """One side's part in a version: its signature, or that it is missing.

    ``key_verified``: by the other side, by phone. ``shows_key``: the viewer may see its fingerprint, and the signature itself.
    """

    organization: Organization
    signature: AgreementSignature | None
    key_verified: bool
    shows_key: bool


def sections(
    terms: Mapping[str, Any], names: Mapping[str, str], waivers: list[Waiver] | None = None
) -> list[ShownSection]:
    """Return all clauses of ``terms`` in their sections; ``names`` are those of the organizations, by slug."""
    shown = [
        ShownClause(
            each.number,
            each.title,
            f"terms.{each.path}",
            each.sentences(terms, names),
            [waiver for waiver in waivers or [] if waiver.clause == each.number],
        )
        for each in CLAUSES
    ]
    return [
        ShownSection(number, title, [each for each in shown if each.number.split(".")[0] == number])
        for number, title in SECTIONS.items()
    ]


def names(partnership: Partnership) -> dict[str, str]:
    """Return the names of the two organizations by slug."""
    return {each.slug: each.name for each in (partnership.first_organization, partnership.second_organization)}


def sides(agreement: Agreement, partnership: Partnership, viewer: Organization, now: datetime) -> list[Side]:
    """Return both sides' signatures, the inviting side first."""
    signed = {each.organization_id: each for each in agreement.signatures.all()}
    found = []
    for organization in (partnership.first_organization, partnership.second_organization):
        signature = signed.get(organization.pk)
        verified = signature is not None and queries.key_is_verified(signature, partnership.other(organization), now)
        shows = signature is not None and queries.shows_key(signature, viewer, now)
        found.append(Side(organization, signature, verified, shows))
    return found


def changes(agreement: Agreement, partnership: Partnership) -> tuple[str, tuple[ClauseChange, ...]]:
    """Return what a proposal changes and against what: the version it answers, else the one in force, else the guide's terms."""
    base = agreement.counters or queries.in_force(partnership)
    if base is not None and base.pk == agreement.pk:
        base = None
    against = f"v{base.version}" if base else "the recommended terms"
    before = queries.terms_of(base, partnership).values
    return against, diff.clauses(before, queries.read(agreement)["terms"], names(partnership))


def running_waivers(waivers: list[Waiver], now: datetime) -> list[Waiver]:
    """Return the agreed waivers that are not over at ``now``."""
    return [each for each in waivers if each.state == WaiverState.AGREED and now < each.expires_at]


def waiver_words(waiver: Waiver, now: datetime) -> str:
    """Say where a waiver is: "Waived until 31 Mar 2027"."""
    if waiver.state == WaiverState.AGREED:
        until = f"{waiver.expires_at:%d %b %Y}".lstrip("0")
        return f"Waived until {until}" if now < waiver.expires_at else f"Over since {until}"
    return (
        WaiverState(waiver.state).name.capitalize() if waiver.state != WaiverState.PROPOSED else "Waiting for partner"
    )


def clause_title(number: str) -> str:
    """Return "4.2 Lifetime: Policy CAs"."""
    found = BY_NUMBER.get(number)
    return f"{number} {found.title}" if found else number


def may_sign(agreement: Agreement, organization: Organization) -> bool:
    """Say whether it is this organization's turn to sign: its own draft, or the partner's waiting version."""
    if agreement.state == State.DRAFT:
        return agreement.proposed_by_id == organization.pk
    return agreement.state == State.WAITING_FOR_PARTNER and agreement.proposed_by_id != organization.pk


def file_name(agreement: Agreement, partnership: Partnership) -> str:
    """Return the name under which the document is downloaded."""
    return f"agreement-{partnership.slug}-v{agreement.version}.json"


def signing_command(name: str) -> str:
    """Return what a signer runs on their own machine."""
    return f"gpg --armor --detach-sign {name}"


def checking_command(name: str, organization: Organization) -> str:
    """Return what anybody runs to check a signature without the portal."""
    return f"sha256sum {name}\ngpg --verify {name}.{organization.slug}.asc {name}"
