"""Addresses of home, the list of partnerships and the overview of one."""

from django.urls import path

from portal.dashboard import pages as page

pages = [
    path("", page.home, name="home"),
    path("search/", page.search_page, name="search"),
    path("partnerships/", page.partnership_list, name="partnerships"),
    path("p/<slug:slug>/", page.partnership, name="partnership"),
    path("p/<slug:slug>/runbook/", page.partnership_runbook, name="partnership_runbook"),
    path("p/<slug:slug>/activity/", page.activity, name="partnership_activity"),
]
