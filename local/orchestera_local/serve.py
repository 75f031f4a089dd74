"""`make up`: an embedded AWS that keeps running, with the stack deployed to it. `make down`: its end."""

import json
import os
import shutil
from pathlib import Path

from orchestera_local.aws import REGION, SECRET_KEY, EmbeddedAws, stop
from orchestera_local.stack import ROOT, Stack, template
from orchestera_release.command_line import parser

ACCOUNT = "111122223333"
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


def up():
    server = running()
    if server is None:
        down()
        aws = EmbeddedAws(outlives_its_owner=True)
        UP.parent.mkdir(exist_ok=True)
        UP.write_text(json.dumps({"process": aws.process.pid, "endpoint": aws.endpoint, "folder": str(aws.folder)}))
        try:
            Stack(aws.account(ACCOUNT)).deploy(template())
        except BaseException:
            down()
            raise
        server = running()
    print(f"""An AWS on loopback is up, with the stack orchestera-access in account {ACCOUNT}. For any AWS client:

  export AWS_ENDPOINT_URL={server["endpoint"]} AWS_DEFAULT_REGION={REGION}
  export AWS_ACCESS_KEY_ID={ACCOUNT} AWS_SECRET_ACCESS_KEY={SECRET_KEY}

The access key is the account, and its root user. For example:

  aws cloudformation describe-stack-events --stack-name orchestera-access
  aws iam get-role --role-name OrchesteraAccessRole
  .venv/bin/sam list stack-outputs --stack-name orchestera-access

Its log: {server["folder"]}/log
It ends with `make down`.""")


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
    options.add_argument("what", choices=["up", "down"], help="begin it and print how to use it, or end it")
    if options.parse_args(arguments).what == "up":
        up()
    elif down():
        print("The embedded AWS is stopped, and what was in it is gone.")
    else:
        print("No embedded AWS is up.")


if __name__ == "__main__":
    main()
