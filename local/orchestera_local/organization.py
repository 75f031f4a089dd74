"""An organisation of accounts, made by ordinary calls of its management account."""

# https://docs.aws.amazon.com/organizations/latest/userguide/services-that-can-integrate-cloudformation.html
STACK_SETS = "member.org.stacksets.cloudformation.amazonaws.com"


class Organization:
    """Ready for StackSets: trusted access is active."""

    def __init__(self, management):
        self.management, self.client = management, management.client("organizations")
        self.id = self.client.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        (root,) = self.client.list_roots()["Roots"]
        self.root = root["Id"]
        management.client("cloudformation").activate_organizations_access()

    def unit(self, name, parent=None):
        """Makes an organisational unit. Returns its id."""
        made = self.client.create_organizational_unit(ParentId=parent or self.root, Name=name)
        return made["OrganizationalUnit"]["Id"]

    def join(self, account, unit=None):
        """An account that was there before: invited, accepted, and moved to a unit."""
        invitation = self.client.invite_account_to_organization(Target={"Id": account.id, "Type": "ACCOUNT"})
        account.client("organizations").accept_handshake(HandshakeId=invitation["Handshake"]["Id"])
        if unit not in (None, self.root):
            self.move(account, unit)

    def move(self, account, unit):
        (parent,) = self.client.list_parents(ChildId=account.id)["Parents"]
        self.client.move_account(AccountId=account.id, SourceParentId=parent["Id"], DestinationParentId=unit)

    def leave(self, account):
        self.client.remove_account_from_organization(AccountId=account.id)

    def delegate(self, account):
        """Makes it a delegated administrator of StackSets."""
        self.client.register_delegated_administrator(AccountId=account.id, ServicePrincipal=STACK_SETS)
