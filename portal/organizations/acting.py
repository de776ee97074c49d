"""Who is acting: a member in one organization, an organization's token, an operator, or the portal itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.http import HttpRequest

from portal import errors
from portal.organizations.models import ApiToken, Membership, Organization, User
from portal.organizations.rules import RIGHT_PHRASES, SCOPE_RIGHTS, Right, Scope, holders_sentence, may


@dataclass(frozen=True)
class Actor:
    """Whoever asks a service to do something. Services check it first; pages and the API only pass it on."""

    kind: str
    id: str
    label: str
    organization: Organization | None = None
    membership: Membership | None = None
    user: User | None = None
    token: ApiToken | None = None
    step_up: Callable[[], bool] = lambda: False
    sign_in_method: str = ""
    rights: frozenset[Right] = field(default_factory=frozenset)

    @property
    def stepped_up(self) -> bool:
        """Say whether a second factor was given within ``settings.ACCOUNT_REAUTHENTICATION_TIMEOUT`` seconds."""
        return self.step_up()

    def has(self, right: Right) -> bool:
        """Say whether the actor has the right; to act, call ``require``."""
        return right in self.rights

    def require(self, right: Right) -> Organization:
        """Return the organization acted for. Raises NotAllowed, with who can, when the right is missing."""
        if self.organization is None:
            raise errors.NotFound()
        if right not in self.rights:
            raise errors.NotAllowed(
                f"You cannot {RIGHT_PHRASES[right]}.", code="role_missing", fix=holders_sentence(right)
            )
        return self.organization

    def require_person(self, right: Right, *, step_up: bool = True) -> User:
        """Return the signed-in person; for acts that must be a human's with a fresh second factor.

        Raises NotAllowed for tokens, and StepUpRequired when the second factor is too old.
        """
        if self.user is None:
            raise errors.NotAllowed(
                "This must be done by a person.",
                code="person_required",
                fix="Sign in to the portal: calls, approvals and publishing additions need a member's session.",
            )
        self.require(right)
        if step_up and not self.stepped_up:
            raise errors.StepUpRequired("Confirm that it is you first.", fix="Enter your code or use your passkey.")
        return self.user


def member(membership: Membership, *, stepped_up: Callable[[], bool] | bool = False, sign_in_method: str = "") -> Actor:
    """Return the actor for a member who is signed in. A suspended organization keeps only the right to read."""
    rights = frozenset(right for right in Right if may(right, role=membership.role, responder=membership.responder))
    if membership.organization.state != Organization.State.ACTIVE:
        rights &= {Right.READ, Right.EXPORT_AUDIT}
    return Actor(
        kind="member",
        id=str(membership.user_id),
        label=membership.user.name or membership.user.email,
        organization=membership.organization,
        membership=membership,
        user=membership.user,
        step_up=stepped_up if callable(stepped_up) else lambda: stepped_up,
        sign_in_method=sign_in_method,
        rights=rights,
    )


def api_token(token: ApiToken) -> Actor:
    """Return the actor for an API token: the rights of its scopes, in its organization."""
    rights: frozenset[Right] = frozenset().union(*(SCOPE_RIGHTS[Scope(scope)] for scope in token.scopes))
    if token.organization.state != Organization.State.ACTIVE:
        rights &= {Right.READ}
    return Actor(
        kind="token",
        id=str(token.id),
        label=f"API token {token.name}",
        organization=token.organization,
        token=token,
        rights=rights,
    )


def operator(
    user: User | None, label: str = "Operator on the command line", *, stepped_up: Callable[[], bool] = lambda: False
) -> Actor:
    """Return the actor for an operator, who has no organization and so none of the rights above."""
    return Actor(
        kind="operator",
        id=str(user.id) if user else "",
        label=user.name if user else label,
        user=user,
        step_up=stepped_up,
    )


def require_operator(actor: Actor | None, *, step_up: bool = False) -> Actor:
    """Return the actor if it is an operator. Raises NotFound for everybody else: to them there is nothing.

    With ``step_up`` raises StepUpRequired when a person in a browser gave the second factor too long ago.
    """
    if actor is None or actor.kind != "operator":
        raise errors.NotFound()
    if step_up and actor.user is not None and not actor.stepped_up:
        raise errors.StepUpRequired("Confirm that it is you first.", fix="Enter your code or use your passkey.")
    return actor


PORTAL = Actor(kind="portal", id="", label="Trust Exchange")


def of(request: HttpRequest) -> Actor:
    """Return the member who acts in a page's request. Raises NotFound for operators and people without an organization."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None or actor.organization is None:
        raise errors.NotFound("You are not a member of an organization.")
    return actor
