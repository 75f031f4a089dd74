"""What the admin of a management account types: make run-organization, make up-organization, and SAM as in
docs/organization.md.
"""

import os
import re
import subprocess
import sys

from under_test import environment

from orchestera_local.stack import ROOT

SCENES = [
    "A stack with two mistakes",
    "The whole guide",
    "What came out",
    "A second stack with the same account",
    "Delete the second stack",
    "An account with that email address and another name",
    "The rest of the setup is off",
    "A development and a production account",
    "The same update again",
    "Sign-in by IAM Identity Center, which nobody has enabled",
    "Somebody presses Enable",
    "A second stack that would assign carol again",
    "The emergency administrator",
    "The bootstrap administrator",
    "Alternate contacts",
    "Clear them",
    "Delete the first stack",
]


def ran(*command, **variables):
    """What it printed. It must end with 0."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment(PATH=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}", **variables),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_demonstration_shows_every_scene_and_every_wait_and_each_claim_holds():
    shown = ran("orchestera_local.run_organization")
    scenes = re.findall(r"^\d+\. (.*)$", shown, re.MULTILINE)
    assert len(scenes) == len(SCENES), scenes
    assert all(scene.startswith(start) for scene, start in zip(scenes, SCENES, strict=True)), scenes
    assert shown.count("✓") >= 59 and "✗" not in shown
    for wait in ("creation of the account", "PENDING_ACTIVATION", "role OrganizationAccountAccessRole"):
        assert re.search(f"waiting for .*{wait}", shown), wait


def test_the_commands_of_the_guide_lead_from_no_organization_into_a_new_account(tmp_path):
    up = {"ORCHESTERA_UP": str(tmp_path / "up.json")}
    try:
        shown = ran("orchestera_local.serve", "up-organization", **up)
        root, user = (dict(re.findall(r"(AWS_\w+)=(\S+)", part)) for part in shown.split("To switch"))
        # A folder of its own: another test builds the other stack at the same time.
        ran("samcli", "build", "--template", "organization.yaml", "--build-dir", str(tmp_path / "build"), **root)
        deploy = [
            "samcli",
            "deploy",
            "--no-confirm-changeset",
            *("--template-file", str(tmp_path / "build/template.yaml")),
            # SAM looks for it beside the template.
            *("--config-file", str(ROOT / "samconfig.toml")),
            *("--stack-name", "orchestera-organization"),
            *("--capabilities", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"),
            "--parameter-overrides",
        ]
        ran(*deploy, "AccountEmail=spark@example.com", "AdminUserNames=ann", **root)
        # As in docs/setup.md: only what changes.
        contact = 'BillingContact="Ann Lee; Head of Finance; billing@example.com; +1 555 0100"'
        ran(*deploy, "BreakGlassUser=On", contact, **root)
        assert "carol" in ran("orchestera_local.serve", "enable-identity-center", **up)
        ran(*deploy, "SignIn=IdentityCenter", "IdentityCenterPrincipal=user:carol", **root)
        of_the_stack = ("--stack-name", "orchestera-organization")
        outputs = ran("samcli", "list", "stack-outputs", *of_the_stack, "--output", "json", **root)
        for said in ("BreakGlassSecretUrl", "ManagementContactWarnings", "sso_account_id"):
            assert said in outputs
        account_id = re.search(r"switchrole\?account=(\d{12})&", outputs)[1]
        assume = "import boto3, sys; print(boto3.client('sts').assume_role(RoleArn=sys.argv[1], RoleSessionName='ann')"
        assume += "['AssumedRoleUser']['Arn'])"
        role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
        switched = subprocess.run(
            [sys.executable, "-c", assume, role],
            env=environment(**user),
            text=True,
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert f":{account_id}:assumed-role/OrganizationAccountAccessRole/ann" in switched.stdout
    finally:
        ran("orchestera_local.serve", "down", **up)
