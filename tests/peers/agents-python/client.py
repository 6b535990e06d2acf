"""The Token Service client of the Microsoft 365 Agents SDK for Python, unmodified, as its CloudAdapter makes it for a turn: the
factory's option `token_service_endpoint` points it at bot-sso. With `AGENT_TOKEN` the turn is an agent's: the factory then asks its connection
for the token of the agent's user.
"""

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace

from microsoft_agents.activity import Activity, TokenExchangeRequest, TokenExchangeState
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.core import AgentAuthConfiguration, AuthTypes, ClaimsIdentity, RestChannelServiceClientFactory

sys.path.insert(0, str(Path(__file__).parents[1]))
from steps import Settings, run_steps, show  # noqa: E402  pylint: disable=wrong-import-position


class Client:
    def __init__(self, client, settings):
        self._client = client
        self._settings = settings
        self._place = (settings.connection, settings.channel)

    async def status(self, user):
        return await self._client.get_token_status(user, self._settings.channel)

    async def token(self, user):
        return await self._client.get_user_token(user, *self._place)

    async def resource(self, activity):
        return await self._client.get_sign_in_resource(self._settings.connection, Activity.model_validate(activity))

    async def link(self, activity):
        state = TokenExchangeState(
            connection_name=self._settings.connection,
            conversation=Activity.model_validate(activity).get_conversation_reference(),
            ms_app_id=self._settings.app_id,
        )
        return await self._client.agent_sign_in.get_sign_in_url(state.get_encoded_state())

    async def exchange(self, user, token):
        return await self._client.exchange_token(user, *self._place, TokenExchangeRequest(token=token))

    async def aad_tokens(self, user):
        connection, channel = self._place
        return await self._client.get_aad_tokens(user, connection, [self._settings.resource], channel)

    async def sign_out(self, user):
        return await self._client.sign_out_user(user, *self._place)


class AgentConnections:
    """What the factory asks for the token of an agent's user, in place of MSAL, which calls the public cloud."""

    configuration = SimpleNamespace(ALT_BLUEPRINT_ID=None)

    def __init__(self, token):
        self._token = token

    def get_token_provider(self, _identity, _service_url):
        return self

    async def get_agentic_user_token(self, tenant, agent, user, scopes):
        show({"step": "asked", "tenant": tenant, "agent": agent, "user": user, "scopes": scopes})
        return self._token


def connections_of(settings):
    if settings.agent_token:
        return AgentConnections(settings.agent_token)
    service_connection = AgentAuthConfiguration(
        auth_type=AuthTypes.user_managed_identity, client_id=settings.app_id, tenant_id=settings.tenant_id
    )
    return MsalConnectionManager(connections_configurations={"SERVICE_CONNECTION": service_connection})


async def main():
    settings = Settings()
    factory = RestChannelServiceClientFactory(connections_of(settings), token_service_endpoint=settings.url)
    identity = ClaimsIdentity({"aud": settings.app_id}, "Bearer")
    turn = SimpleNamespace(activity=Activity.model_validate(settings.activity), identity=identity)
    client = await factory.create_user_token_client(turn, identity)
    try:
        await run_steps(Client(client, settings), settings)
    finally:
        await client.close()


asyncio.run(main())
