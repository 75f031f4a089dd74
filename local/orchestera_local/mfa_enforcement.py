"""A user who can do nothing without MFA but enroll it: the policy, and what proves it under enforcement, call by call.

session = console.sign_in_with_new_password(account, name, generated, chosen)
assert mfa_enforcement.not_refused(session, bucket) == []
device = mfa_enforcement.first_steps(session, name, chosen)
session = console.sign_in(account, name, chosen, device.code())
assert mfa_enforcement.refused(session, bucket) == []
"""

import contextlib

from botocore.exceptions import ClientError

from orchestera_local import mfa_device, request_of_a_model

# What has to be possible without MFA to get to it, and to a password of one's own. AWS's own example has most of it:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage.html
EXCEPTIONS = (
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:GetUser",
    "iam:GetMFADevice",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "iam:ChangePassword",
    "iam:GetAccountPasswordPolicy",
    "sts:GetSessionToken",
)
DENY = {
    "Effect": "Deny",
    "NotAction": list(EXCEPTIONS),
    "Resource": "*",
    "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
}
POLICY = {"Version": "2012-10-17", "Statement": [DENY]}
# With every right, and only the statement above, an administrator without MFA can give other users an MFA device: these
# are then asked for codes that they do not have. AWS's example does not allow it in the first place.
DENY_OTHERS = {
    "Effect": "Deny",
    "Action": ["iam:EnableMFADevice", "iam:ResyncMFADevice"],
    "NotResource": "arn:aws:iam::*:user/${aws:username}",
    "Condition": DENY["Condition"],
}
# No policy decides on these: "No permissions are required", even with an explicit Deny.
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
ALWAYS = ("sts:GetCallerIdentity", "sts:GetSessionToken")
# These take access keys: the console's credentials are refused them, whatever the policies say.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
FOR_ACCESS_KEYS = ("sts:GetSessionToken", "sts:GetFederationToken")
# By botocore's names. Each call of each of them is tried. EC2, with 800 calls, takes as long as all of these together.
SERVICES = (
    "cloudformation",
    "cloudtrail",
    "dynamodb",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "organizations",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
)
# How the services say that it is not allowed. To HEAD there is no answer but the status.
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"}
# Of another service, S3 Express, which MiniStack does not have, and takes half a minute to find out.
LEFT_OUT = "ListDirectoryBuckets"
READING = ("Describe", "Get", "List")


def not_refused(session, bucket, services=SERVICES):
    """Which calls, of all that these services have, go through although they are no exceptions. Without MFA: none.

    The bucket is one that exists: where there is none, S3 says so to everybody.
    """
    return [
        f"{service}:{operation} {code}"
        for service, operation, code in answers(session, bucket, services)
        if f"{service}:{operation}" not in (*EXCEPTIONS, *ALWAYS) and code not in DENIED
    ]


def refused(session, bucket, services=SERVICES):
    """Which calls that only read are not allowed. With MFA, and every right: none."""
    return [
        f"{service}:{operation} {code}"
        for service, operation, code in answers(session, bucket, services, READING)
        if f"{service}:{operation}" not in FOR_ACCESS_KEYS and code in DENIED
    ]


def first_steps(session, user_name, password):
    """Makes each call that is an exception and that the console can make. Returns the MFA device; or ClientError."""
    iam = session.client("iam")
    iam.get_user()
    iam.get_user(UserName=user_name)
    # That there is none is no refusal.
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        iam.get_account_password_policy()
    iam.change_password(OldPassword=password, NewPassword=f"{password}-2")
    iam.change_password(OldPassword=f"{password}-2", NewPassword=password)
    device = mfa_device.enroll(session, user_name)
    iam.list_mfa_devices(UserName=user_name)
    iam.list_virtual_mfa_devices()
    iam.get_mfa_device(UserName=user_name, SerialNumber=device.serial_number)
    codes = {"AuthenticationCode1": device.code(), "AuthenticationCode2": device.code()}
    iam.resync_mfa_device(UserName=user_name, SerialNumber=device.serial_number, **codes)
    return device


def answers(session, bucket, services=SERVICES, prefixes=("",)):
    """Makes each of these services' calls whose name begins so. Yields service, operation, and the error's code."""
    for service in services:
        client = session.client(service)
        # One of Logs, which looks at it before it looks at the policies.
        arn = f"arn:aws:logs:{client.meta.region_name}:{session.id}:log-group:dummy"
        for operation in _signed_operations(client):
            if operation.name.startswith(prefixes):
                request = request_of_a_model.smallest(operation.input_shape, arn) if operation.input_shape else {}
                if "Bucket" in request:
                    request["Bucket"] = bucket
                yield service, operation.name, _code_of(client, operation, request)


def _signed_operations(client):
    """All but those that nobody signs, and those for which the service has another host."""
    model = client.meta.service_model
    for operation in map(model.operation_model, model.operation_names):
        if operation.auth_type != "none" and not operation.endpoint and operation.name != LEFT_OUT:
            yield operation


def _code_of(client, operation, request):
    """With which it is refused, or fails; blank if it is answered."""
    try:
        client._make_api_call(operation.name, request)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""
