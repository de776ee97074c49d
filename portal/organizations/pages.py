"""Pages about the organization's people and programs, and about oneself."""

from datetime import timedelta

from allauth.account.internal.flows.login import record_authentication
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting, invitations, mailing, queries, services
from portal.organizations.forms import InviteMemberForm, JoinForm, ProfileForm, RoleForm, TokenForm
from portal.organizations.middleware import ORGANIZATION_KEY
from portal.organizations.models import ApiToken, MemberInvitation
from portal.organizations.rules import ROLE_SENTENCES, Right, Role, holders_sentence


@require_safe
def members(request: HttpRequest) -> HttpResponse:
    """Show who is in the organization, as what, and who is invited."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    open_invitations = MemberInvitation.objects.filter(
        organization=organization, accepted_at=None, withdrawn_at=None, expires_at__gt=request.now
    )
    members = list(queries.members_of(organization))
    ways = queries.sign_in_ways(each.user_id for each in members)
    context = {
        "members": [
            (each, ways.get(each.user_id, "Password only, until the second factor is set up")) for each in members
        ],
        "invitations": open_invitations,
        "warnings": queries.people_warnings(organization),
        "sentences": {role.value: sentence for role, sentence in ROLE_SENTENCES.items()},
        "may_manage": actor.has(Right.MANAGE_MEMBERS),
        "who_can": holders_sentence(Right.MANAGE_MEMBERS),
    }
    return render(request, "portal/organizations/members.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Invite a person; afterwards show the link once, so that it can also be handed over by other means."""
    actor = acting.of(request)
    organization = actor.require(Right.MANAGE_MEMBERS)
    form = InviteMemberForm(request.POST or None, initial={"role": Role.VERIFIER.value})
    if request.method == "POST" and form.is_valid():
        try:
            invited = invitations.invite_member(**form.cleaned_data, actor=actor, now=request.now)
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            text = _mail_invitation(organization.name, actor.label, invited)
            context = {"invitation": invited.invitation, "link": mailing.link(invited.secret), "text": text}
            return render(request, "portal/organizations/invited.html", context)
    return render(request, "portal/organizations/invite.html", {"form": form}, status=400 if form.errors else 200)


def _mail_invitation(organization: str, inviter: str, invited: invitations.Invited) -> str:
    text = mailing.invitation_text(
        organization=organization,
        inviter=inviter,
        name=invited.invitation.name,
        secret=invited.secret,
        days=invitations.LIFETIME.days,
    )
    mailing.send_after_commit(subject=f"Join {organization} on Trust Exchange", text=text, to=invited.invitation.email)
    return text


@require_POST
def withdraw_invitation(request: HttpRequest, invitation_id: str) -> HttpResponse:
    """Withdraw an open invitation."""
    invitations.withdraw_invitation(invitation_id=invitation_id, actor=acting.of(request), now=request.now)
    messages.success(request, "Invitation withdrawn. Its link no longer works.")
    return redirect("members")


@require_http_methods(["GET", "HEAD", "POST"])
def member(request: HttpRequest, membership_id: str) -> HttpResponse:
    """Change a member's role and responder flag."""
    actor = acting.of(request)
    organization = actor.require(Right.MANAGE_MEMBERS)
    found = queries.members_of(organization).filter(pk=membership_id).first()
    if found is None:
        raise errors.NotFound()
    form = RoleForm(request.POST or None, initial={"role": found.role, "responder": found.responder})
    if request.method == "POST" and form.is_valid():
        try:
            services.change_role(membership_id=membership_id, **form.cleaned_data, actor=actor, now=request.now)
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, f"{found.user.name} has a new role and was signed out everywhere.")
            return redirect("members")
    context = {"form": form, "member": found}
    return render(request, "portal/organizations/member.html", context, status=400 if form.errors else 200)


@require_POST
def lock_member(request: HttpRequest, membership_id: str) -> HttpResponse:
    """Lock a member out, or let them in again."""
    locked = request.POST.get("locked") == "yes"
    found = services.set_locked(membership_id=membership_id, locked=locked, actor=acting.of(request), now=request.now)
    done = "is locked out and was signed out everywhere" if locked else "can sign in again"
    messages.success(request, f"{found.user.name} {done}.")
    return redirect("members")


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Take the place that an invitation holds open. Opening the link changes nothing; mail scanners do that."""
    invitation = invitations.open_invitation_for(secret, request.now)
    signed_in = request.user if request.user.is_authenticated else None
    form = JoinForm(request.POST or None, initial={"name": invitation.name})
    if signed_in:
        for field in form.fields.values():
            field.required = False
    if request.method == "POST" and form.is_valid():
        try:
            membership = invitations.join(secret=secret, **form.cleaned_data, signed_in=signed_in, now=request.now)
        except (errors.Invalid, errors.Conflict, errors.NotAllowed) as refusal:
            add_errors(form, refusal)
        else:
            if not signed_in:
                login(request, membership.user, backend="allauth.account.auth_backends.AuthenticationBackend")
                # The password was typed just now, so the second factor can be set up without typing it again.
                record_authentication(request, membership.user, method="password", reauthenticated=True)
            request.session[ORGANIZATION_KEY] = str(membership.organization_id)
            return redirect("home" if signed_in else "mfa_activate_totp")
    context = {"form": form, "invitation": invitation, "signed_in": signed_in}
    return render(request, "portal/organizations/join.html", context, status=400 if form.errors else 200)


@require_POST
def switch_organization(request: HttpRequest) -> HttpResponse:
    """Act for another organization that the person is a member of."""
    wanted = request.POST.get("organization", "")
    chosen = next((each for each in request.memberships if each.organization.slug == wanted), None)
    if chosen is None:
        raise errors.NotFound()
    request.session[ORGANIZATION_KEY] = str(chosen.organization_id)
    return redirect("home")


# What else an organization sets, on pages of features that stand above this one: label, what it is for, URL name.
_PLACES = (
    (
        "Who is told, and when",
        "The levels of a notice that nobody acknowledges, and the clock of each kind.",
        "escalation_policy",
    ),
    ("Incident mailbox", "The shared address that notices go to beside your people.", "incident_mailbox"),
    ("Members and roles", "Who may do what, and who answers at night.", "members"),
    ("Contacts", "The people whom partners call to verify a fingerprint.", "contacts"),
    ("Webhooks", "Where your machines hear of notices and new versions.", "webhooks"),
    ("Feed of notices", "Which of your programs read notices by number, and which of them stopped.", "notice_feed"),
)


def _places() -> list[tuple[str, str, str]]:
    return [(label, says, reverse(name)) for label, says, name in _PLACES]


@require_safe
def settings_page(request: HttpRequest) -> HttpResponse:
    """Show the organization's settings, and what it cannot do for want of people."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    context = {
        "warnings": queries.people_warnings(organization),
        "places": _places(),
        "tokens": ApiToken.objects.filter(organization=organization).select_related("created_by"),
        "may_manage": actor.has(Right.MANAGE_DELIVERY),
        "who_can": holders_sentence(Right.MANAGE_DELIVERY),
    }
    return render(request, "portal/organizations/settings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def create_token(request: HttpRequest) -> HttpResponse:
    """Make an API token; its secret is on the answer's page and nowhere else afterwards."""
    actor = acting.of(request)
    actor.require(Right.MANAGE_DELIVERY)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = services.create_api_token(
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                lifetime=timedelta(days=form.cleaned_data["lifetime"]),
                actor=actor,
                now=request.now,
            )
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            example = request.build_absolute_uri(reverse("api_partnerships"))
            return render(
                request, "portal/organizations/token.html", {"token": token, "secret": secret, "example": example}
            )
    return render(request, "portal/organizations/token_new.html", {"form": form}, status=400 if form.errors else 200)


@require_POST
def revoke_token(request: HttpRequest, token_id: str) -> HttpResponse:
    """Revoke an API token at once."""
    token = services.revoke_api_token(token_id=token_id, actor=acting.of(request), now=request.now)
    messages.success(request, f"Token {token.name} is revoked. Requests with it are refused from now on.")
    return redirect("settings")


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Change how the portal looks and speaks to the person."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("profile")
    return render(request, "portal/organizations/profile.html", {"form": form}, status=400 if form.errors else 200)
