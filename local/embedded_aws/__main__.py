"""`python -m embedded_aws`: serve, until a signal. Settings are MiniStack's environment variables; see `aws.py`."""

import ministack.app

from . import authorization, custom_resources, iam_rules

if __name__ == "__main__":
    authorization.repair()
    iam_rules.repair()
    ministack.app.app = custom_resources.repair(ministack.app.app)
    ministack.app.main()
