"""Who runs the proof, in which account, and every call that is made, with its request id."""

import datetime
import os
import shlex
import urllib.parse

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from orchestera_release.product import Refused

# A call that is only repeated while something is waited for. The last one of a row is kept.
WAITS = {"DescribeStacks", "DescribeStackEvents"}
# Seconds, and attempts. The clean-up must not hang on a network that is gone.
CONFIG = {"connect_timeout": 10, "read_timeout": 60, "retries": {"mode": "standard", "total_max_attempts": 5}}


class Calls:
    """Each call as it was answered. Not what was asked: that may hold a secret."""

    def __init__(self):
        # What they are made for.
        self.step = ""
        self.answered = []

    def add(self, http_response, parsed, model, **_):
        metadata = parsed.get("ResponseMetadata", {})
        call = {
            "step": self.step,
            "at": now(),
            "call": f"{model.service_model.service_name}:{model.name}",
            "request id": metadata.get("RequestId", ""),
            "status": metadata.get("HTTPStatusCode", http_response.status_code),
            "error": parsed.get("Error", {}).get("Code", ""),
        }
        if model.name in WAITS and self.answered and self.answered[-1]["call"].split(":")[1] in WAITS:
            # Those of one wait: the last of each operation.
            self.answered[-2:] = [one for one in self.answered[-2:] if one["call"] != call["call"]]
        self.answered.append(call)


class Caller:
    """A profile's session."""

    def __init__(self, profile, region, calls):
        self.profile, self.region, self._clients = profile, region, {}
        try:
            # With a profile by name, boto3 ignores AWS_ACCESS_KEY_ID and the like.
            self.session = boto3.Session(profile_name=profile, region_name=region)
        except BotoCoreError as error:
            raise Refused(f"The profile {profile} cannot be used: {error}.") from error
        self.session.events.register("after-call", calls.add)
        self.account = self.arn = self.partition = None

    def identify(self):
        """Raises `Refused` if AWS does not accept the credentials."""
        try:
            identity = self.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise Refused(
                f"AWS does not accept the profile {self.profile}: {error}. If the profile signs in by IAM Identity "
                f"Center, sign in first: aws sso login --profile {shlex.quote(self.profile)}"
            ) from error
        self.account, self.arn = identity["Account"], identity["Arn"]
        self.partition = self.arn.split(":")[1]
        return self

    def client(self, service):
        if service not in self._clients:
            # An endpoint of one's own has no name for each bucket.
            style = "path" if os.environ.get("AWS_ENDPOINT_URL") else "virtual"
            config = Config(**CONFIG, s3={"addressing_style": style})
            self._clients[service] = self.session.client(service, config=config)
        return self._clients[service]

    def every(self, service, operation, key, **request):
        """All pages."""
        pages = self.client(service).get_paginator(operation).paginate(**request)
        return [one for page in pages for one in page.get(key, [])]

    @property
    def endpoint(self):
        """Of another AWS than the real one; None for the real one."""
        url = self.client("sts").meta.endpoint_url
        return None if urllib.parse.urlsplit(url).hostname.endswith(".amazonaws.com") else url

    def command(self, *words):
        """The AWS CLI's command, with this profile and region, to be pasted into a shell."""
        return shlex.join(["aws", *words, "--profile", self.profile, "--region", self.region])


def now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def code_of(error):
    """AWS's code for a refused call."""
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else type(error).__name__
