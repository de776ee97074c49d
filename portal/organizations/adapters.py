"""Where allauth asks the portal: no open sign-up, and TOTP seeds are encrypted in the database."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter

from portal import sealing
from portal.counting import services as counting
from portal.organizations import mailing
from portal.organizations.metrics import SIGN_IN_FAILURES


class AccountAdapter(DefaultAccountAdapter):
    """People join by invitation only."""

    # One neutral sentence: it does not say which of the two was wrong, nor whether the address is known.
    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "That did not work. Check the address and code.",
        "account_inactive": "That did not work. Check the address and code.",
        "incorrect_password": "That did not work. Check the password.",
        "incorrect_code": "That did not work. Check the code.",
        "too_many_login_attempts": "Too many tries. Wait a few minutes, then try again.",
    }

    def is_open_for_signup(self, request: Any) -> bool:
        return False

    def render_mail(self, *args: Any, **kwargs: Any) -> Any:
        message = super().render_mail(*args, **kwargs)
        message.connection = mailing.connection()
        return message

    def authentication_failed(self, request: Any, **credentials: Any) -> None:
        counting.add(SIGN_IN_FAILURES, step="password")


class MFAAdapter(DefaultMFAAdapter):
    """Seals TOTP seeds and recovery codes, so that the database alone lets nobody sign in."""

    error_messages: ClassVar[dict[str, Any]] = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "That did not work. Check the code.",
    }

    def encrypt(self, text: str) -> str:
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text)
