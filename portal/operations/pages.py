"""What load balancers, orchestrators and operators ask."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portal import errors
from portal.operations import exposition, queries


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that this process answers; asks nothing else, so that a lost database restarts no web process."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether the portal can do its work, check by check; 503 with the failing checks named when it cannot."""
    checks = queries.readiness(request.now)  # type: ignore[attr-defined]
    failing = [check.name for check in checks if not check.passed]
    body = {
        "status": "not ready" if failing else "ready",
        "failing": failing,
        "checks": {check.name: {"passed": check.passed, "said": check.said} for check in checks},
    }
    answer = JsonResponse(body, status=503 if failing else 200)
    # Django would log each 503 as an error, and this one is an answer that somebody asks for every few seconds.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer every number that Prometheus reads; strangers find nothing here."""
    if not exposition.may_read(request):
        raise errors.NotFound()
    body, content_type = exposition.written(request.now, request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)
