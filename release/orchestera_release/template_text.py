"""A template as a value that keeps its comments and short forms (`!Ref`), and its text."""

import io
import json

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

# What CloudFormation takes as the body of a request, and from a bucket.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
LONGEST = 51200
LONGEST_IN_BUCKET = 1_000_000


def read(path):
    """A template with its comments and short forms (`!Ref`), to be changed and written again."""
    return _yaml().load(path.read_text())


def text(template, longest=None):
    """As YAML. Raises `ValueError` if it is longer: by default, too long to be passed as a body."""
    longest = longest or LONGEST
    out = io.StringIO()
    _yaml().dump(template, out)
    # What precedes the first key is about how the source is filled in.
    content = out.getvalue()
    content = content[content.index("AWSTemplateFormatVersion") :]
    if len(content.encode()) > longest:
        raise ValueError(f"the template has {len(content.encode())} bytes; CloudFormation takes {longest}")
    return content


def block(value):
    """A plain value in YAML's block style, its intrinsic functions written out."""
    plain = YAML(typ="safe", pure=True)
    plain.default_flow_style, plain.width = False, 1000
    plain.sort_base_mapping_type_on_output = False
    out = io.StringIO()
    # By way of JSON, because the transform leaves types that YAML has names for.
    plain.dump(json.loads(json.dumps(value)), out)
    return _yaml().load(out.getvalue())


def last(node):
    """The innermost mapping at the end of a node, and its last key."""
    key = list(node)[-1]
    return last(node[key]) if isinstance(node[key], CommentedMap) else (node, key)


def _yaml():
    yaml = YAML()
    yaml.preserve_quotes = True
    # Lines stay as they were broken.
    yaml.width = 1000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
