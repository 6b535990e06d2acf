"""The Token Service client of botbuilder-python 4.17 (botframework-connector's), unmodified, as its CloudAdapter makes it for a
turn: the configuration's `OAUTH_URL` points it at bot-sso.
"""

import asyncio
import sys
from pathlib import Path

from botbuilder.integration.aiohttp import ConfigurationBotFrameworkAuthentication
from botbuilder.schema import Activity
from botframework.connector.auth import ClaimsIdentity, UserTokenClient
from botframework.connector.token_api.models import TokenExchangeRequest
from config import Config

sys.path.insert(0, str(Path(__file__).parents[1]))
from steps import Settings, run_steps  # noqa: E402  pylint: disable=wrong-import-position


class Client:
    def __init__(self, client, settings):
        self._client = client
        self._settings = settings
        self._place = (settings.connection, settings.channel)

    async def status(self, user):
        return await self._client.get_token_status(user, self._settings.channel, None)

    async def token(self, user):
        return await self._client.get_user_token(user, *self._place, None)

    async def resource(self, activity):
        return await self._client.get_sign_in_resource(self._settings.connection, Activity.deserialize(activity), None)

    async def link(self, activity):
        """The SDK's CloudAdapter no longer makes this call. This code makes it as `get_oauth_sign_in_link` of the BotFrameworkAdapter does."""
        settings = self._settings
        message = Activity.deserialize(activity)
        state = UserTokenClient.create_token_exchange_state(settings.app_id, settings.connection, message)
        return await self._client._client.bot_sign_in.get_sign_in_url(state)  # pylint: disable=protected-access

    async def exchange(self, user, token):
        return await self._client.exchange_token(user, *self._place, TokenExchangeRequest(token=token))

    async def aad_tokens(self, user):
        connection, channel = self._place
        return await self._client.get_aad_tokens(user, connection, [self._settings.resource], channel)

    async def sign_out(self, user):
        return await self._client.sign_out_user(user, *self._place)


async def main():
    settings = Settings()
    authentication = ConfigurationBotFrameworkAuthentication(Config)
    identity = ClaimsIdentity({"aud": settings.app_id, "appid": settings.app_id, "ver": "1.0"}, True)
    client = await authentication.create_user_token_client(identity)
    await run_steps(Client(client, settings), settings)


asyncio.run(main())
