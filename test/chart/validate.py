"""Reads a JSON list of [name, object] on standard input; prints a JSON list of [name, problem] for those that Kubernetes
would not take, unknown fields included."""

import json
import sys

import kubernetes_validate

problems = []
for name, value in json.load(sys.stdin):
    try:
        kubernetes_validate.validate(value, "1.37", strict=True)
    except Exception as error:  # each kind of refusal is a finding
        problems.append([name, str(error)])
json.dump(problems, sys.stdout)
