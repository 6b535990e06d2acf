"""The configuration object of the SDK's samples."""

import os


class Config:  # pylint: disable=too-few-public-methods
    APP_ID = os.environ["BOT_APP_ID"]
    APP_TYPE = "UserAssignedMSI"
    APP_TENANTID = os.environ["TENANT_ID"]
    # This setting points the bot at bot-sso. The SDK then requires the other settings too.
    OAUTH_URL = os.environ["TOKEN_SERVICE"]
    TO_CHANNEL_FROM_BOT_LOGIN_URL = os.environ["ToChannelFromBotLoginUrl"]
    TO_CHANNEL_FROM_BOT_OAUTH_SCOPE = os.environ["ToChannelFromBotOAuthScope"]
    TO_BOT_FROM_CHANNEL_TOKEN_ISSUER = os.environ["ToBotFromChannelTokenIssuer"]
    TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL = os.environ["ToBotFromChannelOpenIdMetadataUrl"]
    TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL = os.environ["ToBotFromEmulatorOpenIdMetadataUrl"]
    VALIDATE_AUTHORITY = False
    CALLER_ID = os.environ["CallerId"]
