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
    """What can be done with the stack afterwards."""
    yield Command(
        f"{choice.id}-suspend",
        "Suspend, or let in again",
        "STATE=Suspended    # or Active\n" + _update(choice, AccessState='"$STATE"'),
    )
    yield Command(f"{choice.id}-update", "Update to the release of this page", _update(choice, url=choice.url))
    gone = f"{_stack('delete-stack', choice)}\n{_stack('wait stack-delete-complete', choice)}"
    if choice.kind != "stack-set":
        gone += (
            f"\naws iam --region {choice.region} get-role --role-name OrchesteraAccessRole    # has to say NoSuchEntity"
        )
    yield Command(f"{choice.id}-remove", "Remove", gone)


def look(region):
    """The role as IAM shows it."""
    iam = f"aws iam --region {region}"
    return Command(
        "look",
        "In the account of the role",
        f"""ROLE=OrchesteraAccessRole
ACCOUNT="$(aws sts get-caller-identity --region {region} --query Account --output text)"
POLICY="arn:aws:iam::$ACCOUNT:policy/OrchesteraAccessPolicy"
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
        "Shut it at once, by hand",
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


def _update(choice, url=None, **changed):
    """A parameter that is not named goes back to its default, so that all are."""
    parameters = [
        f"ParameterKey={parameter.name},"
        + (f"ParameterValue={changed[parameter.name]}" if parameter.name in changed else "UsePreviousValue=true")
        for parameter in choice.parameters
    ]
    update = [
        _stack("update-stack", choice),
        f"--template-url {url}" if url else "--use-previous-template",
        f"--capabilities {choice.capability}",
        "--parameters " + " \\\n    ".join(parameters),
    ]
    return f"{_lines(update)}\n{_stack('wait stack-update-complete', choice)}"


def _before_a_stack_set(choice):
    yield Command(
        f"{choice.id}-organisation",
        "Once for the organisation, and the ids of its units",
        f"""aws cloudformation activate-organizations-access --region {choice.region}
aws organizations list-roots --region {choice.region} --query 'Roots[].[Id, Name]' --output text
aws organizations list-organizational-units-for-parent --region {choice.region} --parent-id r-abcd \\
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
    yield Command(f"{choice.id}-outputs", "The two values, in each account", theirs)


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
