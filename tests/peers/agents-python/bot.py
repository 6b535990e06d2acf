"""An agent as the samples of the Microsoft 365 Agents SDK for Python build it (1.9, the SDK is unmodified): CloudAdapter, AgentApplication with
an authorization handler, and a route that needs it. The agent does not authenticate its callers, because the SDK's own check accepts only
Microsoft's keys.
"""

import os
import sys
from pathlib import Path

from microsoft_agents.activity import ActivityTypes
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.aiohttp import CloudAdapter
from microsoft_agents.hosting.core import (
    AgentApplication,
    AgentAuthConfiguration,
    AuthHandler,
    AuthTypes,
    Authorization,
    ClaimsIdentity,
    MemoryStorage,
    TurnState,
)

sys.path.insert(1, str(Path(__file__).parents[1]))
from bot_common import CONNECTION, act_as_user, note_activity, report_error, serve  # noqa: E402  pylint: disable=wrong-import-position

HANDLER = "graph"
APP_ID = os.environ["BOT_APP_ID"]

service_connection = AgentAuthConfiguration(
    auth_type=AuthTypes.user_managed_identity, client_id=APP_ID, tenant_id=os.environ["TENANT_ID"]
)
connections = MsalConnectionManager(connections_configurations={"SERVICE_CONNECTION": service_connection})
options = {"token_service_endpoint": os.environ["TOKEN_SERVICE"]}
adapter = CloudAdapter(connection_manager=connections, channel_service_client_factory_options=options)
storage = MemoryStorage()
handlers = {HANDLER: AuthHandler(name=HANDLER, title="Sign in", text="Please sign in", abs_oauth_connection_name=CONNECTION)}
authorization = Authorization(storage, connections, auth_handlers=handlers)
app = AgentApplication[TurnState](storage=storage, adapter=adapter, authorization=authorization)


@app.activity(ActivityTypes.message, auth_handlers=[HANDLER])
async def on_message(context, _):
    activity = context.activity
    answer = await app.auth.get_token(context, HANDLER)
    cause = activity.name or activity.type
    said = await act_as_user(cause, activity.conversation.id, activity.from_property.id, answer and answer.token)
    await context.send_activity(said)


@app.error
async def on_error(context, problem):
    report_error("turn", problem)
    await context.send_activity("The bot encountered an error.")


async def messages(request):
    body = await request.json()
    note_activity(body["type"], body.get("name"))
    request["claims_identity"] = ClaimsIdentity({"aud": APP_ID, "appid": APP_ID}, "Bearer")
    return await adapter.process(request, app)


serve(messages)
