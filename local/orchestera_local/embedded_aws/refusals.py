"""Calls that are refused, on demand: the next ones of an account, with the codes that `settings.py` has for them."""

import logging
import urllib.parse

import ministack.app
import ministack.services.iam as iam
from ministack.core.responses import error_response_json, get_account_id

from . import settings

logger = logging.getLogger("refusals")
# Those that are asked in XML; the others are asked in JSON.
QUERY = ("iam", "sts")
SERVICES = (*QUERY, "organizations", "servicequotas", "freetier")


def repair():
    handlers = ministack.app.SERVICE_HANDLERS
    for service in SERVICES:
        handlers[service] = _refusing(handlers[service], service)


def _refusing(handle, service):
    async def refusing(method, path, headers, body, parameters):
        if service in QUERY:
            action = urllib.parse.parse_qs(body.decode()).get("Action", [""])[0]
        else:
            action = headers.get("x-amz-target", "").rpartition(".")[2]
        due = settings.of(get_account_id()).refusals.get(action)
        if not due:
            return await handle(method, path, headers, body, parameters)
        code, _, reason = due.pop(0).partition(":")
        logger.info("refused %s with %s", action, code)
        message = f"{action} is refused on demand."
        if service in QUERY:
            return iam._error(400, code, message, ns=service)
        return error_response_json(code, message, 400, {"Reason": reason} if reason else None, message_key="Message")

    return refusing
