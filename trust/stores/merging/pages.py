"""Pages about merged exports: the warning, what there is, proposing, approving and closing."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.rules import Right
from trust.stores import queries as stores
from trust.stores.drafts import MAX_REASON
from trust.stores.merging import queries, services


class ReadForm(forms.Form):
    """That the warning was read."""

    read = forms.BooleanField(required=False, label="I read the warning, and it is worth it")


class ProposeForm(ReadForm):
    """What to merge, and why."""

    name = forms.CharField(max_length=80, label="Name", help_text="For example all-partners.")
    reason = forms.CharField(
        max_length=MAX_REASON,
        label="Reason",
        help_text="Why separate stores do not do.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    field_order = ["name", "stores", "reason", "read"]

    def __init__(self, *arguments, offered, **more) -> None:
        super().__init__(*arguments, **more)
        self.fields["stores"] = forms.ModelMultipleChoiceField(
            offered, to_field_name="name", label="Trust stores", widget=forms.CheckboxSelectMultiple
        )
        self.order_fields(self.field_order)


@require_http_methods(["GET", "HEAD", "POST"])
def merged_exports(request: HttpRequest) -> HttpResponse:
    """List merged exports, and propose one."""
    actor = acting.of(request)
    relying = actor.require(Right.READ)
    form = ProposeForm(request.POST or None, offered=stores.of(relying))
    if request.method == "POST":
        actor.require(Right.PUBLISH_ADDITION)
        if form.is_valid():
            try:
                made = services.propose(**form.cleaned_data, actor=actor, now=request.now)
            except errors.StepUpRequired:
                raise
            except (errors.Invalid, errors.Conflict) as refusal:
                add_errors(form, refusal)
            else:
                messages.success(request, f"{made.name} waits for a second security officer.")
                return redirect("merged_export", made.pk)
    context = {
        "exports": queries.of(relying),
        "form": form,
        "warning": services.WARNING,
        "may_add": actor.has(Right.PUBLISH_ADDITION),
        "trail": [("Trust stores", reverse("trust_stores"))],
    }
    return render(request, "trust/stores/merged_exports.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def merged_export(request: HttpRequest, export_id: str) -> HttpResponse:
    """Show one, and let another officer approve it."""
    actor = acting.of(request)
    export = queries.get(actor.require(Right.READ), export_id)
    form = ReadForm(request.POST or None)
    if request.method == "POST":
        actor.require(Right.PUBLISH_ADDITION)
    if request.method == "POST" and form.is_valid():
        try:
            services.approve(export=export, read=form.cleaned_data["read"], actor=actor, now=request.now)
        except errors.StepUpRequired:
            raise
        except (errors.Invalid, errors.Conflict, errors.NotAllowed) as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, f"{export.name} is served.")
            return redirect("merged_export", export.pk)
    context = {
        "export": export,
        "form": form,
        "warning": services.WARNING,
        "may_add": actor.has(Right.PUBLISH_ADDITION),
        "is_own": str(export.proposed_by_id) == actor.id,
        "address": request.build_absolute_uri(reverse("api_merged_export", args=[export.name])),
        "trail": [("Trust stores", reverse("trust_stores")), ("Merged exports", reverse("merged_exports"))],
    }
    return render(request, "trust/stores/merged_export.html", context, status=400 if form.errors else 200)


@require_POST
def close_merged_export(request: HttpRequest, export_id: str) -> HttpResponse:
    """Close one."""
    actor = acting.of(request)
    export = queries.get(actor.require(Right.PUBLISH_ADDITION), export_id)
    services.close(export=export, actor=actor, now=request.now)
    messages.success(request, f"{export.name} is closed. Nobody gets it any more.")
    return redirect("merged_exports")
