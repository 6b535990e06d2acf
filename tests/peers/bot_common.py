"""What the bots on the SDKs for Python have in common: an HTTP server with the endpoint for messages and one for what happened so
far, and lines on standard output, one JSON object each and never a token. The same as bot.mjs does.
"""

import asyncio
import logging
import os

import aiohttp
from aiohttp import web

from steps import MAX_MESSAGE_CHARACTERS, show

CONNECTION = os.environ["CONNECTION_NAME"]

# What happened so far, for `GET /state`.
seen = {"continued": 0, "noToken": 0, "errors": 0, "activities": [], "continuations": []}


def report_error(where, problem):
    seen["errors"] += 1
    show({"event": "error", "where": where, "kind": type(problem).__name__, "message": str(problem)[:MAX_MESSAGE_CHARACTERS]})


def note_activity(kind, name):
    seen["activities"].append({"type": kind, "name": name} if name else {"type": kind})
    show({"event": "activity", "type": kind, "name": name})


async def act_as_user(cause, conversation, user, token):
    """Acts as the user: who the token says that is, by the same call a bot would make at Microsoft Graph. Returns what to say."""
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
    """Says so only when callers can connect."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ.get("PORT", "0"))).start()
    show({"event": "listening", "port": runner.addresses[0][1]})
    await asyncio.Event().wait()


def serve(handle):
    """Serves on `PORT` of 127.0.0.1; `handle` gets what an SDK's adapter takes."""
    logging.disable()
    app = web.Application()
    app.router.add_get("/state", state)
    app.router.add_post("/api/messages", handle)
    asyncio.run(listen(app))
