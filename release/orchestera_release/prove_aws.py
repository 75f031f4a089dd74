"""`make prove-aws`: creates, checks and deletes the release in a real AWS account, and writes a report.

It refuses an account in which anything that it creates exists already. It lists what it will create, and asks you to
type the account ID. It exits with 0 if every claim is true and nothing is left.
"""

import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from orchestera_release import product
from orchestera_release.command_line import parser
from orchestera_release.product import Refused
from orchestera_release.proof import access, preflight, release, report
from orchestera_release.proof.caller import Caller, Calls, now
from orchestera_release.proof.interruption import Interrupted, Interruption, Terminal
from orchestera_release.proof.run import PATIENCE, Proof
from orchestera_release.proof.secrets import Secrets


def prepared(given, secrets, interruption):
    """The proof, before anything is created. Raises `Refused`."""
    preflight.check_region(given.region)
    orchestera = shutil.which(given.orchestera)
    if not orchestera:
        raise Refused(f"{given.orchestera} is not a program. Set --orchestera to the command line orchestera.")
    made = release.read(given.dist)
    calls = Calls()
    caller = Caller(given.profile, given.region, calls).identify()
    unchecked = preflight.check_all(caller, preflight.check_caller)
    preflight.check_all(caller, preflight.check_account)
    platform = None
    if given.platform_profile:
        platform = Caller(given.platform_profile, given.region, calls).identify()
        if platform.account != access.platform():
            raise Refused(
                f"The profile {given.platform_profile} is of account {platform.account}. The platform's account is "
                f"{access.platform()}."
            )
        secrets.add_credentials(platform.session)
    secrets.add_credentials(caller.session)
    page = report.Record(calls, secrets)
    proof = Proof(caller, platform, made, orchestera, page, interruption, given.patience)
    if unchecked:
        page.not_shown.append(unchecked)
    return proof


def about(proof, began):
    """What the report says of release and place."""
    made, caller = proof.release, proof.caller
    return {
        "release": made.version,
        "commit": made.commit + (", with uncommitted changes" if made.is_dirty else ""),
        "signed by": made.signed_by(),
        "checksums": made.checksums() | {"orchestera": product.sha256(Path(proof.orchestera).read_bytes())},
        "AWS": f"NOT THE REAL ONE: {caller.endpoint}" if caller.endpoint else "the real one",
        "account": caller.account,
        "region": caller.region,
        "began": began,
        "template": f"{product.FLAT} as published, but for the bucket of the code: {proof.bucket.name}",
    }


def show_left(left, could_not_look, page):
    for problem in could_not_look:
        page.say(f"The command could not look for what is left: {problem}")
    if left:
        page.say("This may be left:" if could_not_look else "This is left:")
    for one in left:
        page.say(f"- {one}")
        for command in one.commands:
            # In one line, to be copied.
            print(f"     {command}")
        if one.kind == "stack" and len(left) > 1:
            page.say(report.WITH_THE_STACK)


def main(arguments=None):
    options = parser(
        "orchestera_release.prove_aws", __doc__, "--profile my-account --orchestera target/release/orchestera"
    )
    options.add_argument("--profile", required=True, help="an AWS CLI profile of an administrator of the account")
    options.add_argument(
        "--orchestera", required=True, metavar="PATH", help="the command line, for `orchestera verify`"
    )
    options.add_argument("--region", default=product.REGIONS[0], help="where the stack is created (%(default)s)")
    options.add_argument("--dist", type=Path, default=product.folder(), metavar="FOLDER", help="written by `make dist`")
    options.add_argument(
        "--platform-profile", metavar="PROFILE", help="a profile of the platform's account, to assume the role"
    )
    options.add_argument("--reports", type=Path, metavar="FOLDER", help="for the report (proofs/ beside --dist)")
    options.add_argument(
        "--patience",
        type=float,
        default=PATIENCE,
        metavar="SECONDS",
        help="how long to wait until IAM shows a change (%(default)s)",
    )
    given = options.parse_args(arguments)
    reports = given.reports or given.dist.parent / "proofs"

    sys.stdout = Terminal(sys.stdout)
    interruption, secrets = Interruption(), Secrets()
    interruption.listen()
    began, started = now(), time.monotonic()
    try:
        proof = prepared(given, secrets, interruption)
        found = about(proof, began)
        print(preflight.announcement(proof.caller, proof.release, proof.bucket.name), flush=True)
        if not preflight.is_confirmed(proof.caller):
            raise Refused("That is not the account ID. Nothing was created.")
    except Interrupted as interrupted:
        print("\nNothing was created.")
        return 128 + interrupted.number

    status, ended = 1, report.COMPLETE
    try:
        proof.run()
        interruption.cleaning_up()
    except Interrupted as interrupted:
        status, ended = 128 + interrupted.number, f"interrupted by {interrupted}"
    # Whatever it is, what was created has to be deleted.
    except Exception as error:
        interruption.cleaning_up()
        ended = f"failed: {type(error).__name__}: {error}"
    interruption.cleaning_up()
    if ended != report.COMPLETE:
        proof.page.say(f"\n{ended}")
        proof.clean_up()
    left, could_not_look = proof.left()
    interruption.ignore()
    found |= {"seconds": round(time.monotonic() - started, 1)}
    found = proof.page.report(found, ended, left, could_not_look)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        files = report.write(found, reports, f"{proof.release.version}-{proof.caller.account}-{stamp}")
        print(f"\n{found['seconds']} seconds. The report:", *files, sep="\n  ")
    except OSError as error:
        print(f"\nThe report could not be written: {error}")
        found["holds"] = False
    proof.page.end()
    # Last, so that it is not overlooked.
    show_left(left, could_not_look, proof.page)
    return 0 if found["holds"] else status


if __name__ == "__main__":
    sys.exit(main())
