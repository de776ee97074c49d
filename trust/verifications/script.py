"""What the verifier says, step by step. The version stands in each record. Plain Python."""

from trust.verifications.rules import Step

VERSION = "2026-11 en"


def line(step: Step, *, organization: str, source: str, group: int = 0, again: bool = False) -> str:
    """Return the sentence to say at a step; ``group`` is the group that is open, ``again`` after a mismatch."""
    match step:
        case Step.CODE:
            return (
                f"I am calling from {organization} about {source}. "
                "Please press “I am on the call” and tell me your code."
            )
        case Step.SOURCE:
            return "Please read from your own record, not from the portal. Which record will you read from?"
        case Step.TYPE if again:
            return (
                f"Please read group {number(group)} again, slowly. "
                "Say nine as niner, and letters as Alfa, Bravo, Charlie, Delta, Echo, Foxtrot."
            )
        case Step.TYPE:
            return f"Group {number(group)}, please."
        case Step.READ_BACK:
            return (
                "I will read everything back to you. Please say “correct” after each row, and press “Read back done”."
            )
        case Step.DONE:
            return "Thank you. We are done. A colleague will approve this, and you will see it in the portal."


_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()  # noqa: SIM905
)


def number(value: int) -> str:
    """Return a group's number as a word."""
    return _NUMBERS[value] if value < len(_NUMBERS) else str(value)
