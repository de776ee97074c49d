"""What others call to change verifications; each lives in the module of its noun."""

from trust.verifications.approvals import approve, decline
from trust.verifications.bookings import book_call, confirm_booking
from trust.verifications.calls import (
    CodeResult,
    contact_became_unusable,
    enter_call_code,
    join_call,
    name_source,
    pause,
    reader_signed_out,
    resume,
    start_call,
    stop,
)
from trust.verifications.ending import end_abandoned, end_if_abandoned
from trust.verifications.rehearsals import start_rehearsal
from trust.verifications.requests import request_verification, unlock, withdraw_request, write_what_happened
from trust.verifications.signing import add_signature
from trust.verifications.typing_in import GroupResult, enter_group, enter_row, read_back_done

__all__ = [
    "CodeResult",
    "GroupResult",
    "add_signature",
    "approve",
    "book_call",
    "confirm_booking",
    "contact_became_unusable",
    "decline",
    "end_abandoned",
    "end_if_abandoned",
    "enter_call_code",
    "enter_group",
    "enter_row",
    "join_call",
    "name_source",
    "pause",
    "read_back_done",
    "reader_signed_out",
    "request_verification",
    "resume",
    "start_call",
    "start_rehearsal",
    "stop",
    "unlock",
    "withdraw_request",
    "write_what_happened",
]
