"""`make -C release launch`: from the artefacts to a verified role, by the launch link, on the emulated AWS.

Ends with 0 if every claim holds.

It publishes `dist/<version>/` as `make publish` does, creates the link as `make link` does, and calls CreateStack with
exactly what the link says, as CloudFormation's console does when you press "Create stack".
"""

import sys
from urllib.parse import parse_qsl, urlsplit

from orchestera_local import inventory, publisher
from orchestera_local.aws import EmbeddedAws
from orchestera_local.page import Page, end_with_the_terminal
from orchestera_local.run import CUSTOMER, who_may_assume
from orchestera_local.stack import Failed, Stack
from orchestera_release import link, product
from orchestera_release.command_line import parser

# What the customer ticks: "I acknowledge that AWS CloudFormation might create IAM resources."
ACKNOWLEDGED = ["CAPABILITY_IAM"]


def opened(address):
    """What the console reads from a link: the template's address, the stack's name and the parameters."""
    fields = dict(parse_qsl(urlsplit(address).fragment.partition("?")[2], keep_blank_values=True))
    parameters = {key.removeprefix("param_"): value for key, value in fields.items() if key.startswith("param_")}
    return fields["templateURL"], fields["stackName"], parameters


def launch(page, aws, prefix):
    page.scene(f"Publish {product.VERSION} to the buckets of account {publisher.ACCOUNT}")
    publisher.make_buckets(aws, prefix)
    publisher.publish_it(aws, page.say, prefix)

    page.scene("The link")
    address = link.quick_create(parameters={"PolicyEdition": "2026-02-06"}, prefix=prefix, is_emulated=True)
    template, name, parameters = opened(address)
    if link.is_published(prefix):
        page.say(address)
    else:
        # In a browser it would open the real AWS, with a template of whoever owns the bucket there.
        page.say("It is not shown, because no release is published. It holds:")
        page.say(f"template    {template.rpartition('/')[2]}")
        page.say(f"stack name  {name}")
        page.say("parameters  " + ", ".join(f"{key}={value}" for key, value in parameters.items()))

    customer = aws.account(CUSTOMER)
    before = inventory.of(customer)
    page.scene(f'Open it in account {CUSTOMER}, tick the acknowledgement, press "Create stack"')
    stack = Stack(customer, name, page.event, capabilities=ACKNOWLEDGED)
    outputs = stack.deploy(template, **parameters)
    page.say("Outputs, as the customer finds them:")
    for key, value in outputs.items():
        page.say(f"  {key:<15}{value}")
    page.claim("role, trust policy and policy were read back as configured", outputs["Verified"] == "true")
    page.claim("the edition is the one in the link", outputs["PolicyEdition"] == parameters["PolicyEdition"])

    page.scene("Who may assume the role")
    who_may_assume(page, aws, outputs)

    page.scene("Delete the stack")
    page.claim("it is deleted", stack.delete() == "DELETE_COMPLETE")
    page.claim("nothing is left in the account", inventory.of(customer) == before)


def main(arguments=None):
    options = parser("orchestera_local.launch", __doc__, "")
    product.add_bucket_prefix(options)
    prefix = options.parse_args(arguments).bucket_prefix
    page = Page()
    end_with_the_terminal()
    with EmbeddedAws() as aws:
        print(f"An AWS on loopback, {aws.endpoint}. Nothing leaves this machine.")
        try:
            launch(page, aws, prefix)
        except Failed as failure:
            page.claim(f"the stack is created: {failure}", False)
    return page.end()


if __name__ == "__main__":
    sys.exit(main())
