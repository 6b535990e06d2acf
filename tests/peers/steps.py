"""The calls that every Token Service client on Python makes. Prints one JSON object a line with the result of each call. README.md lists the
environment. Prints whether there is a token or a sign-in link, never the value.
"""

import json
import os
import re
from datetime import datetime
from urllib.parse import urlsplit

MAX_MESSAGE_CHARACTERS = 400
TOKEN_SHAPE = re.compile(r"eyJ[\w-]+(\.[\w-]*)*")


def show(line):
    print(TOKEN_SHAPE.sub("[token]", json.dumps(line)), flush=True)


class Settings:
    """The settings of the calls."""

    def __init__(self):
        self.url = os.environ["TOKEN_SERVICE"]
        self.app_id = os.environ["BOT_APP_ID"]
        self.tenant_id = os.environ["TENANT_ID"]
        self.connection = os.environ["CONNECTION_NAME"]
        self.resource = os.environ["RESOURCE_URL"]
        # A message of the user who signs in, and a token of that user for the exchange.
        self.activity = json.loads(os.environ["ACTIVITY"])
        self.token = os.environ["EXCHANGEABLE_TOKEN"]
        # A message and a token of a user who has not consented.
        self.refused_activity = json.loads(os.environ["REFUSED_ACTIVITY"])
        self.refused_token = os.environ["REFUSED_TOKEN"]

        # The token of an agent user, if the client is that of an agent.
        self.agent_token = os.environ.get("AGENT_TOKEN")

    @property
    def channel(self):
        return self.activity["channelId"]


def is_time(text):
    try:
        datetime.fromisoformat(str(text))
        return True
    except ValueError:
        return False


def token_answer(answer):
    """An SDK's answer to a request for a token."""
    token = getattr(answer, "token", None)
    return {
        "answered": "nothing" if answer is None else type(answer).__name__,
        "hasToken": isinstance(token, str) and len(token) > 0,
        "connection": getattr(answer, "connection_name", None),
        "expires": is_time(getattr(answer, "expiration", None)),
    }


def status_answer(statuses):
    return {"connections": {entry.connection_name: bool(entry.has_token) for entry in statuses}}


def resource_answer(resource):
    link = urlsplit(resource.sign_in_link)
    exchange = resource.token_exchange_resource
    return {
        "link": f"{link.scheme}://{link.netloc}{link.path}",
        "exchangeId": len(exchange.id) if exchange else 0,
        "exchangeUri": exchange.uri if exchange else None,
    }


def link_answer(service, link):
    """Whether the answer is a bare link, without quotes, to the sign-in page of this service."""
    pattern = re.escape(f"{service}/api/oauth/signin?signin=") + "[0-9a-f]{32}"
    return {"isSignInLink": isinstance(link, str) and re.fullmatch(pattern, link) is not None}


def aad_answer(tokens):
    return {"tokens": {url: token_answer(answer)["hasToken"] for url, answer in tokens.items()}}


def refusal_answer(answer):
    """The SDK's answer to a refused exchange."""
    error = getattr(answer, "error", None)
    return {**token_answer(answer), "kind": type(answer).__name__, "code": getattr(error, "code", None)}


def problem(error):
    """Describes what a bot author sees of a refusal that is an exception."""
    response = getattr(error, "response", None)
    status = getattr(error, "status", None) or getattr(response, "status_code", None)
    return {"raised": type(error).__name__, "status": status, "message": str(error)[:MAX_MESSAGE_CHARACTERS]}


async def step(name, call, describe):
    try:
        show({"step": name, **describe(await call)})
    except Exception as error:  # pylint: disable=broad-exception-caught
        show({"step": name, **problem(error)})


async def run_steps(client, settings):
    """Makes the calls with an SDK's client: `status`, `token`, `resource`, `link`, `exchange`, `aad_tokens` and `sign_out`."""
    user, refused_user = settings.activity["from"]["id"], settings.refused_activity["from"]["id"]
    await step("status", client.status(user), status_answer)
    await step("token", client.token(user), token_answer)
    await step("resource", client.resource(settings.activity), resource_answer)
    await step("sign_in_url", client.link(settings.activity), lambda link: link_answer(settings.url, link))
    await step("exchange", client.exchange(user, settings.token), token_answer)
    await step("token_there", client.token(user), token_answer)
    await step("status_there", client.status(user), status_answer)
    await step("aad_tokens", client.aad_tokens(user), aad_answer)
    await step("sign_out", client.sign_out(user), lambda _: {"done": True})
    await step("token_gone", client.token(user), token_answer)
    await step("refused_resource", client.resource(settings.refused_activity), resource_answer)
    await step("refused", client.exchange(refused_user, settings.refused_token), refusal_answer)
