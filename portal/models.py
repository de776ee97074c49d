"""Index of the shell's models; each lives in the folder of its noun."""

from portal.audit.models import ChainHead, Event
from portal.counting.models import Tally
from portal.operations.models import Banner, Heartbeat, Job
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
    "Banner",
    "ChainHead",
    "Contact",
    "ContactChange",
    "Event",
    "Heartbeat",
    "IdempotencyRecord",
    "Job",
    "MemberInvitation",
    "Membership",
    "Organization",
    "Partnership",
    "PartnershipInvitation",
    "Tally",
    "User",
]
