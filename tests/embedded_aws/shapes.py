"""The shape of an answer: its keys and the types of their values, beside those of moto's."""

import datetime

import boto3


def shape(value):
    """Keys and types; of a list, what its entries have together."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items() if key not in ("ResponseMetadata", "NextToken")}
    if isinstance(value, list):
        merged = {}
        for entry in map(shape, value):
            merged |= entry if isinstance(entry, dict) else {"": entry}
        return [merged]
    return datetime.datetime if isinstance(value, datetime.datetime) else type(value)


def motos(service):
    """A client of an AWS that moto plays inside this process."""
    dummies = {"aws_access_key_id": "dummy", "aws_secret_access_key": "dummy"}
    return boto3.client(service, region_name="us-east-1", **dummies)


def different(known, expected, found):
    """By operation, where the shapes of the answers are not those that are expected, beside what is known to differ."""
    assert set(found) == set(expected)
    wrong = {}
    for operation in expected:
        theirs, ours = (_without_what_is_known(known, operation, shape(said[operation])) for said in (expected, found))
        if theirs != ours:
            wrong[operation] = {"moto": theirs, "ours": ours}
    return wrong


def not_different(known, expected, found):
    """What is known to differ, and does not any more."""
    return {
        (operation, key)
        for operation, key in known
        if _shapes_of(key, expected[operation]) == _shapes_of(key, found[operation])
    }


def _shapes_of(key, answer):
    """The shapes of that key, at any depth."""
    if isinstance(answer, dict):
        inner = [one for value in answer.values() for one in _shapes_of(key, value)]
        return inner + ([shape(answer[key])] if key in answer else [])
    return [one for entry in answer for one in _shapes_of(key, entry)] if isinstance(answer, list) else []


def _without_what_is_known(known, operation, found):
    """Without the keys, at any depth, that are known to differ."""
    if isinstance(found, dict):
        return {
            key: _without_what_is_known(known, operation, one)
            for key, one in found.items()
            if (operation, key) not in known
        }
    return [_without_what_is_known(known, operation, one) for one in found] if isinstance(found, list) else found
