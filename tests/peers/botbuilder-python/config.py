"""The configuration object of the SDK's samples, as `bot-sso dev --sdk botbuilder-python` prints it."""

import os


class Config:  # pylint: disable=too-few-public-methods
    APP_ID = os.environ["APP_ID"]
    APP_TYPE = os.environ["APP_TYPE"]
    APP_TENANTID = os.environ["APP_TENANTID"]
    # This setting points the bot at bot-sso. The SDK then requires the other settings too.
    OAUTH_URL = os.environ["OAUTH_URL"]
    TO_CHANNEL_FROM_BOT_LOGIN_URL = os.environ["TO_CHANNEL_FROM_BOT_LOGIN_URL"]
    TO_CHANNEL_FROM_BOT_OAUTH_SCOPE = os.environ["TO_CHANNEL_FROM_BOT_OAUTH_SCOPE"]
    TO_BOT_FROM_CHANNEL_TOKEN_ISSUER = os.environ["TO_BOT_FROM_CHANNEL_TOKEN_ISSUER"]
    TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL = os.environ["TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL"]
    TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL = os.environ["TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL"]
    VALIDATE_AUTHORITY = False
    CALLER_ID = os.environ["CALLER_ID"]
