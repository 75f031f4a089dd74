"""Calls to IAM that name no user are about the user who makes them, and are judged by that user's ARN.

"If you do not specify a user name, IAM determines the user name implicitly based on the AWS access key ID signing the
request", says for instance https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html
"""

import ministack.services.iam as iam
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id

IMPLICIT = ("GetUser", "ListMFADevices", "GetMFADevice", "ListAccessKeys", "CreateAccessKey")
ABOUT_THE_CALLER = (*IMPLICIT, "ChangePassword")


def repair():
    handlers = iam._IAM_HANDLERS
    for action in IMPLICIT:
        if action in handlers:
            handlers[action] = about_the_caller(handlers[action])
    iam_actions.extract_resource_arn = _with_the_callers_arn(iam_actions.extract_resource_arn)


def user_name():
    """Of the caller; blank for the root user and for roles."""
    _, is_a_user, name = iam_evaluator.caller_arn().partition(":user/")
    return name.rpartition("/")[2] if is_a_user else ""


def about_the_caller(handle):
    def repaired(parameters):
        if not iam._p(parameters, "UserName") and user_name():
            parameters = parameters | {"UserName": [user_name()]}
        return handle(parameters)

    return repaired


def _with_the_callers_arn(extract_resource_arn):
    """Virtual MFA devices by their own ARN, users by theirs, with its path.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
    """

    def repaired(service, method, path, headers, body, parameters, region, account_id):
        if service == "iam":
            action, name, serial, device, iam_path = (
                iam_actions._query_param(parameters, key) or ""
                for key in ("Action", "UserName", "SerialNumber", "VirtualMFADeviceName", "Path")
            )
            if action == "CreateVirtualMFADevice":
                return f"arn:aws:iam::{account_id}:mfa{iam_path or '/'}{device}"
            if action == "DeleteVirtualMFADevice":
                return serial
            if not name and action in ABOUT_THE_CALLER:
                name = user_name()
            if user := name and iam._users.get_scoped(get_account_id(), None, name):
                return user["Arn"]
        return extract_resource_arn(service, method, path, headers, body, parameters, region, account_id)

    return repaired
