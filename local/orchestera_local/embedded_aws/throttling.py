"""Refusals as of an IAM that is called too often: on demand, and the same ones in every run.

Every so many calls of a session are refused, so that nobody waits for good: who repeats a refused call gets through.
Where the count begins differs from session to session: with many of them, each call of a function is refused somewhere.
"""

import collections
import itertools
import logging
import urllib.parse

import ministack.app
import ministack.services.iam as iam
from ministack.core.router import extract_access_key_id

# How the access key of a temporary session begins, and that is what a function has. Who looks on, as a root user or
# another with a key of its own, is not refused.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
TEMPORARY = "ASIA"

logger = logging.getLogger("throttling")


def begin(every):
    handlers = ministack.app.SERVICE_HANDLERS
    handlers["iam"] = _refusing(handlers["iam"], every)


def _refusing(handle, every):
    calls = collections.defaultdict(lambda: itertools.count(1))

    async def refusing(method, path, headers, body, parameters):
        key = extract_access_key_id(headers, parameters)
        # The key of a function is made of its ARN: hexadecimal behind the first four, the same in every run.
        if key.startswith(TEMPORARY) and (int(key[-8:], 36) + next(calls[key])) % every == 0:
            (action,) = urllib.parse.parse_qs(body.decode())["Action"]
            logger.info("refused %s", action)
            # Code and status: botocore/data/_retry.json, "throttling".
            return iam._error(400, "Throttling", "Rate exceeded", ns="iam")
        return await handle(method, path, headers, body, parameters)

    return refusing
