"""`AWS::IAM::Group` and `AWS::IAM::UserToGroupAddition`, which MiniStack does not know.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-group.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-usertogroupaddition.html
"""

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.iam as iam

from .iam_types import call, inline_policies, managed_policies

GROUP, ADDITION = "AWS::IAM::Group", "AWS::IAM::UserToGroupAddition"


def repair():
    provisioners._RESOURCE_HANDLERS |= {
        GROUP: {"create": _create_group, "update": _update_group, "delete": _delete_group},
        ADDITION: {"create": _create_addition, "update": _update_addition, "delete": _remove},
    }
    # Another name is another group; members and policies change in place.
    provisioners._REPLACING_PROPERTIES[GROUP] = ("GroupName",)
    provisioners._CUSTOM_NAME_REPLACEMENT[GROUP] = {"name": "GroupName"}
    provisioners._REPLACING_PROPERTIES[ADDITION] = ()


def _create_group(logical_id, properties, stack_name):
    name = properties.get("GroupName") or provisioners._physical_name(stack_name, logical_id, max_len=128)
    call("CreateGroup", GroupName=name, Path=properties.get("Path") or "/")
    try:
        _bring_to(name, {}, properties)
    except RuntimeError:
        _delete_group(name, properties)
        raise
    return name, _attributes(name)


def _update_group(name, old, new, stack_name):
    if (old.get("Path") or "/") != (new.get("Path") or "/"):
        raise RuntimeError("Another path of a group is not built here.")
    _bring_to(name, old, new)
    return name, _attributes(name)


def _bring_to(name, old, new):
    before, wanted = managed_policies(old), managed_policies(new)
    for arn in [arn for arn in before if arn not in wanted]:
        call("DetachGroupPolicy", GroupName=name, PolicyArn=arn, missing_is_fine=True)
    for arn in [arn for arn in wanted if arn not in before]:
        call("AttachGroupPolicy", GroupName=name, PolicyArn=arn)
    before, wanted = inline_policies(old), inline_policies(new)
    for policy in before.keys() - wanted.keys():
        call("DeleteGroupPolicy", GroupName=name, PolicyName=policy, missing_is_fine=True)
    for policy, document in wanted.items():
        call("PutGroupPolicy", GroupName=name, PolicyName=policy, PolicyDocument=document)


def _delete_group(name, properties):
    """Takes away what the template gave, and nothing else: with a member, or another policy, the group stays."""
    if name in iam._groups:
        _bring_to(name, properties, {})
        call("DeleteGroup", GroupName=name, missing_is_fine=True)


def _attributes(name):
    return {"Arn": iam._groups[name]["Arn"]}


def _create_addition(logical_id, properties, stack_name):
    _bring_members_to({}, properties)
    return provisioners._physical_name(stack_name, logical_id), {}


def _update_addition(physical_id, old, new, stack_name):
    _bring_members_to(old, new)
    return physical_id, {}


def _remove(physical_id, properties):
    """All that are named, those who were members before among them."""
    _bring_members_to(properties, {})


def _bring_members_to(old, new):
    before, wanted = _members(old), _members(new)
    added = []
    try:
        for group, user in [member for member in wanted if member not in before]:
            call("AddUserToGroup", GroupName=group, UserName=user)
            added.append((group, user))
    except RuntimeError:
        for group, user in added:
            call("RemoveUserFromGroup", GroupName=group, UserName=user)
        raise
    for group, user in [member for member in before if member not in wanted]:
        call("RemoveUserFromGroup", GroupName=group, UserName=user, missing_is_fine=True)


def _members(properties):
    return [(properties["GroupName"], user) for user in properties.get("Users") or []]
