"""What features above keys show on a partnership's page of keys and CAs. They register here; keys never learns of them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from portal.organizations.acting import Actor
from portal.partnerships.models import Partnership

# Returns the name of a template and its context, or None when there is nothing to show.
Provider = Callable[[Partnership, Actor, HttpRequest], tuple[str, dict[str, Any]] | None]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Add a part to the page, below those registered before. Registering the same one again does nothing."""
    if provider not in _providers:
        _providers.append(provider)


def drawn(partnership: Partnership, actor: Actor, request: HttpRequest) -> list[SafeString]:
    """Return the registered parts as HTML."""
    found = [provider(partnership, actor, request) for provider in _providers]
    return [render_to_string(each[0], each[1], request) for each in found if each is not None]
