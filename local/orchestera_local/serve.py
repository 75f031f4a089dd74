"""`make up`: an embedded AWS that keeps running, with the stack deployed to it. `make up-organization`: one at the
beginning of docs/organization.md. `make enable-identity-center`: the click in its console that no API offers.
`make down`: the end of either.
"""

import json
import os
import shutil
from pathlib import Path

from orchestera_local.aws import REGION, SECRET_KEY, Account, EmbeddedAws, stop
from orchestera_local.iam_user import user
from orchestera_local.stack import ROOT, Stack, template
from orchestera_release.command_line import parser

ACCOUNT = "111122223333"
# Who signs in at the beginning of docs/organization.md.
USER = "ann"
# Whom `make enable-identity-center` creates.
CENTER_USER = "carol"
# Where the one that is up is remembered. The tests have another place, so that they end none but their own.
UP = Path(os.environ.get("ORCHESTERA_UP") or ROOT / ".tools/embedded-aws.json")


def running():
    """What `make up` left, or None if there is none any more."""
    if not UP.is_file():
        return None
    server = json.loads(UP.read_text())
    try:
        command = Path(f"/proc/{server['process']}/cmdline").read_text()
    except OSError:
        command = ""
    # The number may belong to somebody else by now.
    return server if "embedded_aws" in command else None


def begun(furnish):
    """The one that is up, or a new one, furnished by a function of its account. Returns what `running` tells of it."""
    server = running()
    if server is None:
        down()
        aws = EmbeddedAws(outlives_its_owner=True)
        UP.parent.mkdir(exist_ok=True)
        UP.write_text(json.dumps({"process": aws.process.pid, "endpoint": aws.endpoint, "folder": str(aws.folder)}))
        try:
            furnish(aws.account(ACCOUNT))
        except BaseException:
            down()
            raise
        server = running()
    return server


def exports(endpoint, key_id, secret_key):
    return f"""  export AWS_ENDPOINT_URL={endpoint} AWS_DEFAULT_REGION={REGION}
  export AWS_ACCESS_KEY_ID={key_id} AWS_SECRET_ACCESS_KEY={secret_key}"""


def up():
    server = begun(lambda account: Stack(account).deploy(template()))
    print(f"""An AWS on loopback is up, with the stack orchestera-access in account {ACCOUNT}. For any AWS client:

{exports(server["endpoint"], ACCOUNT, SECRET_KEY)}

The access key is the account, and its root user. For example:

  aws cloudformation describe-stack-events --stack-name orchestera-access
  aws iam get-role --role-name OrchesteraAccessRole
  .venv/bin/sam list stack-outputs --stack-name orchestera-access

Its log: {server["folder"]}/log
It ends with `make down`.""")


def up_organization():
    def furnish(account):
        account.settings(account_creation_seconds=5, account_activation_seconds=2, access_role_seconds=10)
        keys = user(account, USER).credentials
        server = json.loads(UP.read_text())
        UP.write_text(json.dumps(server | {"user": [keys["aws_access_key_id"], keys["aws_secret_access_key"]]}))

    server = begun(furnish)
    if "user" not in server:
        raise SystemExit("An AWS on loopback is up already, with the stack of `make up`. End it first: make down")
    print(f"""An AWS on loopback is up. Account {ACCOUNT} is in no organization, and has the IAM user {USER}. To create
the stack as docs/organization.md says, with the root user of the account:

{exports(server["endpoint"], ACCOUNT, SECRET_KEY)}

To switch into the new account as {USER}, with `aws sts assume-role` in place of the console:

{exports(server["endpoint"], *server["user"])}

A new account takes some seconds here, and its role some more. For docs/setup.md, to enable IAM Identity Center and to
create its user {CENTER_USER}, once the stack is complete:

  make enable-identity-center

Its log: {server["folder"]}/log
It ends with `make down`.""")


def enable_identity_center():
    server = running()
    if server is None or "user" not in server:
        raise SystemExit("No AWS of `make up-organization` is up. Begin one: make up-organization")
    account = Account(server["endpoint"], ACCOUNT, {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": SECRET_KEY})
    account.settings(identity_center="organization")
    instances = account.client("sso-admin").list_instances()["Instances"]
    if not instances:
        raise SystemExit("The account is in no organization yet. Create the stack of docs/organization.md first.")
    store = {"IdentityStoreId": instances[0]["IdentityStoreId"]}
    client = account.client("identitystore")
    if CENTER_USER not in [one["UserName"] for one in client.list_users(**store)["Users"]]:
        name = {"GivenName": CENTER_USER, "FamilyName": "Example"}
        client.create_user(**store, UserName=CENTER_USER, DisplayName=CENTER_USER, Name=name)
    print(f"IAM Identity Center is enabled: {instances[0]['InstanceArn']}. It has the user {CENTER_USER}.")


def down():
    """Ends the one that is up, and returns what `running` told of it."""
    server = running()
    if server:
        stop(server["process"])
        shutil.rmtree(server["folder"], ignore_errors=True)
    UP.unlink(missing_ok=True)
    return server


def main(arguments=None):
    options = parser("orchestera_local.serve", __doc__, "up")
    choices = ["up", "up-organization", "enable-identity-center", "down"]
    options.add_argument("what", choices=choices, help="begin it and print how to use it, or end it")
    what = options.parse_args(arguments).what
    if what == "up":
        up()
    elif what == "up-organization":
        up_organization()
    elif what == "enable-identity-center":
        enable_identity_center()
    elif down():
        print("The embedded AWS is stopped, and what was in it is gone.")
    else:
        print("No embedded AWS is up.")


if __name__ == "__main__":
    main()
