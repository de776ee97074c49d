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


EVENTS: dict[str, str] = {
    Kind.ORGANIZATION_CREATED: "{actor} created the organization {name}",
    Kind.ORGANIZATION_SUSPENDED: "{actor} suspended the organization {organization}: {reason}",
    Kind.ORGANIZATION_RESUMED: "{actor} resumed the organization {organization}",
    Kind.MEMBER_INVITED: "{actor} invited {name} ({email}) as {role}",
    Kind.MEMBER_INVITATION_WITHDRAWN: "{actor} withdrew the invitation of {name} ({email})",
    Kind.MEMBER_JOINED: "{name} ({email}) joined {organization} as {role}",
    Kind.MEMBER_ROLE_CHANGED: "{actor} changed what {name} may do",
    Kind.MEMBER_LOCKED: "{actor} locked {name}, who was signed out everywhere",
    Kind.MEMBER_UNLOCKED: "{actor} unlocked {name}",
    Kind.API_TOKEN_CREATED: "{actor} made the API token {name} ({hint}…) with the scopes {scopes}",
    Kind.API_TOKEN_REVOKED: "{actor} revoked the API token {name} ({hint}…)",
}
