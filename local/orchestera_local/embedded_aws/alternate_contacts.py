"""Whom AWS writes to about an account beside its root user, as Account Management tells it.

https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-alternate.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsaccountmanagement.html
"""

import functools
import json
import re

import ministack.services.account as account_management
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import _service_model, error_response_json, get_account_id

from .organizations import trusted_access
from .organizations.membership import management_account_of, organization_of

SERVICE, TRUSTED = "account", "account.amazonaws.com"
ACTIONS = ("GetAlternateContact", "PutAlternateContact", "DeleteAlternateContact")
FIELDS = ("Name", "Title", "EmailAddress", "PhoneNumber", "AlternateContactType")

# By account and type. They belong to the account, whichever organization it joins or leaves.
_contacts: dict[tuple, dict] = {}


def repair():
    iam_actions._BOTOCORE_SERVICE_MAP[SERVICE] = [SERVICE]
    iam_actions.extract_resource_arn = _with_accounts(iam_actions.extract_resource_arn)
    iam_actions.request_tag_context = _with_the_types_of_contacts(iam_actions.request_tag_context)
    acts = dict(zip(ACTIONS, (_get, _put, _delete), strict=True))
    for action, act in acts.items():
        uri = _model().operation_model(action).http["requestUri"]
        account_management._DISPATCH[uri] = _checked(action, act)


@functools.cache
def _model():
    """AWS's own: the limits, patterns and types of contacts, and the status of each refusal."""
    return _service_model(SERVICE)


def _with_accounts(extract_resource_arn):
    """An account is judged in the standalone context, or as a member of an organization if the request names it."""

    def repaired(service, method, path, headers, body, parameters, region, account_id):
        if service != SERVICE:
            return extract_resource_arn(service, method, path, headers, body, parameters, region, account_id)
        named = _request(body).get("AccountId")
        management = management_account_of(account_id)
        if named and management:
            return f"arn:aws:account::{management}:account/{organization_of(management)['Id']}/{named}"
        return f"arn:aws:account::{account_id}:account"

    return repaired


def _with_the_types_of_contacts(request_tag_context):
    """`account:AlternateContactTypes` has many values, so that a condition needs ForAnyValue or ForAllValues.

    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-alternate.html#context-keys-AlternateContactTypes
    """

    def repaired(service, iam_action, body, parameters):
        keys = request_tag_context(service, iam_action, body, parameters)
        kind = _request(body).get("AlternateContactType") if service == SERVICE else None
        return keys | ({"account:AlternateContactTypes": [kind]} if kind else {})

    return repaired


def _request(body):
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _checked(action, act):
    shape = _model().operation_model(action).input_shape

    def repaired(request):
        kinds = shape.members["AlternateContactType"].enum
        if wrong := [name for name in shape.members if not _is_valid(request.get(name), name, shape)]:
            return _invalid(wrong)
        # Not a ValidationException, as moto's tests quote AWS.
        if request["AlternateContactType"] not in kinds:
            return _denied(action, "You specified an invalid Alternate Contact type.")
        caller = get_account_id()
        named = request.get("AccountId")
        if named is not None and (reason := _why_it_may_not_name(caller, named)) is not None:
            return _denied(action, reason)
        return act(named or caller, request)

    return repaired


def _is_valid(value, name, shape):
    """By the model's limits. The types of contacts are judged later."""
    if value is None:
        return name not in shape.required_members
    limits = shape.members[name].metadata
    if not isinstance(value, str) or not limits.get("min", 0) <= len(value) <= limits.get("max", len(value)):
        return False
    # AWS's patterns are for the whole text, and `\w` means ASCII.
    return "pattern" not in limits or bool(re.fullmatch(limits["pattern"], value, re.ASCII))


def _why_it_may_not_name(caller, account):
    """What AWS says behind the refusal, which may be nothing. None if it may.

    The management account names only the others, and so does a delegated administrator:
    https://docs.aws.amazon.com/accounts/latest/reference/API_GetAlternateContact.html
    The reasons are quoted in awslabs/aws-deployment-framework issue 764 and turbot/steampipe-plugin-aws issue 1309.
    """
    management = management_account_of(caller)
    if management is None or not (caller == management or trusted_access.is_delegated(management, caller, TRUSTED)):
        return ""
    # Which it can only where all features are enabled.
    if not trusted_access.is_trusted(management, TRUSTED):
        return "Your organization must first enable trusted access with AWS Account Management."
    if account == management:
        return "The management account can only be managed using the standalone context from the management account."
    return None if management_account_of(account) == management else ""


def _get(account, request):
    contact = _contacts.get((account, request["AlternateContactType"]))
    return _done({"AlternateContact": contact}) if contact else _not_found()


def _put(account, request):
    _contacts[account, request["AlternateContactType"]] = {name: request[name] for name in FIELDS}
    return _done()


def _delete(account, request):
    """A second one fails, says AWS; moto's does not."""
    return _done() if _contacts.pop((account, request["AlternateContactType"]), None) else _not_found()


def _done(answer=None):
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode() if answer else b""


def _not_found():
    return _refused("ResourceNotFoundException", "No contact of the inputted alternate contact type found.")


def _denied(action, reason):
    message = f"User: {iam_evaluator.caller_arn()} is not authorized to perform: {SERVICE}:{action}"
    return _refused("AccessDeniedException", message + (f" ({reason})" if reason else ""))


def _invalid(fields):
    listed = [{"name": name, "message": "It does not satisfy the constraints."} for name in fields]
    more = {"reason": "fieldValidationFailed", "fieldList": listed}
    return _refused("ValidationException", f"Invalid: {', '.join(fields)}", more)


def _refused(code, message, more=None):
    status = _model().shape_for(code).metadata["error"]["httpStatusCode"]
    return error_response_json(code, message, status, more, content_type="application/json")
