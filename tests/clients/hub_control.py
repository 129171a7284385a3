"""The test Hub's controls, see tests/hub/control_api.h."""

import json
import os
import urllib.parse
import urllib.request

ENDPOINT = os.environ["HF_ENDPOINT"]


def _call(method, verb, body=None, **query):
    url = f"{ENDPOINT}/__test__/{verb}?{urllib.parse.urlencode(query)}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def get(verb, **query):
    return _call("GET", verb, **query)


def post(verb, **body):
    return _call("POST", verb, body)


def reset():
    """Forgets requests and faults and gives fresh quotas."""
    _call("DELETE", "requests")
    _call("DELETE", "faults")
    post("settings", page_size=1000, rate={})
