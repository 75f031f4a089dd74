"""A role of a template carries the permissions boundary that the template gives it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html: PermissionsBoundary.
"""

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.iam as iam


def repair():
    handlers = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
    for operation, at in [("create", 1), ("update", 2)]:
        handlers[operation] = _with_its_boundary(handlers[operation], at)


def _with_its_boundary(handle, at):
    """`at` is where the handler takes the properties that are wanted."""

    def repaired(*arguments, **named):
        name, attributes = handle(*arguments, **named)
        iam._roles[name]["PermissionsBoundary"] = arguments[at].get("PermissionsBoundary")
        return name, attributes

    return repaired
