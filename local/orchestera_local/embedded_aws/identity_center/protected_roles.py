"""The roles of Identity Center are changed by Identity Center alone, whatever rights in IAM somebody has.

https://repost.aws/knowledge-center/identity-center-aws-reserved-sso
"""

import ministack.services.iam as iam

from .provisioning import PATH

CHANGES = (
    "AttachRolePolicy",
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
    "UpdateRoleDescription",
)


def repair():
    for action in CHANGES:
        iam._IAM_HANDLERS[action] = _of_others(iam._IAM_HANDLERS[action])


def _of_others(handle):
    def repaired(parameters):
        name = iam._p(parameters, "RoleName")
        if iam._roles.get(name, {}).get("Path", "").startswith(PATH):
            message = (
                f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
            )
            return iam._error(400, "UnmodifiableEntity", message, ns="iam")
        return handle(parameters)

    return repaired
