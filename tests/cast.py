"""The cast: Alder publishes, Birch receives, Cedar is a stranger, Olga operates the portal.

Alder and Birch are partners. Each company has the same people: an admin, two security officers, a verifier, a responder and
a viewer. A test asks for ``cast`` and says ``cast.alder.officer``.
"""

import time
from dataclasses import dataclass
from datetime import datetime

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from portal import sealing
from portal.organizations import acting
from portal.organizations.models import Membership, Organization, User
from portal.partnerships.models import Contact, Partnership
from tests.moments import EVERYTHING_VALID

TOTP_SECRET = "JBSWY3DPEHPK3PXP"
PEOPLE = {
    "admin": "admin",
    "officer": "officer",
    "second_officer": "officer",
    "verifier": "verifier",
    "responder": "member",
    "viewer": "viewer",
}


@dataclass(frozen=True)
class Person:
    """A member, with what tests ask of one."""

    membership: Membership

    @property
    def user(self) -> User:
        return self.membership.user

    @property
    def actor(self) -> acting.Actor:
        """Return the member as an actor who gave a second factor just now."""
        return acting.member(self.membership, stepped_up=True, sign_in_method="passkey")

    @property
    def actor_without_step_up(self) -> acting.Actor:
        return acting.member(self.membership, stepped_up=False, sign_in_method="passkey")

    def client(self, *, stepped_up: bool = True) -> Client:
        """Return a browser in which the member is signed in, with a second factor given now or an hour ago."""
        client = Client()
        client.force_login(self.user)
        session = client.session
        given_at = time.time() - (0 if stepped_up else 3600)
        session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": given_at}]
        session["account_authentication_methods_user"] = str(self.user.pk)
        session["organization"] = str(self.membership.organization_id)
        session.save()
        return client


@dataclass(frozen=True)
class Company:
    """An organization and its people, by what they are."""

    organization: Organization
    admin: Person
    officer: Person
    second_officer: Person
    verifier: Person
    responder: Person
    viewer: Person


def make_member(organization: Organization, name: str, role: str, *, responder: bool = False) -> Person:
    """Return a new member with a password and TOTP."""
    local = name.lower().replace(" ", ".")
    user = User.objects.create_user(f"{local}@{organization.slug}.example", "correct horse battery", name=name)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": sealing.seal(TOTP_SECRET)})
    membership = Membership.objects.create(
        user=user, organization=organization, role=role, responder=responder, created_at=EVERYTHING_VALID
    )
    return Person(membership)


def make_company(name: str, *, now: datetime = EVERYTHING_VALID) -> Company:
    """Return a new active organization with its people."""
    organization = Organization.objects.create(
        slug=name.lower(), name=name, short_code=name[:2].upper(), created_at=now, state=Organization.State.ACTIVE
    )
    people = {
        key: make_member(organization, f"{name} {key.replace('_', ' ').title()}", role, responder=key == "responder")
        for key, role in PEOPLE.items()
    }
    return Company(organization=organization, **people)


def make_partnership(first: Company, second: Company, *, state: str = "active") -> Partnership:
    """Return a partnership of two companies."""
    return Partnership.objects.create(
        slug=f"{first.organization.slug}-{second.organization.slug}",
        first_organization=first.organization,
        second_organization=second.organization,
        state=state,
        created_at=EVERYTHING_VALID,
        activated_at=EVERYTHING_VALID if state == "active" else None,
    )


def make_contact(person: Person, *, phone: str = "+493055501432", **fields) -> Contact:
    """Return a confirmed contact whose number has long been in the directory."""
    from datetime import timedelta

    long_ago = EVERYTHING_VALID - timedelta(days=200)
    defaults = {
        "name": person.user.name,
        "role_title": "Trust services",
        "number_changed_at": long_ago,
        "confirmed_by_call_at": long_ago,
        "confirmed_by_contact_at": long_ago,
        "created_at": long_ago,
        "is_primary": True,
    }
    return Contact.objects.create(
        organization=person.membership.organization, membership=person.membership, phone=phone, **(defaults | fields)
    )


@dataclass(frozen=True)
class Cast:
    """Everybody."""

    alder: Company
    birch: Company
    cedar: Company
    partnership: Partnership
    olga: User


def everybody() -> Cast:
    """Return Alder and Birch, who are partners, Cedar, a stranger, and Olga, the operator."""
    alder, birch, cedar = make_company("Alder"), make_company("Birch"), make_company("Cedar")
    olga = User.objects.create_user("olga@portal.example", "correct horse battery", name="Olga", is_operator=True)
    return Cast(alder=alder, birch=birch, cedar=cedar, partnership=make_partnership(alder, birch), olga=olga)


def operator_client(operator: User, *, stepped_up: bool = True) -> Client:
    """Return a browser in which an operator with a second factor is signed in, given now or an hour ago."""
    Authenticator.objects.get_or_create(
        user=operator, type=Authenticator.Type.TOTP, defaults={"data": {"secret": sealing.seal(TOTP_SECRET)}}
    )
    client = Client()
    client.force_login(operator)
    session = client.session
    given_at = time.time() - (0 if stepped_up else 3600)
    session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": given_at}]
    session["account_authentication_methods_user"] = str(operator.pk)
    session.save()
    return client


@pytest.fixture
def cast(db) -> Cast:
    """Alder and Birch, who are partners, Cedar, a stranger, and Olga, the operator."""
    return everybody()
