"""How Organizations answers."""

from ministack.core.responses import error_response_json
from ministack.services.organizations import _json as done

__all__ = ["done", "invalid", "refused"]


def refused(code, message, reason=None):
    """The message is called `Message`, and some exceptions have a `Reason`."""
    return error_response_json(code, message, 400, {"Reason": reason} if reason else None, message_key="Message")


def invalid(reason, message="You specified an invalid value."):
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html: InvalidInputException."""
    return refused("InvalidInputException", message, reason)
