"""Forms of the pages about keys. Each takes its text pasted or as a file; the services read the bytes."""

from typing import Any

from django import forms
from django.conf import settings

_MONO = {"rows": 8, "spellcheck": "false", "autocomplete": "off", "class": "mono"}


class PasteOrFileForm(forms.Form):
    """A text that is pasted, or uploaded as a file: one of the two. ``text_field`` names the field with the text."""

    text_field = ""
    use_required_attribute = False  # a browser cannot know that a file stands in for the text

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        text = self.fields[self.text_field]
        text.required = not self.files.get("file")
        text.error_messages["required"] = "Paste it or choose a file."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file = cleaned.get("file")
        if file and cleaned.get(self.text_field):
            self.add_error(self.text_field, "Paste it or choose a file, not both.")
        if file and file.size > settings.UPLOAD_MAX_BYTES:
            self.add_error("file", f"{file.name} is larger than {settings.UPLOAD_MAX_BYTES // 1024} KB.")
        return cleaned

    def content(self) -> bytes:
        """Return the bytes that were given."""
        file = self.cleaned_data.get("file")
        if file:
            return bytes(file.read())
        return str(self.cleaned_data[self.text_field]).encode("utf-8", "surrogatepass")


class UploadKeyForm(PasteOrFileForm):
    """A public key."""

    text_field = "block"
    block = forms.CharField(
        strip=False,
        label="Public key",
        help_text="Everything from -----BEGIN PGP PUBLIC KEY BLOCK----- to its END line.",
        widget=forms.Textarea(attrs=_MONO),
    )
    file = forms.FileField(required=False, allow_empty_file=True, label="Or a file")


class AnswerForm(PasteOrFileForm):
    """The clearsigned challenge."""

    text_field = "answer"
    answer = forms.CharField(
        strip=False,
        label="Signed text",
        help_text="Everything in challenge.txt.asc, from -----BEGIN PGP SIGNED MESSAGE----- on.",
        widget=forms.Textarea(attrs=_MONO),
    )
    file = forms.FileField(required=False, allow_empty_file=True, label="Or the file challenge.txt.asc")


class StatementForm(PasteOrFileForm):
    """The clearsigned succession."""

    text_field = "statement"
    statement = forms.CharField(
        strip=False,
        label="Text signed by the old key",
        help_text="Everything in succession.txt.asc.",
        widget=forms.Textarea(attrs=_MONO),
    )
    file = forms.FileField(required=False, allow_empty_file=True, label="Or the file succession.txt.asc")


class RevokeForm(forms.Form):
    """A revocation certificate, or a reason."""

    certificate = forms.CharField(
        required=False,
        strip=False,
        label="Revocation certificate",
        help_text="From your safe, or made with gpg --gen-revoke. GnuPG's prepared file has a colon before its first "
        "line: remove it.",
        widget=forms.Textarea(attrs=_MONO),
    )
    reason = forms.CharField(
        required=False,
        max_length=300,
        label="Reason, if you have no certificate",
        help_text="Your partners read it.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (
            not self.errors
            and not (cleaned.get("certificate") or "").strip()
            and not (cleaned.get("reason") or "").strip()
        ):
            self.add_error("certificate", "Paste the revocation certificate, or say why you revoke without one.")
        return cleaned
