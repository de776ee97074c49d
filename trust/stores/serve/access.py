"""Whose token this is, and which stores it opens.

Stores do not know who pulls them: whoever issues tokens registers a look-up for its prefix (``trust.wiring`` connects them).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal import errors
from portal.organizations import queries as organizations
from portal.organizations import tokens
from portal.organizations.models import Organization
from portal.organizations.rules import Scope
from trust.stores.models import TrustStore

MAX_TOKEN_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Access:
    """What a token, or a member's session, may pull.

    ``store_ids`` of None stands for every store of the organization. ``consumer_id`` is whose pull is recorded, if anybody's.
    ``expires_at`` is in seconds since 1970. ``recheck_after`` is for how many seconds the answer may be remembered without a
    message that it changed; None for as long as no message comes.
    """

    organization_id: UUID
    expires_at: float
    store_ids: frozenset[UUID] | None = None
    consumer_id: UUID | None = None
    token_id: UUID | None = None
    recheck_after: float | None = None

    def opens(self, store_id: UUID) -> bool:
        """Say whether a store of the organization is open to this token."""
        return self.store_ids is None or store_id in self.store_ids


def require_live(access: Access, store: TrustStore) -> None:
    """Refuse a machine that asks for a store of a partnership that never went live. Raises Conflict.

    Members still download it in their session: they test with it before they say that they are ready. Going live is never
    taken back, so what was answered from memory once may be answered so for ever.
    """
    by_machine = access.consumer_id is not None or access.token_id is not None
    if by_machine and store.partnership.activated_at is None:
        raise errors.Conflict(
            f"{store.name} is not served to services yet: the partnership is not live.",
            code="partnership_not_live",
            fix="Finish the onboarding checklist; then both sides say that they are ready.",
        )


Lookup = Callable[[str, datetime], Access | None]
_lookups: dict[str, Lookup] = {}


def register(prefix: str, lookup: Lookup) -> None:
    """Have tokens that start with ``prefix`` looked up by ``lookup(digest, now)``, which returns None for one not in force."""
    _lookups[prefix] = lookup


def by_secret(secret: str, now: datetime) -> Access | None:
    """Return what a bearer token opens, or None when it opens nothing."""
    return by_digest(secret[: len(tokens.API_PREFIX)], tokens.digest(secret), now)


def by_digest(prefix: str, digest: str, now: datetime) -> Access | None:
    """Return what the token with this digest opens, or None."""
    lookup = _lookups.get(prefix)
    return lookup(digest, now) if lookup else None


def of_api_token(digest: str, now: datetime) -> Access | None:
    """Return what an organization's API token opens: all of its stores, if it has the scope."""
    token = organizations.token_by_digest(digest, now)
    if token is None or not token.has(Scope.STORES):
        return None
    # API tokens are written by another feature, which sends no message when one is revoked.
    return Access(token.organization_id, token.expires_at.timestamp(), token_id=token.pk, recheck_after=1.0)


def of_member(organization: Organization) -> Access:
    """Return what a signed-in member may download: every store of the organization."""
    return Access(organization.pk, float("inf"))


register(tokens.API_PREFIX, of_api_token)
