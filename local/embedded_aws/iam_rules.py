"""What IAM does and refuses, and MiniStack does not."""

import ministack.services.iam as iam


def repair():
    handlers = iam._IAM_HANDLERS
    handlers["SetDefaultPolicyVersion"] = _set_default_policy_version
    handlers["DeletePolicy"] = _without_other_versions(handlers["DeletePolicy"])
    for principal in ("Role", "User", "Group"):
        action = f"Attach{principal}Policy"
        handlers[action] = _of_what_exists(handlers[action])


def _set_default_policy_version(parameters):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html"""
    policy = iam._policies.get(iam._p(parameters, "PolicyArn"))
    version_id = iam._p(parameters, "VersionId")
    if not policy or version_id not in policy["Versions"]:
        return iam._error(404, "NoSuchEntity", f"Policy version {version_id} does not exist.", ns="iam")
    for version in policy["Versions"].values():
        version["IsDefaultVersion"] = version["VersionId"] == version_id
    policy["DefaultVersionId"] = version_id
    return iam._xml(200, "SetDefaultPolicyVersionResponse", "", ns="iam")


def _without_other_versions(delete_policy):
    """The other versions go first: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html"""

    def repaired(parameters):
        policy = iam._policies.get(iam._p(parameters, "PolicyArn"))
        if policy and len(policy["Versions"]) > 1:
            return iam._error(
                409,
                "DeleteConflict",
                "This policy has more than one version. Before you delete a policy, you "
                "must delete the policy's versions.",
            )
        return delete_policy(parameters)

    return repaired


def _of_what_exists(attach_policy):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html: NoSuchEntity."""

    def repaired(parameters):
        arn = iam._p(parameters, "PolicyArn")
        if not iam._policy_exists(arn):
            return iam._error(404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
        return attach_policy(parameters)

    return repaired
