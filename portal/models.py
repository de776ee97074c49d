"""Index of the shell's models; each lives in the folder of its noun."""

from portal.audit.models import ChainHead, Event
from portal.operations.models import Heartbeat
from portal.organizations.models import (
    ApiToken,
    IdempotencyRecord,
    MemberInvitation,
    Membership,
    Organization,
    User,
)
from portal.partnerships.models import Contact, ContactChange, Partnership, PartnershipInvitation

__all__ = [
    "ApiToken",
    "ChainHead",
    "Contact",
    "ContactChange",
    "Event",
    "Heartbeat",
    "IdempotencyRecord",
    "MemberInvitation",
    "Membership",
    "Organization",
    "Partnership",
    "PartnershipInvitation",
    "User",
]
