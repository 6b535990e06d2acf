"""The shared part of the bots on the Python SDKs: an HTTP server with an endpoint for messages and one for the state so far. Prints one JSON
object a line and never a token. bot.mjs does the same for Node.
"""

import asyncio
import logging
import os

import aiohttp
from aiohttp import web

from steps import MAX_MESSAGE_CHARACTERS, show

CONNECTION = os.environ["CONNECTION_NAME"]

# The state so far, for `GET /state`.
seen = {"continued": 0, "noToken": 0, "errors": 0, "activities": [], "continuations": []}


def report_error(where, problem):
    seen["errors"] += 1
    show({"event": "error", "where": where, "kind": type(problem).__name__, "message": str(problem)[:MAX_MESSAGE_CHARACTERS]})


def note_activity(kind, name):
    seen["activities"].append({"type": kind, "name": name} if name else {"type": kind})
    show({"event": "activity", "type": kind, "name": name})


async def act_as_user(cause, conversation, user, token):
    """Acts as the user: asks the graph which user the token belongs to, as a bot would. Returns the text that the bot says."""
    if not token:
        seen["noToken"] += 1
        show({"event": "no_token", "user": user})
        return "no token"
    headers = {"authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(os.environ["GRAPH_URL"], headers=headers) as answer:
        answer.raise_for_status()
        name = (await answer.json())["displayName"]
    seen["continued"] += 1
    what = {"count": seen["continued"], "displayName": name, "cause": cause, "conversation": conversation, "user": user}
    seen["continuations"].append(what)
    show({"event": "continued", **what})
    return f"Signed in as {name} (#{seen['continued']})"


async def state(_):
    return web.json_response(seen)


async def listen(app):
    """Prints the port only when callers can connect."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ.get("PORT", "0"))).start()
    show({"event": "listening", "port": runner.addresses[0][1]})
    await asyncio.Event().wait()


def serve(handle):
    """Serves on `PORT` of 127.0.0.1. `handle` takes the arguments of an SDK's adapter."""
    logging.disable()
    app = web.Application()
    app.router.add_get("/state", state)
    app.router.add_post("/api/messages", handle)
    asyncio.run(listen(app))
