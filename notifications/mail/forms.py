"""Forms about mail to oneself and to contacts."""

from django import forms

from notifications.mail.rules import FREQUENCY_LABELS, NEWS_CHOICES, TASK_CHOICES


class PreferenceForm(forms.Form):
    """How often to be mailed about what is not urgent."""

    tasks = forms.ChoiceField(
        label="What waits for you",
        error_messages={"required": "Choose how you hear of what waits for you."},
        help_text="For example a submission to approve, or a time to confirm.",
        choices=[(each.value, FREQUENCY_LABELS[each]) for each in TASK_CHOICES],
        widget=forms.RadioSelect,
    )
    news = forms.ChoiceField(
        label="What is only to know",
        error_messages={"required": "Choose how you hear of what is only to know."},
        help_text="For example that your partner accepted a submission.",
        choices=[(each.value, FREQUENCY_LABELS[each]) for each in NEWS_CHOICES],
        widget=forms.RadioSelect,
    )


class KeyForm(forms.Form):
    """A public key to encrypt mail to."""

    block = forms.CharField(
        label="OpenPGP public key",
        help_text="What gpg --armor --export you@example.com prints. It needs a part for encryption.",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off", "class": "mono"}),
        max_length=65536,
    )

    def forget(self) -> "KeyForm":
        """Return the form without what was pasted: it may have been a private key, which is never shown again."""
        if self.is_bound:
            self.data = {name: value for name, value in self.data.items() if name != "block"}
        return self
