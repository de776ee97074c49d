"""Addresses of the inbox."""

from django.urls import path

from notifications.fanout import pages as views

pages = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/read", views.mark_read, name="inbox_read_all"),
    path("inbox/<int:item>/read", views.mark_read, name="inbox_read"),
]
api: list = []
