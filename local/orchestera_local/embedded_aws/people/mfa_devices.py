"""Virtual MFA devices, which check the codes that they are enabled and used with.

MiniStack made seeds that are no Base32, and took any two codes.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetMFADevice.html
"""

import base64
import re
import secrets

import ministack.services.iam as iam

from orchestera_local import totp

from . import callers

SEED_BYTES = 40
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
DEVICES_OF_A_USER = 8
# How many steps of 30 seconds a device may be behind. AWS does not say. Ahead it may be by more than anywhere else, so
# that no test waits for its next code.
BEHIND, AHEAD = 2, 20
# How far away two codes may be that resynchronize it, either way. AWS does not say that either.
SEARCH = 1000


def repair():
    handlers = iam._IAM_HANDLERS
    handlers["CreateVirtualMFADevice"] = _with_a_real_seed(handlers["CreateVirtualMFADevice"])
    handlers["EnableMFADevice"] = _with_two_codes(handlers["EnableMFADevice"], (BEHIND, AHEAD), _can_be_enabled)
    handlers["ResyncMFADevice"] = _with_two_codes(handlers["ResyncMFADevice"], (SEARCH, SEARCH), _is_enabled)
    handlers["ListMFADevices"] = _of_a_user_who_exists(handlers["ListMFADevices"])
    handlers["ListVirtualMFADevices"] = _all_of_them(handlers["ListVirtualMFADevices"])
    handlers["GetMFADevice"] = callers.about_the_caller(_get_mfa_device)


def of(user_name):
    """The devices that are enabled for the user."""
    return [device for device in iam._mfa_devices.values() if device["User"] == user_name]


def accepted_step(device, code):
    """The step whose code that is, or None. A code is taken once, and none that is older than it.

    The app of a test gives its next code before its time. The device follows it, as it would follow a clock that is
    ahead: https://www.rfc-editor.org/rfc/rfc6238#section-6
    """
    steps = _steps(device, BEHIND, AHEAD)
    return next((step for step in steps if totp.code(device["Base32StringSeed"], step) == code), None)


def _steps(device, behind, ahead):
    now, last = totp.counter(), device.get("LastStep", 0)
    return range(max(last + 1, now - behind), max(last, now) + ahead + 1)


def use(device, step):
    device["LastStep"] = step


def _with_a_real_seed(create):
    def repaired(parameters):
        name = iam._p(parameters, "VirtualMFADeviceName")
        if not re.fullmatch(r"[\w+=,.@-]+", name, re.ASCII):
            return iam._error(400, "ValidationError", f"{name} is no name of a virtual MFA device.", ns="iam")
        before = set(iam._mfa_devices)
        status, headers, body = create(parameters)
        for serial in set(iam._mfa_devices) - before:
            device = iam._mfa_devices[serial]
            made_up = base64.b64encode(device["Base32StringSeed"].encode())
            device["Base32StringSeed"] = base64.b32encode(secrets.token_bytes(SEED_BYTES)).decode()
            body = body.replace(made_up, base64.b64encode(device["Base32StringSeed"].encode()))
        return status, headers, body

    return repaired


def _with_two_codes(handle, tolerance, is_due):
    """Two consecutive ones, the first not further behind or ahead than that. What else is wrong is said first."""

    def repaired(parameters):
        codes = [iam._p(parameters, f"AuthenticationCode{number}") for number in (1, 2)]
        if not all(re.fullmatch(r"\d{6}", code, re.ASCII) for code in codes):
            return iam._error(400, "ValidationError", "An authentication code has six digits.", ns="iam")
        device, name = iam._mfa_devices.get(iam._p(parameters, "SerialNumber")), iam._p(parameters, "UserName")
        if not device or not is_due(device, name):
            return handle(parameters)
        if device["User"] is None and len(of(name)) >= DEVICES_OF_A_USER:
            message = f"Cannot exceed quota for MfaDevicesPerUser: {DEVICES_OF_A_USER}"
            return iam._error(409, "LimitExceeded", message, ns="iam")
        step = _first_of(device, codes, tolerance)
        if step is None:
            message = "Authentication code for device is not valid"
            return iam._error(403, "InvalidAuthenticationCode", message, ns="iam")
        use(device, step + 1)
        return handle(parameters)

    return repaired


def _first_of(device, codes, tolerance):
    """The step of the first one, or None."""
    seed, steps = device["Base32StringSeed"], _steps(device, *tolerance)
    return next((step for step in steps if [totp.code(seed, step), totp.code(seed, step + 1)] == codes), None)


def _can_be_enabled(device, user_name):
    return device["User"] is None and user_name in iam._users


def _is_enabled(device, user_name):
    return device["User"] == user_name


def _of_a_user_who_exists(list_devices):
    def repaired(parameters):
        name = iam._p(parameters, "UserName")
        if name and name not in iam._users:
            return iam._error(404, "NoSuchEntity", f"The user with name {name} cannot be found.", ns="iam")
        return list_devices(parameters)

    return repaired


def _all_of_them(list_devices):
    """If no status is given, those of somebody and those of nobody.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html
    """

    def repaired(parameters):
        return list_devices({"AssignmentStatus": ["Any"]} | parameters)

    return repaired


def _get_mfa_device(parameters):
    """MiniStack does not have it."""
    serial, name = iam._p(parameters, "SerialNumber"), iam._p(parameters, "UserName")
    device = iam._mfa_devices.get(serial)
    if not device or not device["User"] or name not in ("", device["User"]):
        return iam._error(404, "NoSuchEntity", f"MFA device {serial} cannot be found.", ns="iam")
    result = (
        f"<UserName>{device['User']}</UserName><SerialNumber>{serial}</SerialNumber>"
        f"<EnableDate>{device['EnableDate']}</EnableDate>"
    )
    return iam._xml(200, "GetMFADeviceResponse", f"<GetMFADeviceResult>{result}</GetMFADeviceResult>", ns="iam")
