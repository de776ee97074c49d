"""The families of refusal, by who can act on it.

::

    Refusal                 something was asked for and not done
    ├── Invalid             the input is wrong: the asker can mend it          (400)
    ├── NotSignedIn         we do not know who asks                            (401)
    ├── NotAllowed          we know, and the answer is no: another person can  (403)
    ├── StepUpRequired      allowed after a fresh second factor                (403)
    ├── NotFound            there is nothing here for the asker                (404)
    ├── Conflict            the state has moved on, or forbids it              (409)
    ├── TooLarge            over a limit of size                               (413)
    ├── TooMany             over a limit of rate; try later                    (429)
    └── Unavailable         a tool or service we need is missing; fail closed  (503)

Each carries a stable ``code`` for programs, a ``sentence`` for people and a ``fix`` that says what to do next.
``portal.problems`` is the only place that turns them into HTTP.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class Refusal(Exception):
    """Something was asked for and not done.

    Args:
        code: stable, lower-case, words joined by underscores.
        sentence: what is wrong, one sentence in the present tense.
        fix: what to do next; may be empty when there is nothing to do.
        extra: more members for the problem document; JSON values only.
    """

    status = 400
    default_code = "refused"

    def __init__(
        self,
        sentence: str,
        *,
        code: str | None = None,
        fix: str = "",
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.default_code
        self.fix = fix
        self.extra = dict(extra or {})


class Invalid(Refusal):
    """The input is wrong. ``fields`` maps a field's name to sentences about it ("" is the whole form)."""

    status = 400
    default_code = "invalid_input"

    def __init__(
        self,
        sentence: str,
        *,
        code: str | None = None,
        fix: str = "",
        fields: Mapping[str, Sequence[str]] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(sentence, code=code, fix=fix, extra=extra)
        self.fields = {name: list(sentences) for name, sentences in (fields or {}).items()}


class NotSignedIn(Refusal):
    """We do not know who asks."""

    status = 401
    default_code = "not_signed_in"


class NotAllowed(Refusal):
    """We know who asks, and somebody else has to do it. The sentence says who can."""

    status = 403
    default_code = "not_allowed"


class StepUpRequired(NotAllowed):
    """The act needs a second factor given within the last minutes."""

    default_code = "step_up_required"


class NotFound(Refusal):
    """There is nothing here for the asker, whether it exists for others or not."""

    status = 404
    default_code = "not_found"

    def __init__(self, sentence: str = "There is nothing here.", **more: Any) -> None:
        super().__init__(sentence, **more)


class Conflict(Refusal):
    """The state has moved on since the asker looked, or does not permit the act."""

    status = 409
    default_code = "conflict"


class TooLarge(Refusal):
    """The input is over a limit of size."""

    status = 413
    default_code = "too_large"


class TooMany(Refusal):
    """The asker is over a limit of rate. ``retry_after`` is in seconds."""

    status = 429
    default_code = "too_many_requests"

    def __init__(self, sentence: str, *, retry_after: int = 60, **more: Any) -> None:
        super().__init__(sentence, **more)
        self.retry_after = retry_after


class Unavailable(Refusal):
    """A tool or service that the answer depends on is missing, so there is no answer."""

    status = 503
    default_code = "unavailable"
