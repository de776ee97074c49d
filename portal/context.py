"""What every page of the shell needs: who acts, where they can go, and how much needs them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from portal.organizations.acting import Actor

# Label, icon, URL name, group. Counts come from providers that features register.
NAVIGATION = [
    ("Home", "home", "home", ""),
    ("Partnerships", "building", "partnerships", ""),
    ("Trust stores", "stack-2", "trust_stores", ""),
    ("Notices", "bell-ringing", "notices", ""),
    ("Inventory", "certificate", "inventory", ""),
    ("Webhooks", "webhook", "webhooks", "Deliver"),
    ("Consumers", "server", "consumers", "Deliver"),
    ("Contacts", "phone", "contacts", "Organization"),
    ("OpenPGP keys", "key", "keys", "Organization"),
    ("Members", "users", "members", "Organization"),
    ("Audit log", "history", "audit_log", "Organization"),
    ("Settings", "settings", "settings", "Organization"),
]

# Pages that stand elsewhere in the address, and below which entry people look for them.
_ALSO = {"partnerships": ("/p/",), "inventory": ("/certificates/",)}

# Label, the name by which a page says where it is, URL name with the partnership's slug.
PARTNERSHIP_TABS = [
    ("Overview", "overview", "partnership"),
    ("Onboarding", "onboarding", "onboarding"),
    ("Agreement", "agreement", "agreement"),
    ("Keys and CAs", "keys", "partnership_keys"),
    ("Submissions", "submissions", "submissions"),
    ("Verifications", "verifications", "verifications"),
    ("Notices", "notices", "partnership_notices"),
    ("CRLs and OCSP", "revocations", "revocations"),
    ("Contacts", "contacts", "partnership_contacts"),
    ("Activity", "activity", "partnership_activity"),
]


def partnership_tabs(request: HttpRequest) -> list[dict[str, str]]:
    """Return the tabs of the partnership whose page is asked for; empty elsewhere."""
    match = request.resolver_match
    slug = match.kwargs.get("slug") if match and request.path.startswith("/p/") else None
    if slug is None:
        return []
    tabs = []
    for label, key, name in PARTNERSHIP_TABS:
        try:
            tabs.append({"label": label, "name": key, "url": reverse(name, args=[slug])})
        except NoReverseMatch:
            continue
    return tabs


# What an operator sees instead.
OPERATOR_NAVIGATION = [
    ("Overview", "activity", "operator", ""),
    ("Organizations", "building", "operator_organizations", ""),
]

_COUNTS: dict[str, Callable[[Actor], int]] = {}


class Needed(Protocol):
    """How many things need the actor: all of them, and those that are done on pages below an address."""

    @property
    def all(self) -> int: ...

    def below(self, address: str) -> int: ...


# The dashboard's counts, put here when the app is ready: it stands above this module and reads every feature.
_needed: Callable[[Actor, datetime], Needed] | None = None


def count_needs_with(provider: Callable[[Actor, datetime], Needed]) -> None:
    """Let ``provider`` count what needs the actor, for the bell and the rail."""
    global _needed
    _needed = provider


# What stands on top of every page for a while, put here by the feature that operators use.
_banner: Callable[[datetime], str] | None = None


def banner_from(provider: Callable[[datetime], str]) -> None:
    """Let ``provider`` say what stands on top of every page now, or nothing. It is asked for each page, so it must be cheap."""
    global _banner
    _banner = provider


def count(name: str, provider: Callable[[Actor], int]) -> None:
    """Let ``provider`` say how many things of the page called ``name`` need the actor.

    Without one it is the number of rows on Home that lead below that page. Features call this when their app is ready. It
    is asked once for each page shown, so it must be one cheap query.
    """
    _COUNTS[name] = provider


def _counted(name: str, url: str, actor: Actor, needed: Needed | None) -> int:
    provider = _COUNTS.get(name)
    if provider:
        return provider(actor)
    return needed.below(url) if needed else 0


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return ``shell``: the acting organization, the others to switch to, and the navigation; ``now`` for templates."""
    actor = getattr(request, "actor", None)
    now = getattr(request, "now", None)
    banner = _banner(now or timezone.now()) if _banner and actor is not None else ""
    if actor is None or actor.organization is None:
        nav = _operator_navigation(request) if actor is not None and actor.kind == "operator" else []
        return {
            "shell": {"organization": None, "organizations": [], "nav": nav, "needs_you_count": 0, "banner": banner},
            "now": now,
        }
    needed = _needed(actor, now or timezone.now()) if _needed else None
    nav = []
    for label, icon, name, group in NAVIGATION:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        current = request.path == url if url == "/" else request.path.startswith((url, *_ALSO.get(name, ())))
        nav.append(
            {
                "label": label,
                "icon": icon,
                "url": url,
                "group": group,
                "current": current,
                "count": _counted(name, url, actor, needed),
            }
        )
    return {
        "shell": {
            "organization": actor.organization,
            "organizations": [membership.organization for membership in getattr(request, "memberships", [])],
            "nav": nav,
            "partnership_tabs": partnership_tabs(request),
            "needs_you_count": needed.all if needed else 0,
            "unread_count": _COUNTS["inbox"](actor) if "inbox" in _COUNTS else 0,
            "actor": actor,
            "banner": banner,
        },
        "now": now,
    }


def _operator_navigation(request: HttpRequest) -> list[dict[str, Any]]:
    entries = []
    for label, icon, name, group in OPERATOR_NAVIGATION:
        url = reverse(name)
        current = request.path == url if name == "operator" else request.path.startswith(url)
        entries.append({"label": label, "icon": icon, "url": url, "group": group, "current": current, "count": 0})
    return entries
