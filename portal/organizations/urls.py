"""Addresses of the pages and the API about organizations, members and tokens."""

from django.urls import path

from portal.organizations import api as views
from portal.organizations import pages as page

pages = [
    path("members/", page.members, name="members"),
    path("members/invite/", page.invite, name="member_invite"),
    path(
        "members/invitations/<uuid:invitation_id>/withdraw/",
        page.withdraw_invitation,
        name="member_invitation_withdraw",
    ),
    path("members/<uuid:membership_id>/", page.member, name="member"),
    path("members/<uuid:membership_id>/lock/", page.lock_member, name="member_lock"),
    path("join/<str:secret>/", page.join, name="join"),
    path("switch/", page.switch_organization, name="switch_organization"),
    path("settings/", page.settings_page, name="settings"),
    path("settings/tokens/new/", page.create_token, name="token_new"),
    path("settings/tokens/<uuid:token_id>/revoke/", page.revoke_token, name="token_revoke"),
    path("profile/", page.profile, name="profile"),
]

api = [
    path("organization", views.OrganizationView.as_view(), name="api_organization"),
    path("members", views.MembersView.as_view(), name="api_members"),
    path("tokens", views.TokensView.as_view(), name="api_tokens"),
    path("tokens/<uuid:token_id>", views.TokenView.as_view(), name="api_token"),
]
