"""For the tests in the browser: what the published templates say of their parameters, and what `make link` prints.

Reads a list of `[kind, {parameter: value}]` and writes `{"templates": ..., "links": [...]}`, both as JSON. It reads the
templates by itself, without what builds the page.
"""

import json
import logging
import sys

from samcli.yamlhelper import yaml_parse

from orchestera_release import link, product

logging.getLogger("samtranslator").setLevel(logging.ERROR)
templates = {name: yaml_parse((product.folder() / name).read_text())["Parameters"] for name in product.TEMPLATES}
# As link.quick_create reads it each time, but once.
read = {kind: link.template(kind, link.OWN_PREFIX) for kind in link.TEMPLATES}
link.template = lambda kind, _: read[kind]
links = [
    link.quick_create(kind, parameters=parameters, prefix=link.OWN_PREFIX) for kind, parameters in json.load(sys.stdin)
]
json.dump({"folder": str(product.folder()), "templates": templates, "links": links}, sys.stdout)
