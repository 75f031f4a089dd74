"""The commands on the page. Those that create have a place for the chosen parameters, which launch.js fills."""

from dataclasses import dataclass

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
    # The command gives parameters already, and the chosen ones come behind them.
    has_parameters: bool = False
    # What to look for in the answer. A command itself holds no comment: zsh, the shell of macOS, would run it.
    note: str = ""

    @property
    def parts(self):
        """What comes before and behind the chosen parameters, or the whole."""
        return self.text.split(CHOSEN)


def launch(choice):
    """The same as the link, in a shell."""
    yield from _BEFORE.get(choice.kind, lambda _: ())(choice)
    first, given = _NEEDED[choice.kind]
    create = [f"aws cloudformation create-stack --region {choice.region}", *_template(choice)]
    if given:
        create.append(f'--parameters "{given}"')
    end = f"{_stack('wait stack-create-complete', choice)}\n{_outputs(choice)}"
    yield Command(
        f"{choice.id}-aws", "AWS CLI", f"{first}{_lines(create)}{CHOSEN}\n{end}", "aws", has_parameters=bool(given)
    )
    yield from _SAM[choice.kind](choice)
    if choice.kind == "stack-set":
        yield from _each_account(choice)


def lifecycle(choice):
    """What can be done with the stack afterwards. Nothing in it has to be changed before it is run."""
    yield Command(f"{choice.id}-suspend", "Suspend", _set_state(choice, "Suspended"))
    yield Command(f"{choice.id}-resume", "Resume", _set_state(choice, "Active"))
    yield Command(f"{choice.id}-update", "Update to the release of this page", _update_to_this_release(choice))
    yield _remove(choice)


def verify(region):
    """Whether the role is as it should be, by the product's own command line."""
    return Command(
        "verify",
        "In the account of the role, with the command line of this product",
        "\n".join(f"orchestera {command} --region {region}" for command in ("preflight", "plan", "verify")),
        note="The first two are for before the launch, the last for afterwards. None changes anything.",
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
    """Fetch all that is published, and check it. By the AWS CLI, because the bucket need not be public."""
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
    """Without waiting for a stack."""
    deny = "arn:aws:iam::aws:policy/AWSDenyAll"
    return Command(
        "shut-now",
        "Deny everything at once, without the stack",
        f"aws iam --region {region} attach-role-policy \\\n  --role-name OrchesteraAccessRole --policy-arn {deny}",
    )


def _lines(parts):
    return " \\\n  ".join(parts)


def _template(choice):
    yield f"--stack-name {choice.stack_name}"
    yield f"--template-url {choice.url}"
    yield f"--capabilities {choice.capability}"


def _stack(verb, choice):
    return f"aws cloudformation {verb} --region {choice.region} --stack-name {choice.stack_name}"


def _outputs(choice):
    query = "--query 'Stacks[0].Outputs[].[OutputKey, OutputValue]' --output text"
    return f"{_stack('describe-stacks', choice)} \\\n  {query}"


def _set_state(choice, state):
    """A new AccessState. Everything else of the stack stays as it is, its template included, whatever its release.

    So the capabilities are those that any release may need; those of a stack that SAM created include the last.
    The query has no "!=": in a shell that a person types in, "!" may call back an earlier command.
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
        capabilities=choice.capability,
        parameters="Stacks[0].Parameters[].{ParameterKey:ParameterKey,UsePreviousValue:`true`}",
    )


def _update(choice, template, capabilities, parameters):
    """An update with the stack's own parameters.

    CloudFormation sets a parameter that is not named to its default, and refuses one that the stack does not have. So
    the names are read from the stack. Each step runs only if the one before it succeeded.
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
    if choice.kind != "stack-set":
        lines.append(f"aws iam --region {choice.region} get-role --role-name OrchesteraAccessRole")
        note = "The last command must fail with NoSuchEntity. It says that the role is deleted."
    return Command(f"{choice.id}-remove", "Remove", "\n".join(lines), note=note)


def _before_a_stack_set(choice):
    yield Command(
        f"{choice.id}-organisation",
        "Once for the organisation: trusted access, then the ids of the root and of its units",
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
    yield Command(f"{choice.id}-instances", "How far it is, account by account", listed)
    theirs = (
        f"aws cloudformation describe-stacks --region {choice.region} --output text \\\n  --query "
        "\"Stacks[?starts_with(StackName, 'StackSet-orchestera-access-')].Outputs[].[OutputKey, OutputValue]\""
    )
    yield Command(f"{choice.id}-outputs", "The two values, in one of these accounts", theirs)
    yield Command(
        f"{choice.id}-status",
        "Role ARN and external ID of every account, as a spreadsheet",
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


def _sam_of_the_file(choice):
    first, given = _NEEDED[choice.kind]
    name, _, value = given.removeprefix("ParameterKey=").partition(",ParameterValue=")
    deploy = [
        f"sam deploy --region {choice.region}",
        f"--stack-name {choice.stack_name}",
        f"--template-file {choice.file}",
        f"--capabilities {choice.capability}",
        f'--parameter-overrides "{name}={value.strip(chr(39))}"',
    ]
    yield Command(
        f"{choice.id}-sam",
        "SAM, with the file that you downloaded and checked",
        f"{first}{_lines(deploy)}{CHOSEN}",
        "sam",
        has_parameters=True,
    )


_BEFORE = {"stack-set": _before_a_stack_set}
_SAM = {"flat": _sam_of_the_source, "stack-set": _sam_of_the_file, "native": _sam_of_the_file}
# What comes before the command, and the one parameter without a default. A comma in quotes is none to the AWS CLI.
_NEEDED = {
    "flat": ("", ""),
    "stack-set": (UNITS, "ParameterKey=OrganizationalUnitIds,ParameterValue='$UNITS'"),
    "native": ('EXTERNAL_ID="$(openssl rand -hex 16)"\n', "ParameterKey=ExternalId,ParameterValue=$EXTERNAL_ID"),
}
