"""`AWS::IAM::User`: made, changed and removed by calls to IAM, with what IAM says to them.

MiniStack took groups, policies and a password from a user that it deletes, whoever had given them.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-user.html
"""

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.iam as iam

from .iam_types import call, inline_policies, managed_policies

TYPE = "AWS::IAM::User"


def repair():
    handlers = provisioners._RESOURCE_HANDLERS[TYPE]
    handlers["create"] = _create
    handlers["delete"] = _delete
    # Its update goes by these, and shows in their errors what IAM answered.
    provisioners._iam_user_call = _call_by_its_name
    provisioners._iam_user_create, provisioners._iam_user_delete = _create, _delete


def _create(logical_id, properties, stack_name):
    name = properties.get("UserName") or provisioners._physical_name(stack_name, logical_id, max_len=64)
    wanted = {key: properties[key] for key in ("Path", "PermissionsBoundary", "Tags") if properties.get(key)}
    call("CreateUser", UserName=name, **provisioners._ec_query(wanted))
    try:
        boundary = {"PermissionsBoundary": properties.get("PermissionsBoundary")}
        provisioners._iam_user_reconcile(name, boundary, properties, "create")
    except RuntimeError:
        _delete(name, properties)
        raise
    return name, {"Arn": iam._users[name]["Arn"]}


def _call_by_its_name(operation, parameters, action):
    """`operation` is a function of MiniStack's, and not the handler that may have been repaired since."""
    name = "".join(word.capitalize() for word in operation.__name__.split("_") if word)
    call(name, **parameters)


def _delete(name, properties):
    """Takes away what the template gave, and nothing else: with an MFA device, or a group more, the user stays."""
    if name not in iam._users:
        return
    for group in properties.get("Groups") or []:
        call("RemoveUserFromGroup", GroupName=group, UserName=name, missing_is_fine=True)
    for arn in managed_policies(properties):
        call("DetachUserPolicy", UserName=name, PolicyArn=arn, missing_is_fine=True)
    for policy in inline_policies(properties):
        call("DeleteUserPolicy", UserName=name, PolicyName=policy, missing_is_fine=True)
    if properties.get("LoginProfile"):
        call("DeleteLoginProfile", UserName=name, missing_is_fine=True)
    call("DeleteUser", UserName=name, missing_is_fine=True)
