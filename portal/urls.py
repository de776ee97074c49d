"""The one table of addresses: each feature's own pages and API, by name."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from portal import features
from portal.schema_view import SchemaView


def _collect(kind: str) -> list[URLPattern | URLResolver]:
    found: list[URLPattern | URLResolver] = []
    for module in features.modules("urls"):
        found += getattr(module, kind, [])
    return found


urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", include("allauth.urls")),
    path("api/v1/", include(_collect("api"))),
    path("api/schema", login_not_required(SchemaView.as_view()), name="schema"),
    path(
        "api/docs",
        login_not_required(SpectacularSwaggerSplitView.as_view(url_name="schema")),
        name="api_docs",
    ),
    path("", include(_collect("pages"))),
]

if settings.DEBUG:
    from portal import styleguide

    urlpatterns.append(path("styleguide/", styleguide.page, name="styleguide"))

handler400 = "portal.error_pages.bad_request"
handler403 = "portal.error_pages.forbidden"
handler404 = "portal.error_pages.not_found"
handler500 = "portal.error_pages.server_error"
