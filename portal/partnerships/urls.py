"""Addresses of the pages and the API about partnerships and contacts."""

from django.urls import path

from portal.partnerships import api as views
from portal.partnerships import contact_urls as contacts
from portal.partnerships import pages as page

pages = [
    *contacts.pages,
    path("partnerships/new/", page.invite, name="partner_invite"),
    path("partnerships/invitations/<uuid:invitation_id>/withdraw/", page.withdraw, name="partner_invitation_withdraw"),
    path("partner/<str:secret>/", page.accept, name="partner_accept"),
    path("p/<slug:slug>/state/", page.state, name="partnership_state"),
]

api = [
    *contacts.api,
    path("partnerships", views.PartnershipsView.as_view(), name="api_partnerships"),
    path("partnerships/<slug:slug>", views.PartnershipView.as_view(), name="api_partnership"),
]
