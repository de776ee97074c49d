"""The facts about organizations and their people that the log can hold."""

from enum import StrEnum


class Kind(StrEnum):
    """Kinds of events; the string is a public contract."""

    ORGANIZATION_CREATED = "organization.created"
    ORGANIZATION_SUSPENDED = "organization.suspended"
    ORGANIZATION_RESUMED = "organization.resumed"
    MEMBER_INVITED = "member.invited"
    MEMBER_INVITATION_WITHDRAWN = "member.invitation_withdrawn"
    MEMBER_JOINED = "member.joined"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_LOCKED = "member.locked"
    MEMBER_UNLOCKED = "member.unlocked"
    API_TOKEN_CREATED = "api_token.created"  # noqa: S105 - the name of an event
    API_TOKEN_REVOKED = "api_token.revoked"  # noqa: S105
