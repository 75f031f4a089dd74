"""Calls that are refused, on demand: the next ones of an account, with the codes that `settings.py` has for them."""

import logging
import urllib.parse

import ministack.app
import ministack.services.iam as iam
from ministack.core import iam_actions, responses
from ministack.core.responses import error_response_json, get_account_id

from . import settings

logger = logging.getLogger("refusals")
# Those that are asked in XML, and those whose path says what is asked; the others are asked in JSON, by a target.
QUERY = ("iam", "sts")
REST = ("account",)
SERVICES = (*QUERY, *REST, "organizations", "servicequotas", "freetier", "sso", "identitystore")


def repair():
    handlers = ministack.app.SERVICE_HANDLERS
    for service in SERVICES:
        handlers[service] = _refusing(handlers[service], service)


def _refusing(handle, service):
    async def refusing(method, path, headers, body, parameters):
        if service in QUERY:
            action = urllib.parse.parse_qs(body.decode()).get("Action", [""])[0]
        elif service in REST:
            action = iam_actions.extract_iam_action(service, method, path, headers, body, parameters) or ""
            action = action.rpartition(":")[2]
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
        key = "message" if service in REST else "Message"
        more = {"Reason": reason} if reason else None
        return error_response_json(code, message, _status(service, code), more, message_key=key)

    return refusing


def _status(service, code):
    """That of the service's model: where a path says what is asked, the status says something too."""
    if service not in REST:
        return 400
    model = responses._service_model(service)
    return model.shape_for(code).metadata["error"]["httpStatusCode"] if code in model.shape_names else 400
