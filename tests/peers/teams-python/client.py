"""The Token Service client of the Teams SDK for Python, unmodified, as its App makes it: `OAUTH_URL` is the one setting that
points it at bot-sso. A client id without a secret means a managed identity. With `AGENT_TOKEN` the client is that of an agent's turn, and the App
asks its token provider for the token of the agent's user.
"""

import asyncio
import base64
import json
import sys
from pathlib import Path

from microsoft_teams.api import (
    Account,
    ConversationReference,
    ExchangeUserTokenParams,
    GetBotSignInResourceParams,
    GetBotSignInUrlParams,
    GetUserAADTokenParams,
    GetUserTokenParams,
    GetUserTokenStatusParams,
    SignOutUserParams,
    TokenExchangeRequest,
    TokenExchangeState,
)
from microsoft_teams.apps import App

sys.path.insert(0, str(Path(__file__).parents[1]))
from steps import Settings, run_steps, show  # noqa: E402  pylint: disable=wrong-import-position


def reference_of(activity):
    return ConversationReference.model_validate(
        {
            "activityId": activity["id"],
            "user": activity["from"],
            "bot": activity["recipient"],
            "conversation": activity["conversation"],
            "channelId": activity["channelId"],
            "locale": activity["locale"],
            "serviceUrl": activity["serviceUrl"],
        }
    )


class Client:
    def __init__(self, api, settings):
        self._users = api.users
        self._sign_in = api.bots.sign_in
        self._settings = settings
        self._channel = settings.channel
        self._connection = settings.connection

    async def status(self, user):
        return await self._users.get_token_status(GetUserTokenStatusParams(user_id=user, channel_id=self._channel))

    async def token(self, user):
        params = GetUserTokenParams(user_id=user, connection_name=self._connection, channel_id=self._channel)
        return await self._users.get_token(params)

    def _state(self, activity):
        """Encodes the state as `sign_in()` of the SDK's context does."""
        state = TokenExchangeState(
            connection_name=self._connection, conversation=reference_of(activity), ms_app_id=self._settings.app_id
        )
        return base64.b64encode(json.dumps(state.model_dump()).encode()).decode()

    async def resource(self, activity):
        return await self._sign_in.get_resource(GetBotSignInResourceParams(state=self._state(activity)))

    async def link(self, activity):
        return await self._sign_in.get_url(GetBotSignInUrlParams(state=self._state(activity)))

    async def exchange(self, user, token):
        params = ExchangeUserTokenParams(
            user_id=user,
            connection_name=self._connection,
            channel_id=self._channel,
            exchange_request=TokenExchangeRequest(uri=None, token=token),
        )
        return await self._users.exchange_token(params)

    async def aad_tokens(self, user):
        params = GetUserAADTokenParams(
            user_id=user,
            connection_name=self._connection,
            resource_urls=[self._settings.resource],
            channel_id=self._channel,
        )
        return await self._users.get_aad_tokens(params)

    async def sign_out(self, user):
        params = SignOutUserParams(user_id=user, connection_name=self._connection, channel_id=self._channel)
        return await self._users.sign_out(params)


class AgentTokens:
    """What the App asks for tokens, in place of MSAL, which calls the public cloud."""

    def __init__(self, token):
        self._token = token

    async def get_app_token(self, _scope, _tenant_id=None):
        raise ValueError("an agent's turn needs no token of the blueprint")

    async def get_agentic_user_token(self, scope, agentic_app_id, agentic_user_id, tenant_id=None):
        show({"step": "asked", "tenant": tenant_id, "agent": agentic_app_id, "user": agentic_user_id, "scopes": [scope]})
        return self._token


def api_of(settings):
    if not settings.agent_token:
        return App().api
    app = App(client_id=settings.app_id, tenant_id=settings.tenant_id, token=AgentTokens(settings.agent_token))
    return app.api.for_agentic_identity(Account.model_validate(settings.activity["recipient"]).agentic_identity)


async def main():
    settings = Settings()
    await run_steps(Client(api_of(settings), settings), settings)


asyncio.run(main())
