"""Calls that are refused, on demand: the next ones of an account, with the codes that `settings.py` has for them."""

import logging

from ministack.core.responses import get_account_id

from .. import settings
from .answers import refused

logger = logging.getLogger("refusals")


def next_refusal(action):
    """Code and reason of the one that is due for the account that asks, or None; it is due only once."""
    due = settings.of(get_account_id()).refusals.get(action)
    if not due:
        return None
    code, _, reason = due.pop(0).partition(":")
    logger.info("refused %s with %s", action, code)
    return code, reason or None


def refusing(action, handle):
    def repaired(payload):
        if refusal := next_refusal(action):
            code, reason = refusal
            return refused(code, f"{action} was refused on demand.", reason)
        return handle(payload)

    return repaired
