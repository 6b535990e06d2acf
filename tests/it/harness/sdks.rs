//! The settings that point each SDK at the application. `tests/peers/README.md` has the table.

use super::Surroundings;

impl Surroundings {
    /// The environment of a program that uses any of the SDKs and takes the place of the bot `demo`.
    pub fn sdk_environment(&self) -> Vec<(&'static str, String)> {
        let app_id = self.stage.directory().find_bot("demo").unwrap().app_id.to_owned();
        let tenant = self.stage.directory().main_tenant_id().to_owned();
        let mut environment = vec![
            ("TOKEN_SERVICE", self.base.clone()),
            ("CONNECTION_NAME", "graph".to_owned()),
            ("BOT_APP_ID", app_id.clone()),
            ("IDENTITY_ENDPOINT", format!("{}/msi/token", self.stage.http_base())),
            ("IDENTITY_HEADER", "any".to_owned()),
            // The Agents SDK.
            ("TOKEN_SERVICE_ENDPOINT", self.base.clone()),
            ("clientId", app_id.clone()),
            ("tenantId", tenant.clone()),
            ("authType", "UserManagedIdentity".to_owned()),
            ("authorityEndpoint", format!("{}/channel/v1", self.stage.http_base())),
            // The Teams SDK, and the Bot Framework SDK for Python.
            ("OAUTH_URL", self.base.clone()),
            ("CLIENT_ID", app_id),
            ("TENANT_ID", tenant),
            // Python would write compiled files of the shared modules into `tests/peers`.
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ];
        environment.extend(self.botbuilder_environment());
        environment.extend(self.botbuilder_python_environment());
        environment
    }

    fn botbuilder_python_environment(&self) -> [(&'static str, String); 9] {
        let stage = self.stage.http_base();
        let tenant = self.stage.directory().main_tenant_id();
        let metadata = format!("{stage}/channel/v1/.well-known/openidconfiguration");
        [
            ("APP_ID", self.stage.directory().find_bot("demo").unwrap().app_id.to_owned()),
            ("APP_TYPE", "UserAssignedMSI".to_owned()),
            ("APP_TENANTID", tenant.to_owned()),
            ("TO_CHANNEL_FROM_BOT_LOGIN_URL", format!("{stage}/{tenant}")),
            ("TO_CHANNEL_FROM_BOT_OAUTH_SCOPE", "https://api.botframework.com".to_owned()),
            ("TO_BOT_FROM_CHANNEL_TOKEN_ISSUER", self.stage.channel_issuer()),
            ("TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL", metadata.clone()),
            ("TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL", metadata),
            ("CALLER_ID", "urn:botframework:azure".to_owned()),
        ]
    }

    fn botbuilder_environment(&self) -> [(&'static str, String); 11] {
        let stage = self.stage.http_base();
        let tenant = self.stage.directory().main_tenant_id();
        let metadata = format!("{stage}/channel/v1/.well-known/openidconfiguration");
        [
            ("MicrosoftAppId", self.stage.directory().find_bot("demo").unwrap().app_id.to_owned()),
            ("MicrosoftAppType", "UserAssignedMsi".to_owned()),
            ("MicrosoftAppTenantId", tenant.to_owned()),
            ("OAuthUrl", self.base.clone()),
            ("ToChannelFromBotLoginUrl", format!("{stage}/{tenant}")),
            ("ToChannelFromBotOAuthScope", "https://api.botframework.com".to_owned()),
            ("ToBotFromChannelTokenIssuer", self.stage.channel_issuer()),
            ("ToBotFromChannelOpenIdMetadataUrl", metadata.clone()),
            ("ToBotFromEmulatorOpenIdMetadataUrl", metadata),
            ("ValidateAuthority", "false".to_owned()),
            ("CallerId", "urn:botframework:azure".to_owned()),
        ]
    }
}
