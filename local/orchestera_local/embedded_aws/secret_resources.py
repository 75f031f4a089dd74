"""A secret of a template: what is generated for it, and what it is called.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
"""

import json

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.secretsmanager as secrets_service

TYPE = "AWS::SecretsManager::Secret"
NUMBERS = ("PasswordLength",)
# What else of GenerateSecretString is no setting of GetRandomPassword.
OF_THE_TEXT = ("SecretStringTemplate", "GenerateStringKey")
TEXTS = ("ExcludeCharacters",)


def repair():
    provisioners._sm_secret_string = _secret_string
    handlers = provisioners._RESOURCE_HANDLERS[TYPE]
    create = handlers["create"]
    handlers["create"] = lambda *arguments: _called_by_its_arn(*create(*arguments))
    for operation in ("update", "delete"):
        handlers[operation] = _found_by_its_arn(handlers[operation])


def _secret_string(properties):
    """By the rules of GetRandomPassword, of which MiniStack knew none: a class of characters could be missing."""
    rules = properties.get("GenerateSecretString")
    if properties.get("SecretString") or not rules:
        return properties.get("SecretString", "")
    request = {name: value if name in TEXTS else _value(name, value) for name, value in rules.items()}
    status, _, body = secrets_service._get_random_password(
        {name: value for name, value in request.items() if name not in OF_THE_TEXT}
    )
    answer = json.loads(body)
    if status >= 400:
        raise RuntimeError(f"{answer.get('message') or answer.get('Message')} (Service: SecretsManager)")
    password = answer["RandomPassword"]
    if "SecretStringTemplate" not in rules:
        return password
    return json.dumps(json.loads(rules["SecretStringTemplate"]) | {rules["GenerateStringKey"]: password})


def _value(name, value):
    """From a template, a number or a truth may come as a text."""
    if name in OF_THE_TEXT:
        return value
    return int(value) if name in NUMBERS else str(value).lower() == "true"


def _called_by_its_arn(name, attributes):
    """`Ref` is the ARN, and not the name."""
    return attributes["Id"], attributes


def _found_by_its_arn(handle):
    def repaired(arn, *others, **named):
        names = [name for name, secret in secrets_service._secrets.items() if arn in (name, secret["ARN"])]
        answer = handle(*(names or [arn])[:1], *others, **named)
        return answer and _called_by_its_arn(*answer)

    return repaired
