"""What people fill in about submissions."""

from typing import Any

from django import forms
from django.conf import settings

from trust.submissions.rules import Purpose

SIGNED_FILE_TYPES = ".pem,.crt,.cer,.der,.p7b,.p7c,.zip,.tar,.tgz,.gz,.json,.jwks,.asc,.gpg,.sig"


class SubmitForm(forms.Form):
    """A bundle and its signature."""

    file = forms.FileField(
        label="Bundle",
        help_text="PEM, DER, PKCS#7, a SPIFFE bundle, or the package as zip, tar or tar.gz. At most 1 MB.",
        widget=forms.FileInput(attrs={"accept": SIGNED_FILE_TYPES}),
        allow_empty_file=True,
        error_messages={"required": "Choose the bundle file."},
    )
    signature = forms.FileField(
        label="Detached signature",
        help_text="The .asc or .sig file. Leave it empty if the bundle file itself is signed.",
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".asc,.sig,.gpg"}),
    )
    purpose = forms.ChoiceField(
        label="What the CAs are for",
        help_text="Your partner keeps a trust store for each. A manifest in the package says it for itself.",
        required=False,
        choices=[
            ("", "As the manifest says, or both"),
            (Purpose.SERVER, "Your servers, which your partner calls"),
            (Purpose.CLIENT, "Your clients, which call your partner"),
            (Purpose.BOTH, "Your servers and your clients"),
        ],
    )
    environment = forms.CharField(
        label="Environment",
        help_text="Leave it empty for production. Another one, like test, has a trust store of its own.",
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "off"}),
    )

    def upload(self) -> dict[str, Any]:
        """Return the file and the signature as ``submit`` takes them, each read to one byte more than is taken at most."""
        file, signature = self.cleaned_data["file"], self.cleaned_data["signature"]
        return {
            "file_name": file.name or "",
            "content": file.read(settings.UPLOAD_MAX_BYTES + 1),
            "signature": signature.read(settings.UPLOAD_MAX_BYTES + 1) if signature else None,
        }


class CheckForm(SubmitForm):
    """A bundle to try out; it need not be signed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["signature"].help_text = "Leave it empty to try the bundle without its signature."
        for name in ("purpose", "environment"):
            del self.fields[name]


class ReasonForm(forms.Form):
    """A reason that both sides read."""

    reason = forms.CharField(
        label="Reason",
        help_text="Both organizations can read it. At least 10 characters.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write the reason in at least 10 characters."},
    )
