"""What an API view needs: a right, by the view's own table. Views without one refuse everybody."""

from typing import Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission

from portal import errors
from portal.organizations.rules import Right


class HasScope(BasePermission):
    """Checks ``view.rights``: a dict of HTTP method -> Right. A method that is missing there is refused to all.

    Object-level checks stay with the queries and services, which only ever look inside the actor's organization.
    """

    def has_permission(self, request: Any, view: Any) -> bool:
        actor = getattr(request, "actor", None)
        if actor is None or (request.user is None and request.auth is None):
            raise NotAuthenticated("Sign in, or send a token.")
        rights: dict[str, Right] = getattr(view, "rights", {})
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            return True
        if method not in rights and not hasattr(view, method.lower()):
            return True  # told with 405 and what is offered instead
        if method not in rights:
            raise errors.NotAllowed("Nobody may do this over the API.", code="not_offered")
        actor.require(rights[method])
        return True
