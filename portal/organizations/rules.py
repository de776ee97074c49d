"""Who may do what: one table, read by services, pages, the API and the tests. Plain Python.

The sentences are shown to people; a right that is missing is told in words, with who has it.
"""

from enum import StrEnum


class Role(StrEnum):
    """What a member is in an organization; each has one. The responder flag comes on top."""

    ADMIN = "admin"
    OFFICER = "officer"
    VERIFIER = "verifier"
    MEMBER = "member"
    VIEWER = "viewer"


ROLE_LABELS = {
    Role.ADMIN: "Organization admin",
    Role.OFFICER: "Security officer",
    Role.VERIFIER: "Verifier",
    Role.MEMBER: "Member",
    Role.VIEWER: "Viewer",
}
ROLE_SENTENCES = {
    Role.ADMIN: "Invites members, gives roles, and looks after webhooks, consumers and tokens.",
    Role.OFFICER: "Signs agreements, approves verifications, publishes trust stores and sends notices.",
    Role.VERIFIER: "Uploads keys and bundles and makes verification calls.",
    Role.MEMBER: "Reads everything; acts only as a responder.",
    Role.VIEWER: "Reads everything and exports the audit log.",
}
RESPONDER = "responder"


class Right(StrEnum):
    """Something that not every member may do."""

    READ = "read"
    MANAGE_MEMBERS = "manage_members"
    EDIT_CONTACTS = "edit_contacts"
    SIGN_AGREEMENT = "sign_agreement"
    MANAGE_PARTNERSHIPS = "manage_partnerships"
    UPLOAD = "upload"
    CALL = "call"
    APPROVE = "approve"
    PUBLISH_ADDITION = "publish_addition"
    PUBLISH_REMOVAL = "publish_removal"
    SEND_NOTICE = "send_notice"
    ACKNOWLEDGE = "acknowledge"
    MANAGE_DELIVERY = "manage_delivery"
    EXPORT_AUDIT = "export_audit"


_ALL = frozenset(Role)
RIGHTS: dict[Right, frozenset[str]] = {
    Right.READ: _ALL,
    Right.MANAGE_MEMBERS: frozenset({Role.ADMIN}),
    Right.EDIT_CONTACTS: frozenset({Role.ADMIN, Role.OFFICER}),
    Right.MANAGE_PARTNERSHIPS: frozenset({Role.ADMIN, Role.OFFICER}),
    Right.SIGN_AGREEMENT: frozenset({Role.OFFICER}),
    Right.UPLOAD: frozenset({Role.OFFICER, Role.VERIFIER}),
    Right.CALL: frozenset({Role.OFFICER, Role.VERIFIER}),
    Right.APPROVE: frozenset({Role.OFFICER}),
    Right.PUBLISH_ADDITION: frozenset({Role.OFFICER}),
    # A responder only for certificates named in a notice signed by a verified key: the stores check that.
    Right.PUBLISH_REMOVAL: frozenset({Role.OFFICER, RESPONDER}),
    Right.SEND_NOTICE: frozenset({Role.OFFICER}),
    Right.ACKNOWLEDGE: frozenset({Role.OFFICER, Role.VERIFIER, RESPONDER}),
    Right.MANAGE_DELIVERY: frozenset({Role.ADMIN, Role.OFFICER}),
    Right.EXPORT_AUDIT: frozenset({Role.ADMIN, Role.OFFICER, Role.VIEWER}),
}

RIGHT_PHRASES: dict[Right, str] = {
    Right.READ: "read this",
    Right.MANAGE_MEMBERS: "invite members and give roles",
    Right.EDIT_CONTACTS: "edit the contact directory",
    Right.MANAGE_PARTNERSHIPS: "invite and manage partners",
    Right.SIGN_AGREEMENT: "sign or change the agreement",
    Right.UPLOAD: "upload keys and bundles",
    Right.CALL: "make verification calls",
    Right.APPROVE: "approve a verification",
    Right.PUBLISH_ADDITION: "publish a version that adds trust",
    Right.PUBLISH_REMOVAL: "publish a version that removes trust",
    Right.SEND_NOTICE: "send a notice",
    Right.ACKNOWLEDGE: "acknowledge a notice",
    Right.MANAGE_DELIVERY: "manage webhooks, consumers and tokens",
    Right.EXPORT_AUDIT: "export the audit log",
}


def may(right: Right, *, role: str, responder: bool) -> bool:
    """Say whether a member with this role and flag has the right. A viewer never gains by the flag."""
    holders = RIGHTS[right]
    return role in holders or (RESPONDER in holders and responder and role != Role.VIEWER)


def holders_sentence(right: Right) -> str:
    """Return who has the right, in words: "A security officer or a verifier can."."""
    labels = [
        f"a {ROLE_LABELS[role].lower()}".replace("a organization", "an organization")
        for role in Role
        if role in RIGHTS[right]
    ]
    if RESPONDER in RIGHTS[right]:
        labels.append("a responder")
    joined = " or ".join(labels)
    return f"{joined[0].upper()}{joined[1:]} can."


class Scope(StrEnum):
    """What an API token may do; nothing else, whoever made it."""

    READ = "read"
    SUBMIT = "submit"
    NOTICES = "notices"
    ACKNOWLEDGE = "acknowledge"
    STORES = "stores"
    ADMINISTER = "administer"


SCOPE_SENTENCES = {
    Scope.READ: "Reads everything that a viewer reads.",
    Scope.SUBMIT: "Uploads OpenPGP keys and signed CA bundles.",
    Scope.NOTICES: "Sends signed notices.",
    Scope.ACKNOWLEDGE: "Acknowledges notices.",
    Scope.STORES: "Pulls the trust stores of the organization.",
    Scope.ADMINISTER: "Manages webhooks, consumers and tokens.",
}
# What a token's scope lets it do, in the terms of the table above. Human acts (calls, approvals, publishing an addition,
# signing an agreement) are in no scope: they need a member's session with a second factor.
SCOPE_RIGHTS: dict[Scope, frozenset[Right]] = {
    Scope.READ: frozenset({Right.READ}),
    Scope.SUBMIT: frozenset({Right.READ, Right.UPLOAD}),
    Scope.NOTICES: frozenset({Right.READ, Right.SEND_NOTICE}),
    Scope.ACKNOWLEDGE: frozenset({Right.READ, Right.ACKNOWLEDGE}),
    Scope.STORES: frozenset(),
    Scope.ADMINISTER: frozenset({Right.READ, Right.MANAGE_DELIVERY}),
}
