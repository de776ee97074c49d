"""The portal's addresses and the style guide, which only exists with DEBUG otherwise."""

from django.urls import path

from portal import styleguide
from portal.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
urlpatterns = [path("styleguide/", styleguide.page), *urlpatterns]
