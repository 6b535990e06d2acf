"""HTTP/1.1 for the drills: requests from a chosen loopback address, on kept or on new connections."""

import http.client
import json
import time
import urllib.parse

# The time limit for an answer. No answer of bot-sso takes longer than 20 seconds.
PATIENCE = 25


class Unanswered(Exception):
    """The connection broke, or no answer came, so the sender does not know whether the request was processed."""


class Answer:
    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    def json(self):
        return json.loads(self.body)

    def text(self):
        return self.body.decode("utf-8", "replace")


class Wire:
    """Sends requests to one listener, one after the other. `source` is the loopback address that it sends from."""

    def __init__(self, base, source="127.0.0.1", keep=True):
        self.host = urllib.parse.urlsplit(base).netloc
        self.source, self.keep = source, keep
        self.connection = None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def request(self, method, target, headers=None, body=None):
        """Returns the answer, or raises `Unanswered`. Its `seconds` include the time for connecting."""
        begun = time.monotonic()
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, timeout=PATIENCE, source_address=(self.source, 0))
        try:
            self.connection.request(method, target, body, headers or {})
            response = self.connection.getresponse()
            answer = Answer(response.status, response.headers, response.read(), 0)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unanswered(f"{method} {target.split('?')[0]}: {error!r}") from error
        answer.seconds = time.monotonic() - begun
        if not self.keep:
            self.close()
        return answer

    def post_json(self, target, value, bearer):
        headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
        return self.request("POST", target, headers, json.dumps(value).encode())

    def post_form(self, target, fields, headers=None):
        headers = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.request("POST", target, headers, urllib.parse.urlencode(fields).encode())


def path_of(url):
    """The path and query of a URL."""
    parts = urllib.parse.urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
