"""A stack of this product's template, deployed by ordinary CloudFormation calls."""

import copy
import functools
import io
import json
import os
import time
import zipfile
from pathlib import Path

from samcli.yamlhelper import yaml_parse

from orchestera_local.aws import REGION
from orchestera_release.product import ACCESS_FUNCTION, ORGANIZATION_FUNCTION, ROOT, bootstrap
from orchestera_release.template_text import LONGEST

# Another one is for a test of what happens when nothing works.
TEMPLATE = Path(os.environ.get("ORCHESTERA_TEMPLATE") or ROOT / "template.yaml")
# The first as in samconfig.toml; the second is for the transform, which `sam deploy` applies by itself.
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
ORGANIZATION_TEMPLATE = ROOT / "organization.yaml"
FUNCTION = "AccessFunction"
# By their logical ids, what is built for them.
FUNCTIONS = {FUNCTION: ACCESS_FUNCTION, "OrganizationFunction": ORGANIZATION_FUNCTION}
ACCESS = "Access"
# Seconds between two looks at a stack's events.
PAUSE = 0.05
# Seconds after which an operation is said to hang. More than twice the template's ServiceTimeout: a function that does
# not answer is CloudFormation's to notice, for an event and for the one that undoes it.
LONGEST_OPERATION = 900


@functools.cache
def code(function=ACCESS_FUNCTION):
    """A function's zip, as Lambda wants it: `bootstrap` at the top, executable."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100755 << 16
        archive.writestr(entry, bootstrap(function).read_bytes())
    return content.getvalue()


def template():
    """`template.yaml` as a value, its short forms (`!Ref`) written out."""
    return yaml_parse(TEMPLATE.read_text())


def organization_template():
    """`organization.yaml` as a value."""
    return yaml_parse(ORGANIZATION_TEMPLATE.read_text())


class Failed(Exception):
    """A stack operation that did not end as wanted; its text is the stack's status and every reason given."""


class Stack:
    """One stack. Every operation waits for its end, calls `on_event` with each event, and returns the status.

    A template is a value like `template()`, whose code is packaged; a text that is deployed as it is; or its address.
    """

    def __init__(self, account, name="orchestera-access", on_event=lambda event: None, capabilities=CAPABILITIES):
        self.account, self.name, self.on_event, self.capabilities = account, name, on_event, capabilities
        self.cloudformation = account.client("cloudformation")
        self.id = None
        self.seen = set()

    def create(self, template, /, **parameters):
        self.id = self.cloudformation.create_stack(**self._request(template, parameters))["StackId"]
        return self._watch()

    def update(self, template, /, **parameters):
        self.cloudformation.update_stack(**self._request(template, parameters))
        return self._watch()

    def delete(self):
        self.cloudformation.delete_stack(StackName=self.id)
        return self._watch()

    def deploy(self, template, /, **parameters):
        """Creates or updates. Raises `Failed` if the stack is not complete then."""
        status = (self.update if self.id else self.create)(template, **parameters)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise Failed(f"{self.name} is {status}: " + "; ".join(self.reasons()))
        return self.outputs()

    def outputs(self):
        return {output["OutputKey"]: output["OutputValue"] for output in self._describe().get("Outputs", [])}

    def resource(self, logical_id):
        """The physical id."""
        return self.cloudformation.describe_stack_resource(StackName=self.id, LogicalResourceId=logical_id)[
            "StackResourceDetail"
        ]["PhysicalResourceId"]

    def events(self):
        """The oldest first."""
        return self.cloudformation.describe_stack_events(StackName=self.id)["StackEvents"][::-1]

    def reasons(self):
        """Why something failed."""
        return [
            event["ResourceStatusReason"]
            for event in self.events()
            if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
        ]

    def _request(self, template, parameters):
        if not isinstance(template, str):
            template = json.dumps(packaged(template, self.account))
        if len(template.encode()) > LONGEST:
            template = address(self.account, uploaded(self.account, f"{self.name}.yaml", template.encode()))
        return {
            "StackName": self.name,
            ("TemplateURL" if template.startswith("https://") else "TemplateBody"): template,
            "Parameters": [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
            "Capabilities": list(self.capabilities),
        }

    def _describe(self):
        return self.cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]

    def _watch(self):
        ends = time.monotonic() + LONGEST_OPERATION
        while True:
            # The status before the events, so that the last of them are not missed.
            status = self._describe()["StackStatus"]
            for event in self.events():
                if event["EventId"] not in self.seen:
                    self.seen.add(event["EventId"])
                    self.on_event(event)
            if not status.endswith("IN_PROGRESS"):
                return status
            if time.monotonic() > ends:
                raise Failed(
                    f"{self.name} is still {status} after {LONGEST_OPERATION} seconds: " + "; ".join(self.reasons())
                )
            time.sleep(PAUSE)


def packaged(template, account):
    """What `sam package` does: code and nested templates into a bucket of the account, their places in the template."""
    packaged = copy.deepcopy(template)
    for logical_id, resource in packaged["Resources"].items():
        properties = resource.get("Properties", {})
        if function := FUNCTIONS.get(logical_id):
            key = uploaded(account, function.code, code(function))
            properties["CodeUri"] = {"Bucket": bucket_of(account), "Key": key}
        elif resource["Type"] == "AWS::CloudFormation::Stack" and not is_address(properties["TemplateURL"]):
            nested = packaged_file(ROOT / properties["TemplateURL"], account)
            key = uploaded(account, properties["TemplateURL"], nested)
            properties["TemplateURL"] = address(account, key)
    return packaged


def packaged_file(path, account):
    return json.dumps(packaged(yaml_parse(path.read_text()), account)).encode()


def is_address(text):
    return str(text).startswith("https://")


def address(account, key):
    return f"https://{bucket_of(account)}.s3.{REGION}.amazonaws.com/{key}"


def bucket_of(account):
    return f"code-of-{account.id}"


def uploaded(account, key, content):
    s3 = account.client("s3")
    s3.create_bucket(Bucket=bucket_of(account))
    s3.put_object(Bucket=bucket_of(account), Key=key, Body=content)
    return key
