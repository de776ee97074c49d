"""Addresses of the contact directory."""

from django.urls import path

from portal.partnerships import contact_api as views
from portal.partnerships import contact_pages as page

pages = [
    path("contacts/", page.contacts, name="contacts"),
    path("contacts/new/", page.add, name="contact_new"),
    path("contacts/<uuid:contact_id>/", page.contact, name="contact"),
    path("contacts/<uuid:contact_id>/edit/", page.edit, name="contact_edit"),
    path("contacts/<uuid:contact_id>/number/", page.change_number, name="contact_number"),
    path("contacts/<uuid:contact_id>/act/<slug:act>", page.act, name="contact_act"),
    path("p/<slug:slug>/contacts/", page.partnership_contacts, name="partnership_contacts"),
]

api = [
    path("contacts", views.ContactsView.as_view(), name="api_contacts"),
    path("contacts/<uuid:contact_id>", views.ContactView.as_view(), name="api_contact"),
]
