"""`make link` prints the launch link: it opens CloudFormation's console with our template, and presets parameters.

A link is sent by mail and chat, and anybody can change it on the way. So it never holds an external ID or an account.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html
"""

import re
import shlex
import sys
from urllib.parse import quote, urlencode

from orchestera_release import product, rules, templates
from orchestera_release.command_line import parser
from orchestera_release.product import Refused
from orchestera_release.signature import RELEASE_KEY

# Three, because the management account may have all of them.
STACK_NAMES = {
    "flat": "orchestera-access",
    "native": "orchestera-access",
    "stack-set": "orchestera-access-rollout",
    "organization": "orchestera-organization",
}
# Of the examples, in a message and on the launch page.
OWN_PREFIX = "my-company-orchestera"
NOT_PUBLISHED = (
    "No release is published yet, so there is no link. Anybody could own the bucket "
    f"{product.bucket(product.BUCKET_PREFIX, product.REGIONS[0])}, and decide what the console shows. To create a "
    f"link of your own, create a bucket, then run: make dist publish link BUCKET_PREFIX={OWN_PREFIX} "
    f'(docs/releasing.md, "The buckets"). Without Rust, upload templates/published/{product.NATIVE} in '
    "CloudFormation's console."
)
TEMPLATES = {
    "flat": product.FLAT,
    "native": product.NATIVE,
    "stack-set": product.STACK_SET,
    "organization": product.ORGANIZATION,
}
# What belongs to an account, or decides who gets access to it. You enter it in the console, so that nobody can exchange
# it in the link.
NOT_IN_A_LINK = {
    "ExternalId",
    "RequireExternalId",
    "PermissionsBoundaryArn",
    "FunctionPermissionsBoundaryArn",
    "MemberAccountId",
    "MemberRoleName",
    # The organization stack sets it.
    "NewAccount",
    # Somebody who changes the link could send the notifications elsewhere.
    "AlarmTopicArn",
    # Anyone who reads the mailbox of an account can take over the account.
    "AccountEmail",
    "DevelopmentAccountEmail",
    "ProductionAccountEmail",
    "AccountId",
    "AdminUserNames",
    "IdentityCenterPrincipal",
    # AWS writes to them about bills and compromised credentials.
    "BillingContact",
    "OperationsContact",
    "SecurityContact",
    "OrganizationalUnitId",
    # Cannot be undone, and costs money.
    "AcceptPaidPlan",
    "OrganizationalUnitIds",
    "Accounts",
    "AccountFilterType",
}


def is_published(prefix):
    """Whether there may be a link to these buckets. Those of the releases belong to nobody before the first release."""
    return prefix != product.BUCKET_PREFIX or RELEASE_KEY.is_file()


def template(kind, prefix):
    """The template that a link of that kind opens, as a value."""
    return templates.published(prefix)[TEMPLATES[kind]]


def presettable(template):
    """The names of the parameters that a link may preset, with what the template says of each."""
    return {
        name: parameter
        for name, parameter in template["Parameters"].items()
        # The console ignores a NoEcho parameter of a link.
        if not _is_no_echo(parameter) and name not in NOT_IN_A_LINK
    }


def problems(template, parameters):
    """Why these values cannot be in a link: a sentence for each."""
    allowed = presettable(template)
    for name, value in parameters.items():
        parameter = template["Parameters"].get(name)
        if parameter is None:
            similar = next((one for one in template["Parameters"] if one.lower() == name.lower()), None)
            hint = f" Did you mean {similar}?" if similar else f" It has {', '.join(template['Parameters'])}."
            yield f"The template has no parameter {name}, and the console would ignore it.{hint}"
        elif _is_no_echo(parameter):
            yield f"{name} is NoEcho: the console ignores it in a link. Enter it in the console."
        elif name not in allowed:
            yield f"{name} belongs to an account, or decides who gets access to it. Enter it in the console."
        else:
            yield from _problems_of_the_value(name, parameter, value)


def quick_create(
    kind="flat", region=product.REGIONS[0], stack_name=None, parameters=None, prefix=None, is_emulated=False
):
    """The link. Raises `Refused` with every problem of what was asked for.

    `is_emulated`: it is used on the emulated AWS and shown to nobody, so that a release need not be published.
    """
    prefix = prefix or product.BUCKET_PREFIX
    if not is_emulated and not is_published(prefix):
        raise Refused(NOT_PUBLISHED)
    wrong = []
    if kind not in TEMPLATES:
        raise Refused(f"The template is {kind!r}; it must be one of {', '.join(TEMPLATES)}.")
    stack_name = stack_name or STACK_NAMES[kind]
    if region not in product.REGIONS:
        wrong.append(f"The region is {region!r}; the platform serves {', '.join(product.REGIONS)}.")
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    if not re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", stack_name):
        wrong.append(f"The stack name is {stack_name!r}; it must be 1 to 128 letters, digits and -, a letter first.")
    opened, parameters = template(kind, prefix), parameters or {}
    wrong += problems(opened, parameters)
    # A rule is about values that are allowed each by itself.
    if not wrong:
        wrong += rules.forbidden(opened, parameters, region, entered=NOT_IN_A_LINK)
    if wrong:
        raise Refused("\n".join(wrong))
    query = {"templateURL": product.url(prefix, region, TEMPLATES[kind]), "stackName": stack_name}
    query |= {f"param_{name}": value for name, value in parameters.items()}
    return (
        f"https://{region}.console.aws.amazon.com/cloudformation/home?region={region}"
        f"#/stacks/create/review?{urlencode(query, quote_via=quote, safe='')}"
    )


def _is_no_echo(parameter):
    return str(parameter.get("NoEcho", False)).lower() == "true"


def _problems_of_the_value(name, parameter, value):
    values = [str(one) for one in parameter.get("AllowedValues", [])]
    if values and value not in values:
        yield f"{name} is {value!r}; it must be one of {', '.join(values)}."
    if parameter["Type"] == "Number":
        low, high = parameter.get("MinValue", 0), parameter.get("MaxValue", float("inf"))
        if not re.fullmatch(r"\d+", value) or not low <= int(value) <= high:
            yield f"{name} is {value!r}; it must be a number from {low} to {high}."
    if "AllowedPattern" in parameter:
        # CloudFormation matches each member of a list, without the spaces around it.
        members = [one.strip() for one in value.split(",")] if rules.is_list(parameter) else [value]
        if not all(re.fullmatch(parameter["AllowedPattern"], one) for one in members):
            constraint = parameter.get("ConstraintDescription", f"It must match {parameter['AllowedPattern']}")
            yield f"{name} is {value!r}. {' '.join(constraint.split())}"


def _parameters(text):
    """The parameters of a text such as `Name=Value Other='another value'`. Raises `Refused` for any other text."""
    parameters = {}
    try:
        given = shlex.split(text)
    except ValueError as error:
        raise Refused(f"The parameters cannot be read as a shell reads them: {error}.") from error
    for one in given:
        name, is_given, value = one.partition("=")
        if not is_given:
            raise Refused(f"The parameters have {one!r}; write Name=Value, separated by spaces.")
        if name in parameters:
            raise Refused(f"The parameters have {name} twice.")
        parameters[name] = value
    return parameters


def main(arguments=None):
    options = parser(
        "orchestera_release.link",
        __doc__,
        f"--bucket-prefix {OWN_PREFIX} --template native --parameters 'PolicyEdition=2026-02-06'",
    )
    options.add_argument("--template", default="flat", help=f"{', '.join(TEMPLATES)} (default: %(default)s)")
    options.add_argument("--region", default=product.REGIONS[0], help="where the stack is created (%(default)s)")
    options.add_argument(
        "--stack-name", metavar="NAME", help="name of the stack (default: orchestera-access, or as the template needs)"
    )
    options.add_argument(
        "--parameters", metavar="TEXT", default="", help="what the link presets: 'Name=Value Name=Value'"
    )
    product.add_bucket_prefix(options)
    given = options.parse_args(arguments)
    parameters, prefix = _parameters(given.parameters), given.bucket_prefix
    product.check_prefix(prefix)
    print(quick_create(given.template, given.region, given.stack_name, parameters, prefix))


if __name__ == "__main__":
    sys.exit(main())
