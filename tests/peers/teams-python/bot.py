"""A bot as the samples of the Teams SDK for Python build it (2.1, the SDK is unmodified): an App with its default
connection, which signs in with `sign_in()` and is notified by the event.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

from aiohttp import web
from microsoft_teams.api import MessageActivity
from microsoft_teams.api.auth.cloud_environment import PUBLIC
from microsoft_teams.apps import ActivityContext, App, ErrorEvent, SignInEvent

sys.path.insert(1, str(Path(__file__).parents[1]))
from bot_common import CONNECTION, act_as_user, note_activity, report_error, serve  # noqa: E402  pylint: disable=wrong-import-position

# The bot trusts the stage's tokens instead of the public cloud's.
cloud = replace(
    PUBLIC,
    openid_metadata_url=os.environ["ToBotFromChannelOpenIdMetadataUrl"],
    token_issuer=os.environ["ToBotFromChannelTokenIssuer"],
)


class Adapter:
    """Gives the SDK the HTTP server that all test bots share."""

    def __init__(self):
        self.handle_messages = None

    def register_route(self, _method, _path, handler):
        self.handle_messages = handler

    def serve_static(self, path, directory):
        """The bot has no static files."""

    async def start(self, port):
        """The server is already running."""

    async def stop(self):
        """The server ends with the program."""


adapter = Adapter()
app = App(cloud=cloud, http_server_adapter=adapter, default_connection_name=CONNECTION)


async def say_who(ctx, token):
    activity = ctx.activity
    cause = getattr(activity, "name", None) or activity.type
    await ctx.send(await act_as_user(cause, activity.conversation.id, activity.from_.id, token))


@app.on_message
async def on_message(ctx: ActivityContext[MessageActivity]):
    token = await ctx.sign_in()
    if token:
        await say_who(ctx, token)


@app.event("sign_in")
async def on_sign_in(event: SignInEvent):
    await say_who(event.activity_ctx, event.token_response.token)


@app.event("error")
async def on_error(event: ErrorEvent):
    report_error("app", event.error)


async def messages(request):
    if adapter.handle_messages is None:
        await app.initialize()
    body = await request.json()
    note_activity(body["type"], body.get("name"))
    answer = await adapter.handle_messages({"body": body, "headers": dict(request.headers)})
    if answer["body"] is None:
        return web.Response(status=answer["status"])
    return web.json_response(answer["body"], status=answer["status"])


serve(messages)
