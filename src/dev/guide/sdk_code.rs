//! What a bot's code has to say because its SDK does not read it from the environment (docs/playground.md §Your own bot).

use super::bot_variables::{BotSettings, Variable};
use crate::domain::Sdk;

const BOTBUILDER: &str = "\
Leave MicrosoftAppPassword out. The code of the samples fits as it is:

  new CloudAdapter(new ConfigurationBotFrameworkAuthentication(process.env))

Outside Teams, write showSignInLink: true into the settings of OAuthPrompt, or its button has no link. A bot for .NET takes
the same names from its environment (not run).
";

const TEAMS_AI: &str = "\
Leave MicrosoftAppPassword out. In the code:

  new TeamsAdapter(process.env)
  tokenExchangeUri: process.env.TOKEN_EXCHANGE_URI      (in the settings of authentication)
";

const AGENTS_JS: &str = "\
Leave clientSecret out. The code of the samples fits as it is:

  const authentication = loadAuthConfigFromEnv()
  authorization: { graph: { azureBotOAuthConnectionName: process.env.CONNECTION_NAME } }
";

const AGENTS: &str = "\
This SDK for Python checks its callers with Microsoft's keys alone, and the stage has others. Switch the check off while the
bot runs here: take jwt_authorization_middleware out of Application(middlewares=[…]), and say who calls in its place. The
Token Service has to be named in the code, too:

  settings = load_configuration_from_env(os.environ)
  app_id = settings[\"CONNECTIONS\"][\"SERVICE_CONNECTION\"][\"SETTINGS\"][\"CLIENTID\"]
  options = {\"token_service_endpoint\": os.environ[\"TOKEN_SERVICE_ENDPOINT\"]}
  adapter = CloudAdapter(connection_manager=MsalConnectionManager(**settings), channel_service_client_factory_options=options)
  # in the handler of POST /api/messages, before adapter.process(request, app):
  request[\"claims_identity\"] = ClaimsIdentity({\"aud\": app_id, \"appid\": app_id}, \"Bearer\")

For .NET the same is RestChannelServiceClientFactory__TokenServiceEndpoint, in the environment (not run).
";

const TEAMS: &str = "\
Leave CLIENT_SECRET out. The SDK reads the keys of its callers from no variable. In the code, for TypeScript:

  import { PUBLIC, withOverrides } from '@microsoft/teams.api'
  const cloud = withOverrides(PUBLIC, {
    openIdMetadataUrl: process.env.ToBotFromChannelOpenIdMetadataUrl,
    tokenIssuer: process.env.ToBotFromChannelTokenIssuer,
  })
  new App({ cloud, oauth: { defaultConnectionName: process.env.CONNECTION_NAME } })

and for Python:

  from microsoft_teams.api.auth.cloud_environment import PUBLIC
  cloud = replace(PUBLIC, openid_metadata_url=os.environ[\"ToBotFromChannelOpenIdMetadataUrl\"],
                  token_issuer=os.environ[\"ToBotFromChannelTokenIssuer\"])
  App(cloud=cloud, default_connection_name=os.environ[\"CONNECTION_NAME\"])
";

/// What a person writes into the code of a bot on `sdk`.
pub(super) fn code_for(sdk: Sdk, settings: &BotSettings<'_>) -> String {
    match sdk {
        Sdk::BotBuilder => BOTBUILDER.to_owned(),
        Sdk::TeamsAi => TEAMS_AI.to_owned(),
        Sdk::AgentsJs => AGENTS_JS.to_owned(),
        Sdk::Agents => AGENTS.to_owned(),
        Sdk::Teams => TEAMS.to_owned(),
        Sdk::BotBuilderPython => botbuilder_python(settings),
    }
}

/// The SDK reads attributes of an object. Those of its samples have other names in the environment.
fn botbuilder_python(settings: &BotSettings<'_>) -> String {
    let is_attribute = |variable: &Variable| {
        let name = variable.name;
        ["APP_", "TO_"].iter().any(|prefix| name.starts_with(prefix)) || matches!(name, "OAUTH_URL" | "CALLER_ID")
    };
    let attributes = settings.variables().into_iter().filter(is_attribute);
    let lines: Vec<_> =
        attributes.map(|variable| format!("      {0} = os.environ[\"{0}\"]\n", variable.name)).collect();
    format!(
        "Leave APP_PASSWORD out. The SDK reads no environment, but the attributes of an object. In config.py:\n\n  \
         class Config:\n      PORT = int(os.environ[\"PORT\"])\n{}      VALIDATE_AUTHORITY = False\n\n\
         and in the code: CloudAdapter(ConfigurationBotFrameworkAuthentication(Config)). Outside Teams the SDK's OAuthPrompt\n\
         leaves its button without a link: send the card of GetOAuthCard there (docs/point-your-bot-at-it.md).\n",
        lines.concat()
    )
}
