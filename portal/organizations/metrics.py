"""Organizations, and sign-ins that failed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count
from prometheus_client import Metric

from portal import metrics
from portal.counting import queries as counted
from portal.counting import services as counting
from portal.organizations.models import Organization

SIGN_IN_FAILURES = "sign_in_failures"
STEPS = ("password", "second_factor")


def second_factor_failed(**_: Any) -> None:
    """Count a code or passkey that was wrong; hears allauth's signal."""
    counting.add(SIGN_IN_FAILURES, step="second_factor")


def collect(now: datetime) -> Iterator[Metric]:
    """Yield how many organizations there are by state, and how often a sign-in failed by step."""
    organizations = metrics.gauge("organizations", "Organizations by state.", ["state"])
    found = dict(Organization.objects.order_by().values_list("state").annotate(Count("pk")))
    for state in Organization.State:
        organizations.add_metric([state.value], found.get(state.value, 0))
    yield organizations
    failures = metrics.counter("sign_in_failures_total", "Sign-ins that failed, by the step that failed.", ["step"])
    values = {labels.get("step"): value for labels, value in counted.of(SIGN_IN_FAILURES)}
    for step in STEPS:
        failures.add_metric([step], values.get(step, 0))
    yield failures
