"""Addresses about mail."""

from django.urls import path

from notifications.mail import api as views
from notifications.mail import pages as page

pages = [
    path("profile/mail/", page.preference, name="mail_preference"),
    path("profile/mail/key/", page.own_key, name="mail_own_key"),
    path("profile/mail/works/", page.works, name="mail_works"),
    path("contacts/<uuid:contact_id>/mail-key/", page.contact_key, name="contact_mail_key"),
    path("mail-key.asc", page.public_key, name="mail_key"),
]
api = [path("mail-preference", views.MailPreferenceView.as_view(), name="api_mail_preference")]
