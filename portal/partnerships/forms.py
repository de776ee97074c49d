"""Forms of the pages about partnerships."""

from django import forms


class InvitePartnerForm(forms.Form):
    """Which company to invite, and whom there."""

    company = forms.CharField(
        max_length=120, label="Company", help_text="As your partner writes it, for example Halden Freight."
    )
    contact_name = forms.CharField(
        max_length=120, label="Person whom you invite", help_text="Somebody in their security or PKI team."
    )
    email = forms.EmailField(label="Their work email address")


class AcceptForm(forms.Form):
    """What a company that is not on the portal yet brings to an invitation."""

    company = forms.CharField(
        max_length=120, label="Your company", widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    admin_name = forms.CharField(
        max_length=120, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"})
    )


class ReasonForm(forms.Form):
    """Why the state of a partnership is changed."""

    action = forms.ChoiceField(
        choices=[("suspend", "Suspend"), ("resume", "Resume"), ("end", "End")], widget=forms.HiddenInput
    )
    reason = forms.CharField(
        max_length=1000,
        label="Reason",
        help_text="Your partner reads it too.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
