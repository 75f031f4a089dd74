"""What no report may contain: the external id, credentials, and the ResponseURL, by which anyone answers a request."""

import re

HIDDEN = "(not shown)"
# Of a length that no other text has by chance.
SHORTEST = 8
PATTERNS = (
    # Access keys. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"),
    # Presigned addresses, such as a ResponseURL.
    re.compile(r"https?://[^\s\"']*(?:X-Amz-|Signature=|custom-resource-response)[^\s\"']*", re.IGNORECASE),
)


class Secrets:
    """The values that are known to be secret in this run."""

    def __init__(self):
        self.values = set()

    def add(self, *values):
        self.values |= {value for value in values if value and len(value) >= SHORTEST}

    def add_credentials(self, session):
        credentials = session.get_credentials()
        if credentials:
            frozen = credentials.get_frozen_credentials()
            self.add(frozen.access_key, frozen.secret_key, frozen.token)

    def hide(self, value):
        """The value without any secret: texts, and lists and objects of them, their keys included."""
        if isinstance(value, dict):
            return {self.hide(key): self.hide(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.hide(one) for one in value]
        if not isinstance(value, str):
            return value
        # The longest first: one may be part of another.
        for secret in sorted(self.values, key=len, reverse=True):
            value = value.replace(secret, HIDDEN)
        for pattern in PATTERNS:
            value = pattern.sub(HIDDEN, value)
        return value
