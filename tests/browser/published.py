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
templates = {name: yaml_parse((product.folder() / name).read_text())["Parameters"] for name in product.ACCESS_TEMPLATES}
# As link.quick_create makes it each time, but once.
made = {kind: link.template(kind, product.BUCKET_PREFIX) for kind in link.TEMPLATES}
link.template = lambda kind, _: made[kind]
links = [link.quick_create(kind, parameters=parameters) for kind, parameters in json.load(sys.stdin)]
json.dump({"folder": str(product.folder()), "templates": templates, "links": links}, sys.stdout)
