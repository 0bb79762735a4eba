"""The suite's client of the shop. It sends the headers that tie what the services log to the running test."""
import json
import urllib.error
import urllib.request
import uuid

import pytest
from telltale.config import ConfigManager

GOOD_CARD = "4111111111111111"
DECLINED_CARD = "4000000000000002"


class Answer:
    def __init__(self, status, body):
        self.status, self.body = status, body


class Shop:
    def __init__(self, url, headers):
        self._url, self._headers = url, headers

    def order(self, item="lamp", count=1, customer="alice", currency="EUR", card=GOOD_CARD):
        return self.ask("POST", "/orders", {"item": item, "count": count, "customer": customer, "currency": currency, "card": card})

    def get(self, path):
        return self.ask("GET", path)

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._url + path, data, {"content-type": "application/json", **self._headers}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return Answer(answer.status, json.load(answer))
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, json.load(refused))


@pytest.fixture(scope="session")
def environment(pytestconfig):
    """What config/environments.yaml says of the environment of --env."""
    return ConfigManager(pytestconfig.getoption("--env"))


@pytest.fixture
def shop(environment, telltale_headers):
    return Shop(environment.get("extra.shop_url"), telltale_headers)


@pytest.fixture
def customer():
    """One that no other test has."""
    return f"customer-{uuid.uuid4().hex[:8]}"
