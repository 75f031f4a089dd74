"""A virtual MFA device, and the authenticator app that has its seed."""

from orchestera_local import totp


class MfaDevice:
    """Gives codes. AWS takes each only once, so none is given twice: the next one may be ahead of the time."""

    def __init__(self, serial_number, seed):
        self.serial_number = serial_number
        self._seed, self._last = seed, 0

    def code(self):
        self._last = max(self._last + 1, totp.counter())
        return totp.code(self._seed, self._last)

    def wrong_code(self):
        """One that is not the code of any step around now."""
        steps = range(totp.counter() - 1000, self._last + 1000)
        taken = {totp.code(self._seed, step) for step in steps}
        return next(code for code in map("{:06}".format, range(10**totp.DIGITS)) if code not in taken)


def create(session, name):
    """Creates the device, which is nobody's yet."""
    device = session.client("iam").create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    return MfaDevice(device["SerialNumber"], device["Base32StringSeed"].decode())


def enroll(session, user_name, name=None):
    """Creates the device and enables it for the user, as the console's dialog does it. Its name is the user's."""
    device = create(session, name or user_name)
    session.client("iam").enable_mfa_device(
        UserName=user_name,
        SerialNumber=device.serial_number,
        AuthenticationCode1=device.code(),
        AuthenticationCode2=device.code(),
    )
    return device
