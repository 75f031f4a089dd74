"""Templates and code that lie in a bucket of this or another account, as published ones do.

TemplateURL: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
Addresses of objects: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
Code: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCode.html
"""

import re
import urllib.parse

import ministack.services.cloudformation.helpers as helpers
import ministack.services.lambda_svc as lambda_service
import ministack.services.s3 as s3
from ministack.core.responses import get_account_id, get_region, request_scope

SERVICE = r"s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?"
VIRTUAL_HOST = re.compile(rf"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.{SERVICE}")
PATH_STYLE = re.compile(SERVICE)


def repair():
    helpers._resolve_document = _at_addresses_of_s3(helpers._resolve_document)
    lambda_service._fetch_code_from_s3 = _fetch_code


def _at_addresses_of_s3(resolve):
    """MiniStack takes the first part of every path for the bucket, and looks only in the account of the caller."""

    def repaired(parameters, body_key, url_key, label):
        url = urllib.parse.urlsplit(helpers._p(parameters, url_key))
        place = _place(url)
        if helpers._p(parameters, body_key) or not place:
            return resolve(parameters, body_key, url_key, label)
        version = urllib.parse.parse_qs(url.query).get("versionId", [None])[0]
        content, problem = _object(*place, version)
        if problem:
            return None, helpers._error("ValidationError", f"S3 error: {problem}")
        if len(content) > helpers.TEMPLATE_URL_MAX_BYTES:
            message = f"Template may not exceed {helpers.TEMPLATE_URL_MAX_BYTES} bytes in size."
            return None, helpers._error("ValidationError", message)
        return content.decode(), None

    return repaired


def _place(url):
    """Bucket and key, or None if it is no address of S3."""
    path = urllib.parse.unquote(url.path.lstrip("/"))
    host = url.hostname or ""
    if match := VIRTUAL_HOST.fullmatch(host):
        return match["bucket"], path
    if PATH_STYLE.fullmatch(host) and "/" in path:
        return tuple(path.split("/", 1))
    return None


def _fetch_code(bucket, key, version_id=None):
    """MiniStack makes a function without code if there is none."""
    content, problem = _object(bucket, key, version_id)
    if problem:
        code = "AccessDenied" if problem == DENIED else "NoSuchKey"
        raise ValueError(f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {problem}")
    return content


DENIED = "Access Denied"


def _object(bucket, key, version_id):
    """Its content, or S3's words about it. A bucket of another account has to let this one in."""
    owner, account = s3._bucket_owner_account(bucket), get_account_id()
    if owner is None:
        return None, "The specified bucket does not exist"
    if owner != account and not s3._foreign_bucket_allows(owner, bucket, key, "GET", {}, account):
        return None, DENIED
    with request_scope(owner, get_region()):
        content = s3._get_object_data(bucket, key, version_id=version_id)
    return content, "" if content is not None else "The specified key does not exist."
