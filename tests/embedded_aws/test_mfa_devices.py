"""Virtual MFA devices: real codes, and what IAM refuses."""

import boto3
import pytest
from moto import mock_aws
from saying import code_of
from test_organizations_shapes import motos, shape

from orchestera_local import mfa_device, totp


@pytest.fixture
def iam(account):
    iam = account.client("iam")
    iam.create_user(UserName="ann")
    return iam


@pytest.fixture
def device(account, iam):
    """Nobody's yet."""
    return mfa_device.create(account, "ann")


def enabling(device, *codes, user="ann"):
    first, second = codes or (device.code(), device.code())
    return {
        "UserName": user,
        "SerialNumber": device.serial_number,
        "AuthenticationCode1": first,
        "AuthenticationCode2": second,
    }


def devices_of(iam, user="ann"):
    return [one["SerialNumber"] for one in iam.list_mfa_devices(UserName=user)["MFADevices"]]


def test_a_device_is_enabled_with_two_consecutive_codes_of_its_seed(iam, device):
    iam.enable_mfa_device(**enabling(device))
    assert devices_of(iam) == [device.serial_number]
    found = iam.get_mfa_device(SerialNumber=device.serial_number, UserName="ann")
    assert (found["UserName"], found["SerialNumber"]) == ("ann", device.serial_number) and found["EnableDate"]


def test_a_device_is_not_enabled_with_other_codes(iam, device):
    first, _, third = device.code(), device.code(), device.code()
    for codes in [(first, first), (first, third), (third, first), (device.wrong_code(), first)]:
        assert code_of(iam.enable_mfa_device, **enabling(device, *codes)) == "InvalidAuthenticationCode", codes
    old = [totp.code(device._seed, totp.counter() - steps) for steps in (1000, 999)]
    assert code_of(iam.enable_mfa_device, **enabling(device, *old)) == "InvalidAuthenticationCode"
    assert code_of(iam.enable_mfa_device, **enabling(device, "12345a", first)) == "ValidationError"
    assert devices_of(iam) == []


def test_codes_of_another_device_enable_nothing(account, iam, device):
    another = mfa_device.create(account, "another")
    codes = another.code(), another.code()
    assert code_of(iam.enable_mfa_device, **enabling(device, *codes)) == "InvalidAuthenticationCode"


def test_what_is_missing_or_taken_is_said(account, iam, device):
    assert code_of(iam.create_virtual_mfa_device, VirtualMFADeviceName="ann") == "EntityAlreadyExists"
    assert code_of(iam.create_virtual_mfa_device, VirtualMFADeviceName="a b") == "ValidationError"
    assert code_of(iam.enable_mfa_device, **enabling(device, user="bob")) == "NoSuchEntity"
    assert code_of(iam.get_mfa_device, SerialNumber=device.serial_number) == "NoSuchEntity"
    assert code_of(iam.list_mfa_devices, UserName="bob") == "NoSuchEntity"
    resync = enabling(device)
    assert code_of(iam.resync_mfa_device, **resync) == "NoSuchEntity"
    iam.enable_mfa_device(**enabling(device))
    assert code_of(iam.enable_mfa_device, **enabling(device)) == "EntityAlreadyExists"
    assert code_of(iam.delete_virtual_mfa_device, SerialNumber=device.serial_number) == "DeleteConflict"
    missing = {"UserName": "ann", "SerialNumber": f"arn:aws:iam::{account.id}:mfa/none"}
    assert code_of(iam.deactivate_mfa_device, **missing) == "NoSuchEntity"


def test_a_device_is_resynchronized_with_two_codes_from_further_away(iam, device):
    iam.enable_mfa_device(**enabling(device))
    ahead = [totp.code(device._seed, totp.counter() + steps) for steps in (50, 51)]
    assert code_of(iam.resync_mfa_device, **enabling(device, *ahead[::-1])) == "InvalidAuthenticationCode"
    iam.resync_mfa_device(**enabling(device, *ahead))
    assert devices_of(iam) == [device.serial_number]


def test_a_device_is_taken_away_and_deleted(iam, device):
    iam.enable_mfa_device(**enabling(device))
    assert code_of(iam.delete_user, UserName="ann") == "DeleteConflict"
    iam.deactivate_mfa_device(UserName="ann", SerialNumber=device.serial_number)
    assert devices_of(iam) == []
    iam.delete_virtual_mfa_device(SerialNumber=device.serial_number)
    assert code_of(iam.delete_virtual_mfa_device, SerialNumber=device.serial_number) == "NoSuchEntity"
    iam.delete_user(UserName="ann")


def test_virtual_devices_are_listed_by_whether_they_are_somebodys(account, iam, device):
    mfa_device.create(account, "nobodys")
    iam.enable_mfa_device(**enabling(device))

    def names(**status):
        found = iam.list_virtual_mfa_devices(**status)["VirtualMFADevices"]
        return sorted(one["SerialNumber"].rpartition("/")[2] for one in found)

    assert names() == names(AssignmentStatus="Any") == ["ann", "nobodys"]
    assert names(AssignmentStatus="Assigned") == ["ann"]
    assert names(AssignmentStatus="Unassigned") == ["nobodys"]


def test_a_user_has_at_most_eight_devices(account, iam):
    for number in range(8):
        mfa_device.enroll(account, "ann", f"ann-{number}")
    one_more = mfa_device.create(account, "ann-8")
    assert code_of(iam.enable_mfa_device, **enabling(one_more)) == "LimitExceeded"


def test_the_summary_counts_the_devices(account, iam, device):
    def counted():
        summary = iam.get_account_summary()["SummaryMap"]
        return summary["MFADevices"], summary["MFADevicesInUse"]

    assert counted() == (1, 0)
    iam.enable_mfa_device(**enabling(device))
    assert counted() == (1, 1)


def test_the_answers_have_the_keys_and_types_of_motos(account):
    def answers(iam):
        iam.create_user(UserName="ann")
        created = iam.create_virtual_mfa_device(VirtualMFADeviceName="it")["VirtualMFADevice"]
        device = mfa_device.MfaDevice(created["SerialNumber"], created["Base32StringSeed"].decode())
        unassigned = iam.list_virtual_mfa_devices()["VirtualMFADevices"]
        iam.enable_mfa_device(**enabling(device))
        listed, virtual = iam.list_mfa_devices(UserName="ann"), iam.list_virtual_mfa_devices()
        iam.deactivate_mfa_device(UserName="ann", SerialNumber=device.serial_number)
        iam.delete_virtual_mfa_device(SerialNumber=device.serial_number)
        return [created, listed, unassigned, virtual["VirtualMFADevices"]]

    with mock_aws():
        expected = [shape(answer) for answer in answers(motos("iam"))]
    # moto shows the seeds in lists, which AWS does not:
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html
    for one in expected[2:]:
        del one[0]["Base32StringSeed"], one[0]["QRCodePNG"]
    assert [shape(answer) for answer in answers(account.client("iam"))] == expected


def test_get_mfa_device_has_the_keys_of_its_model(iam, device):
    iam.enable_mfa_device(**enabling(device))
    model = boto3.client("iam", region_name="us-east-1").meta.service_model.operation_model("GetMFADevice").output_shape
    found = set(iam.get_mfa_device(SerialNumber=device.serial_number)) - {"ResponseMetadata"}
    assert found == set(model.members) - {"Certifications"}
