"""The commands on the page. Those that create a stack have a place where launch.js writes the chosen parameters."""

from dataclasses import dataclass

from orchestera_release.link import OWN_PREFIX

# Stands in a command where launch.js writes what was chosen.
CHOSEN = "\0"
UNITS = "UNITS='ou-abcd-11112222,ou-abcd-33334444'\n"


@dataclass(frozen=True)
class Command:
    """Lines to be copied. `form` says how launch.js writes the parameters: for `aws` or for `sam`."""

    id: str
    title: str
    text: str
    form: str = ""
    # The command has parameters already, and the chosen ones follow them.
    has_parameters: bool = False
    # What to know about it. A command itself has no comment: zsh, the shell of macOS, would run it.
    note: str = ""

    @property
    def parts(self):
        """The text before and after the chosen parameters, or the whole text."""
        return self.text.split(CHOSEN)


def launch(choice):
    """The same as the link, in a shell. Without a release, only what needs nothing from the buckets of the releases."""
    if not choice.link:
        yield from _WITHOUT_A_RELEASE.get(choice.kind, lambda _: ())(choice)
        return
    yield from _BEFORE.get(choice.kind, lambda _: ())(choice)
    yield _create(choice, f"--template-url {choice.url}")
    yield from _SAM[choice.kind](choice)
    if choice.kind == "stack-set":
        yield from _each_account(choice)


def own_link(choice):
    """A link of your own, to the template that you built and published."""
    lines = [
        f"BUCKET_PREFIX={OWN_PREFIX}",
        f'aws s3api create-bucket --bucket "${{BUCKET_PREFIX}}-{choice.region}" --region {choice.region}',
        'make dist publish link BUCKET_PREFIX="$BUCKET_PREFIX"'
        + ("" if choice.kind == "flat" else f" TEMPLATE={choice.kind}"),
        'make -C release site BUCKET_PREFIX="$BUCKET_PREFIX"',
    ]
    return Command(
        f"{choice.id}-own-link",
        "In a clone of the source",
        "\n".join(lines),
        note="Set a prefix of your own in the first line. The third command prints your link. The last one builds this "
        "page again, with a button that opens it. The account that opens the link must be able to read the bucket: "
        "docs/releasing.md in the source has the bucket policy.",
    )


def _create(choice, template):
    first, given = _NEEDED[choice.kind]
    create = [
        f"aws cloudformation create-stack --region {choice.region}",
        f"--stack-name {choice.stack_name}",
        template,
        f"--capabilities {' '.join(choice.capabilities)}",
    ]
    if given:
        # A comma in quotes is part of the value.
        pairs = (f"\"ParameterKey={name},ParameterValue='{value}'\"" for name, value in given)
        create.append("--parameters " + " \\\n    ".join(pairs))
    end = f"{_stack('wait stack-create-complete', choice)}\n{_outputs(choice)}"
    return Command(
        f"{choice.id}-aws",
        "AWS CLI",
        f"{first}{_lines(create)}{CHOSEN}\n{end}",
        "aws",
        has_parameters=bool(given),
        note=_NOTES.get(choice.kind, ""),
    )


def lifecycle(choice):
    """What you can do with the stack afterwards. You run these commands as they are."""
    yield Command(f"{choice.id}-suspend", "Suspend", _set_state(choice, "Suspended"))
    yield Command(f"{choice.id}-resume", "Resume", _set_state(choice, "Active"))
    if choice.link:
        yield Command(f"{choice.id}-update", "Update to the release of this page", _update_to_this_release(choice))
    yield _remove(choice)


def verify(region):
    """Checks the role with the command line of this product."""
    return Command(
        "verify",
        "In the account of the role, with the command line orchestera",
        "\n".join(f"orchestera {command} --region {region}" for command in ("preflight", "plan", "verify")),
        note="Run the first two before the launch, and the last one afterwards. They only read.",
    )


def look(region):
    """The role as IAM shows it."""
    iam = f"aws iam --region {region}"
    return Command(
        "look",
        "In the account of the role",
        f"""ROLE=OrchesteraAccessRole
ACCOUNT="$(aws sts get-caller-identity --region {region} --query Account --output text)"
POLICY="arn:aws:iam::${{ACCOUNT}}:policy/OrchesteraAccessPolicy"
{iam} get-role --role-name "$ROLE" --query Role.AssumeRolePolicyDocument
{iam} list-attached-role-policies --role-name "$ROLE" --query 'AttachedPolicies[].PolicyArn'
{iam} list-role-policies --role-name "$ROLE" --query PolicyNames
VERSION="$({iam} get-policy --policy-arn "$POLICY" --query Policy.DefaultVersionId --output text)"
{iam} get-policy-version --policy-arn "$POLICY" --version-id "$VERSION" --query PolicyVersion.Document""",
    )


def download(region, place, names, sums, signature, key):
    """Downloads and checks all published files. It uses the AWS CLI, because the bucket need not be public."""
    files = " \\\n  ".join([*names, sums, signature, key])
    return Command(
        "download",
        "Download and check",
        f"""for FILE in \\
  {files}
do aws s3 cp --region {region} "s3://{place}$FILE" .; done
sha256sum --check {sums}
openssl dgst -sha256 -verify {key} -signature {signature} {sums}""",
    )


def shut_now(region):
    """Without a stack."""
    deny = "arn:aws:iam::aws:policy/AWSDenyAll"
    return Command(
        "shut-now",
        "Deny everything at once, without the stack",
        f"aws iam --region {region} attach-role-policy \\\n  --role-name OrchesteraAccessRole --policy-arn {deny}",
    )


def _lines(parts):
    return " \\\n  ".join(parts)


def _stack(verb, choice):
    return f"aws cloudformation {verb} --region {choice.region} --stack-name {choice.stack_name}"


def _outputs(choice):
    query = "--query 'Stacks[0].Outputs[].[OutputKey, OutputValue]' --output text"
    return f"{_stack('describe-stacks', choice)} \\\n  {query}"


def _set_state(choice, state):
    """Sets AccessState. The stack keeps its template, of whatever release, and every other parameter.

    So the capabilities are those that any release may need. A stack that SAM created needs the last one.
    The query has no "!=": in an interactive shell "!" may call back an earlier command.
    """
    return _update(
        choice,
        template="--use-previous-template",
        capabilities="CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND",
        parameters='[[{ParameterKey:`"AccessState"`,ParameterValue:`"' + state + '"`}],'
        'Stacks[0].Parameters[?(ParameterKey==`"AccessState"`)==`false`].{ParameterKey:ParameterKey,UsePreviousValue:`true`}][]',
    )


def _update_to_this_release(choice):
    return _update(
        choice,
        template=f"--template-url {choice.url}",
        capabilities=" ".join(choice.capabilities),
        parameters="Stacks[0].Parameters[].{ParameterKey:ParameterKey,UsePreviousValue:`true`}",
    )


def _update(choice, template, capabilities, parameters):
    """An update that keeps the stack's own parameters.

    CloudFormation sets a parameter that an update does not name to its default, and refuses one that the stack does not
    have. So the command reads the names from the stack. Each step runs only if the step before succeeded.
    """
    return (
        f"PARAMETERS=$({_stack('describe-stacks', choice)} \\\n"
        f"  --query '{parameters}' \\\n"
        "  --output json) &&\n"
        f"  {_stack('update-stack', choice)} \\\n"
        f"    {template} \\\n"
        f"    --capabilities {capabilities} \\\n"
        '    --parameters "$PARAMETERS" &&\n'
        f"  {_stack('wait stack-update-complete', choice)}"
    )


def _remove(choice):
    lines = [_stack("delete-stack", choice), _stack("wait stack-delete-complete", choice)]
    note = ""
    if choice.kind in ("flat", "native"):
        lines.append(f"aws iam --region {choice.region} get-role --role-name OrchesteraAccessRole")
        note = "The last command must fail with NoSuchEntity: the role is deleted."
    elif choice.kind == "organization":
        note = "The accounts, the organization, the group and its members stay."
    return Command(f"{choice.id}-remove", "Delete", "\n".join(lines), note=note)


def _before_a_stack_set(choice):
    yield Command(
        f"{choice.id}-organization",
        "Once for the organization: trusted access, then the IDs of its root and organizational units",
        f"""aws cloudformation activate-organizations-access --region {choice.region}
PARENT="$(aws organizations list-roots --region {choice.region} --query 'Roots[0].Id' --output text)"
echo "$PARENT"
aws organizations list-organizational-units-for-parent --region {choice.region} --parent-id "$PARENT" \\
  --query 'OrganizationalUnits[].[Id, Name]' --output text""",
    )


def _each_account(choice):
    listed = (
        f"aws cloudformation list-stack-instances --region {choice.region} --stack-set-name orchestera-access \\\n  "
        "--query 'Summaries[].[Account, StackInstanceStatus.DetailedStatus, StatusReason]' --output text"
    )
    yield Command(f"{choice.id}-instances", "Progress in each account", listed)
    theirs = (
        f"aws cloudformation describe-stacks --region {choice.region} --output text \\\n  --query "
        "\"Stacks[?starts_with(StackName, 'StackSet-orchestera-access-')].Outputs[].[OutputKey, OutputValue]\""
    )
    yield Command(f"{choice.id}-outputs", "Role ARN and external ID, in one of these accounts", theirs)
    yield Command(
        f"{choice.id}-status",
        "Role ARN and external ID of every account, as a CSV file",
        f"orchestera status --region {choice.region} --stack-set orchestera-access \\\n  "
        "--output csv --output-file accounts.csv",
        note="orchestera is the command line of this product. docs/cli.md in the source says how to get it.",
    )


def _sam_of_the_source(choice):
    yield Command(
        f"{choice.id}-sam",
        "SAM, in a clone of the source: you build the function yourself",
        f"sam build\nsam deploy{CHOSEN}",
        "sam",
    )


def _sam_of_the_organization(choice):
    title = "SAM, in a clone of the source: you build both functions yourself"
    yield _sam_deploy(choice, title, before="sam build --template organization.yaml\n", note=_NOTES[choice.kind])


def _sam_of_the_file(choice):
    yield _sam_deploy(choice, "SAM, with the file that you downloaded and checked", file=choice.file)


def _sam_deploy(choice, title, before="", file=None, note=""):
    """`sam deploy` of a template that needs parameters: the file, or what was built before."""
    first, given = _NEEDED[choice.kind]
    deploy = [
        f"sam deploy --region {choice.region}",
        f"--stack-name {choice.stack_name}",
        *([f"--template-file {file}"] if file else []),
        f"--capabilities {' '.join(choice.capabilities)}",
        "--parameter-overrides " + " ".join(f'"{name}={value}"' for name, value in given),
    ]
    text = f"{first}{before}{_lines(deploy)}{CHOSEN}"
    return Command(f"{choice.id}-sam", title, text, "sam", has_parameters=True, note=note)


def _create_from_the_file(choice):
    yield _create(choice, f"--template-body file://{choice.file}")


_BEFORE = {"stack-set": _before_a_stack_set}
_SAM = {
    "flat": _sam_of_the_source,
    "stack-set": _sam_of_the_file,
    "native": _sam_of_the_file,
    "organization": _sam_of_the_organization,
}
# Both name the access template by its address in a bucket, unless SAM packages it.
_WITHOUT_A_RELEASE = {
    "flat": _sam_of_the_source,
    "native": _create_from_the_file,
    "organization": _sam_of_the_organization,
}
# The lines before the command, and the parameters without a usable default.
_NEEDED = {
    "flat": ("", ()),
    "stack-set": (UNITS, [("OrganizationalUnitIds", "$UNITS")]),
    "native": ('EXTERNAL_ID="$(openssl rand -hex 16)"\n', [("ExternalId", "$EXTERNAL_ID")]),
    "organization": (
        "EMAIL=spark@example.com\nADMIN=ann\n",
        [("AccountEmail", "$EMAIL"), ("AdminUserNames", "$ADMIN")],
    ),
}
_NOTES = {
    "organization": "Set your own email address and IAM user in the first two lines. AWS creates an account with the "
    "address, and that cannot be undone."
}
