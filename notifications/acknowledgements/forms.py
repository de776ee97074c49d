"""Forms of answering a notice."""

from typing import Any

from django import forms

from notifications.acknowledgements.rules import MAX_STEPS, WHO_LABELS, Step


class AnswerForm(forms.Form):
    """A different answer than acknowledging."""

    answer = forms.ChoiceField(
        label="Your answer",
        choices=[
            ("done", "It is done on our side. Say how, so that your partner can close its incident."),
            ("cannot_act", "We cannot act by the deadline. Your partner's on-call is alerted at once and calls you."),
        ],
        widget=forms.RadioSelect,
    )
    message = forms.CharField(max_length=2000, label="Message to your partner")
    evidence_sha256 = forms.RegexField(
        r"^[0-9A-Fa-f]{64}$",
        required=False,
        label="SHA-256 of your evidence",
        help_text="Of a report or log that you keep, so that you can show later that it is the one you meant.",
        error_messages={"invalid": "A SHA-256 has 64 hexadecimal digits."},
    )


class PolicyForm(forms.Form):
    """The escalation policy as a sentence list: after so many minutes, tell these."""

    def __init__(
        self, *args: Any, members: list[tuple[str, str]], steps: tuple[Step, ...] = (), **options: Any
    ) -> None:
        super().__init__(*args, **options)
        choices = [*[(who.value, label) for who, label in WHO_LABELS.items()], *members]
        for number in range(1, MAX_STEPS + 1):
            step = steps[number - 1] if number <= len(steps) else None
            self.fields[f"after_{number}"] = forms.IntegerField(
                label=f"Level {number}: minutes after the notice came",
                min_value=0,
                max_value=720,
                required=number == 1,
                initial=int(step.after.total_seconds() // 60) if step else None,
            )
            self.fields[f"who_{number}"] = forms.MultipleChoiceField(
                label=f"Level {number}: tell",
                choices=choices,
                required=False,
                initial=[str(each) for each in step.who] if step else [],
                widget=forms.CheckboxSelectMultiple,
            )
            self.fields[f"sender_{number}"] = forms.BooleanField(
                label=f"Level {number}: tell the sender that nobody acknowledged",
                required=False,
                initial=step.tell_sender if step else False,
            )

    def steps(self) -> list[dict[str, Any]]:
        """Return the steps that were filled in."""
        given = self.cleaned_data
        return [
            {
                "after_minutes": given[f"after_{number}"],
                "who": given[f"who_{number}"],
                "tell_sender": given[f"sender_{number}"],
            }
            for number in range(1, MAX_STEPS + 1)
            if given.get(f"after_{number}") is not None
        ]
