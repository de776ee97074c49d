"""The page on which an officer says which trust domain a store stands for, and opens or closes its public endpoint."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.rules import Right
from trust.stores import queries as stores
from trust.stores.federation import queries, services
from trust.stores.snippets import envoy_map, public_address, spire_federation


class SpiffeForm(forms.Form):
    """A store's trust domain, and who may fetch its bundle."""

    trust_domain = forms.CharField(
        max_length=255,
        label="Trust domain",
        help_text="The name alone, like alder.example. The bundle does not say it, so SPIRE must be told the same.",
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "off"}),
    )
    public = forms.BooleanField(
        required=False,
        label="Anybody may fetch this bundle, without a token",
        help_text="SPIRE's federation asks for that. It shows the world which CA certificates you trust of this partner.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def spiffe(request: HttpRequest, name: str) -> HttpResponse:
    """Show and change what a store is for SPIFFE."""
    actor = acting.of(request)
    store = stores.get(actor.require(Right.PUBLISH_ADDITION), name)
    binding = queries.binding_of(store)
    agreed = services.agreed_domains(store)
    initial = {
        "trust_domain": binding.trust_domain if binding else next(iter(agreed), ""),
        "public": bool(binding and binding.public_since),
    }
    form = SpiffeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            done = services.bind(store=store, **form.cleaned_data, actor=actor, now=request.now)
        except errors.StepUpRequired:
            raise
        except (errors.Invalid, errors.Conflict, errors.NotAllowed) as refusal:
            add_errors(form, refusal)
        else:
            reach = "anybody may fetch its bundle" if done.public_since else "its bundle needs a token"
            messages.success(request, f"{store.name} stands for {done.trust_domain}; {reach}.")
            return redirect("trust_store_spiffe", store.name)
    context = {
        "store": store,
        "binding": binding,
        "agreed": agreed,
        "in_current_map": queries.domain_in_current_map(store),
        "form": form,
        "address": public_address(store),
        "spire": spire_federation(store, binding.trust_domain) if binding else "",
        "envoy": envoy_map(store),
        "trail": [("Trust stores", reverse("trust_stores")), (store.name, reverse("trust_store", args=[store.name]))],
    }
    return render(request, "trust/stores/spiffe.html", context, status=400 if form.errors else 200)
