"""API tokens of an organization, as a robot holds them."""

from datetime import timedelta

from django.utils import timezone

from portal.organizations import tokens
from portal.organizations.models import ApiToken
from tests.cast import Company


def made(company: Company, *scopes: str, name: str = "bot") -> tuple[ApiToken, str]:
    """Return a token of ``company`` with these scopes, and its secret."""
    secret, hint, digest = tokens.make(tokens.API_PREFIX)
    now = timezone.now()
    row = ApiToken.objects.create(
        organization=company.organization,
        name=name,
        hint=hint,
        digest=digest,
        created_at=now,
        expires_at=now + timedelta(days=1),
        scopes=list(scopes),
        created_by=company.admin.user,
    )
    return row, secret


def headers(company: Company, *scopes: str) -> dict[str, str]:
    """Return the header with which a new token of ``company`` signs in."""
    return {"Authorization": f"Bearer {made(company, *scopes)[1]}"}
