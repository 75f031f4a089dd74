"""An organization that creates accounts, and how a test follows a creation."""

import itertools

# No two tests may create an account with the same address.
_numbers = itertools.count(1)


def new_email():
    return f"account{next(_numbers)}@creating.example.com"


class Creator:
    """The management account's client of Organizations, and what is asked most of it."""

    def __init__(self, management):
        self.management, self.client = management, management.client("organizations")

    def create(self, email=None, name="Created", **others):
        """Returns the id of the request."""
        request = {"Email": email or new_email(), "AccountName": name, **others}
        return self.client.create_account(**request)["CreateAccountStatus"]["Id"]

    def status(self, request):
        return self.client.describe_create_account_status(CreateAccountRequestId=request)["CreateAccountStatus"]

    def created(self, **request):
        """The id of an account that was created at once."""
        return self.status(self.create(**request))["AccountId"]

    def accounts(self):
        """All accounts, by id, over all pages."""
        pages = self.client.get_paginator("list_accounts").paginate()
        return {account["Id"]: account for page in pages for account in page["Accounts"]}
