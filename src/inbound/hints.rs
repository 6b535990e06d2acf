/// A check of a caller, or a case of a check, and what the operator can do. The checks of the token itself have their
/// hints in `token_validation`.
#[rustfmt::skip]
pub(super) const HINTS: [(&str, &str); 104] = [
    ("authorization", "the request has no Authorization header with exactly one bearer token"),
    ("aud:bot", "the channel's or parent bot's token is for an app id that no bot has: compare bots.*.app_id with the bot's registration"),
    ("aud:token_service", "the bot's token for the Token Service has an audience that token_service.audiences does not list"),
    ("aud_of_another_bot", "the path names another bot than the token's audience: compare the messaging endpoint of the bot's registration with bots.*.app_id"),
    ("tid:token_service", "the bot's tenant is not trusted at the Token Service: add it to bots.*.tenant or token_service.tenants"),
    ("app_id", "the application that calls the Token Service is none of the bots: compare its app id with bots.*.app_id"),
    ("channel_token", "a channel called the Token Service, which is for bots only: compare the addresses that bot and channel are given"),
    ("keys_in_time", "the issuer's key set did not arrive within the time for an answer: check egress to the key set"),
    ("service_url_absent", "the activity has no serviceUrl, so nobody can answer it"),
    ("service_url", "the activity's serviceUrl is not the one in the channel's token: something between channel and gateway changes the activity"),
    ("endorsements", "the key that signed the channel's token may not speak for the activity's channel: the activity was forged or its channelId changed"),
    ("required_endorsements", "the key that signed the channel's token lacks an endorsement of channels.required_endorsements"),
    ("channel:extension", "no caller may send activities of the App Service extension's channel"),
    ("channel:emulator", "a channel's token came with the channel emulator, which only the bot's own token may use"),
    ("channel:emulator_off", "the emulator may not call this bot, or calls with another app's token: see bots.*.allow_emulator"),
    ("channel:anonymous", "a caller without a token named a channel"),
    ("emulator_tenant", "the emulator's token is of another tenant than the bot's: compare bots.*.tenant"),
    ("emulator_peer", "the emulator is not on this machine, or comes through a proxy: it may call from this machine only"),
    ("emulator_service_url", "the emulator's serviceUrl is not on this machine: let it use localhost"),
    ("caller_list", "the calling application is none of the bot's parent bots: add it to bots.*.callers if it may call"),
    ("caller_tenant", "the parent bot's token is of another tenant: compare bots.*.callers.tenant"),
    ("caller_channel", "the parent bot may not pass on activities of this channel: see bots.*.callers.channels"),
    ("caller_service_url", "the parent bot's serviceUrl begins with none of bots.*.callers.service_urls"),
    ("anonymous_peer", "a caller without a token is not on this machine: without a token only the emulator here is served"),
    ("anonymous_page", "a web page sent a request without a token, which only the emulator may"),
    ("anonymous_bot", "a caller without a token must name a configured bot in the path, as there are several"),
    ("anonymous_channel", "a caller without a token named another channel than emulator"),
    ("anonymous_service_url", "a caller without a token named a serviceUrl that is not on this machine"),
    ("anonymous_sign_in", "a caller without a token sent a sign-in invoke, but vouches for no user: give the emulator the bot's app id and password"),
    ("agent_365_tenant", "the Agent 365 platform calls for a tenant whose agents this bot does not serve: add it to bots.*.agent_365.tenants"),
    ("agent_365_channel", "the Agent 365 platform names a channel that it does not write for"),
    ("agent_365_service_url", "no address of bots.*.agent_365.service_urls fits the serviceUrl of the Agent 365 platform's activity, and nothing signs it: add it if it is Microsoft's"),
    ("agent_activity_tenant", "the activity of the Agent 365 platform is of another tenant than the platform's token, or names none"),
    ("agent_activity_blueprint", "the activity of the Agent 365 platform is for an agent of another blueprint: compare bots.*.app_id"),
    ("agent_activity_agent", "the activity of the Agent 365 platform is for an agent that bots.*.agent_365.agents does not list"),
    ("agent_activity_form", "the activity can be read as one for two agents, or a member of its addresses is of the wrong kind"),
    ("agent_user_at_gateway", "an agent user called a bot, but its token serves at the Token Service alone: point the agent's SDK at the bot's channel"),
    ("aud:agent", "the agent's token has an audience that is neither the Bot API's nor one of token_service.audiences"),
    ("agent_blueprint", "the agent that calls the Token Service has a blueprint that no bot has: compare its app id with bots.*.app_id"),
    ("agent_365_absent", "an agent of this bot's blueprint calls the Token Service, and the bot serves no agents: see bots.*.agent_365"),
    ("agent_tenant", "the agent that calls the Token Service is of a tenant that bots.*.agent_365.tenants does not list"),
    ("agent_list", "the agent that calls the Token Service is not listed: add its app id to bots.*.agent_365.agents if it may read the users' tokens"),
    ("aud:skill", "the parent bot's token is not for the skill that the path names: the parent requests it for the app id of its skill, which is skills.*.app_id"),
    ("aud:skill_host", "the skill's token is for no parent bot of the skill: its audience is the app id of the bot that called the skill, see skills.*.bots"),
    ("aud:skill_host_foreign", "a token that is neither an application's nor for a bot or a skill of this service came to the skill host"),
    ("channel_at_skill_host", "a channel called the skill host, which is for parent bots and skills only: compare the messaging endpoint of the bot's registration"),
    ("agent_user_at_skill_host", "an agent user called the skill host, which is for parent bots and skills only"),
    ("skill_parent", "the application that calls the skill is none of its parent bots: add the bot to skills.*.bots if it may call"),
    ("skill_parent_tenant", "the parent bot's token for the skill is of another tenant: compare bots.*.tenant and token_service.tenants"),
    ("skill_name", "the path names no configured skill: compare the skill's address in the parent bot with the sections skills.*"),
    ("path_of_another_skill", "a skill called under the path of another skill: it may answer under its own serviceUrl only"),
    ("skill_app_id", "the application that calls the parent bot is not the skill of the path: compare skills.*.app_id"),
    ("parents_own_token", "the parent bot's own token came where its skills call: a skill must call with its own app id"),
    ("skill_tenant", "the skill's token is of another tenant: compare skills.*.tenant"),
    ("skill_host_url", "the serviceUrl of what the parent bot sends to its skill begins with none of bots.*.skill_host_urls"),
    ("skill_parent_rate", "the parent bot sends too many requests to the skill: see limits.parent_requests_per_second"),
    ("skill_rate", "the skill sends too many requests to its parent bots: see limits.parent_requests_per_second"),
    ("parent_rate", "the parent bot sends too many requests: see limits.parent_requests_per_second"),
    ("channel_rate", "the channels send too many requests for this bot: see limits.channel_requests_per_second"),
    ("token_service_rate", "the bot sends too many requests to the Token Service: see limits.token_service_requests_per_second"),
    ("add_in_caller", "the server that asks for a user's token has no secret of add_ins.*.callers: compare its client id, and its secret's hash with that of `bot-sso keys secret`"),
    ("add_in_guesses", "too many tokens and secrets that are not valid for an add-in came from this address: for up to a minute, its further ones are answered 429"),
    ("client_absent", "the request has no client credentials: neither a Basic Authorization header, nor client_id and client_secret, nor a client_assertion in the body"),
    ("client_secret", "the client's id or secret is wrong: compare the secret with the hashes of its section (bot-sso keys secret prints both)"),
    ("client_header", "the Authorization header has another scheme than Basic, or no base64 of an id, a colon and a secret"),
    ("client_guesses", "too many wrong client credentials came from this address: for up to a minute, its further wrong ones are answered 429"),
    ("client_credentials_several", "the request has client credentials in two places: let the client use one method"),
    ("client_credentials_repeated", "the request's body states client_id, client_secret or client_assertion twice"),
    ("client_assertion_incomplete", "client_assertion and client_assertion_type go together, and one of them is missing"),
    ("client_assertion_type", "the client_assertion_type is not urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ("client_assertion_form", "the client's assertion is no JWT that this service reads, or is longer than 8 KiB"),
    ("client_assertion_alg", "the client's assertion is signed by an algorithm that is not in token_endpoint_auth_signing_alg_values_supported of the metadata"),
    ("client_assertion_kid", "no key of back_ends.*.jwks_file has the name and the type of the key that signed the client's assertion: was the key replaced?"),
    ("client_assertion_signature", "the key of back_ends.*.jwks_file that the client's assertion names has not signed it"),
    ("client_assertion_sub", "the client's assertion has no sub, or one that is the client_id of no back end with a jwks_file"),
    ("client_assertion_client_id", "client_id in the body is not the sub of the client's assertion"),
    ("client_assertion_iss", "iss of the client's assertion is not its sub: both must be the client_id"),
    ("client_assertion_aud", "aud of the client's assertion is not exactly the issuer of the metadata, server.public_url without a slash at its end"),
    ("client_assertion_exp", "the client's assertion has expired, or is valid for more than ten minutes: compare the clocks"),
    ("client_assertion_future", "the client's assertion is from the future: compare the clocks"),
    ("client_assertion_jti", "the client's assertion has no jti of at most 256 characters, so a repetition could not be told"),
    ("client_assertion_repeated", "the client's assertion was used before: each request needs a new one, with another jti"),
    ("application_secret", "the client id or the secret of a directory's application is wrong: compare them with what the application was given when it was created"),
    ("application_secret_absent", "an application of a directory that has a secret came without it, or no application has the client_id that came alone"),
    ("application_assertion", "an application of a directory came with a client_assertion: let it use its secret"),
    ("service_token_absent", "the request to the service role has no Authorization header with exactly one bearer token: it is the app's service token"),
    ("service_token", "the bearer is the service token of no app: compare it with apps.*.service_token_sha256 (bot-sso keys secret prints token and hash)"),
    ("service_token_app", "the service token is another app's than the one in the path: it may be stolen, or the function has the id of another app"),
    ("service_token_guesses", "too many wrong service tokens came from this address: for up to a minute, its further wrong ones are answered 429"),
    ("service_app_header", "X-App-Id names another app than the path"),
    ("on_behalf_of_form", "on-behalf-of does not hold exactly one bearer token, the app's user token"),
    ("on_behalf_of", "the user token in on-behalf-of has ended, is another app's, or its user was signed out since"),
    ("on_behalf_of_required", "a service token alone came, and apps.*.service_only is deny: the function has to send on-behalf-of"),
    ("cross_user", "a request on behalf of one user asked for the token of another one, and apps.*.cross_user is deny"),
    ("app_user_token", "the bearer is no user token of this app: it has ended, is another app's, or its user was signed out since"),
    ("app_code", "the code is none of this app's, was redeemed before, or is older than two minutes"),
    ("administrator_token_absent", "the request to the management API of a directory has no Authorization header with one token"),
    ("administrator_token", "the token is of no administrator of the directory in the path, or an hour has passed since /identity/token gave it: compare it with directories.*.administrators.token_sha256"),
    ("administrator_tenant", "the path of the management API names no directory: compare it with directories.*.tenant_id"),
    ("administrator_guesses", "too many wrong tokens and API keys of administrators came from this address: for up to a minute, its further wrong ones are answered 429"),
    ("administrator_role", "the administrator's role does not permit the call: see directories.*.administrators.role"),
    ("administrator_api_key", "the API key at /identity/token is no token of an administrator: compare it with directories.*.administrators.token_sha256"),
    ("administrator_rate", "the administrators of the directory send more than 50 requests a second to the management API"),
    ("body", "the body is too large, too slow, or no plain UTF-8 text: see the limits section"),
];

/// The hint of a case.
pub(super) fn find_hint(case: &str) -> &'static str {
    HINTS.iter().find(|row| row.0 == case).map_or("the caller's check has no hint: report a bug", |row| row.1)
}

/// Every check of a caller, and its hint.
#[cfg(test)]
#[must_use]
pub fn list_hints() -> Vec<(String, &'static str)> {
    HINTS.iter().map(|(case, hint)| (format!("request: {case}"), *hint)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of checks are string literals, so the test reads the sources: a new check needs a row.
    #[test]
    fn each_check_in_the_sources_has_a_hint() {
        let sources = [
            include_str!("agent_365.rs"),
            include_str!("peer.rs"),
            include_str!("callers.rs"),
            include_str!("limits/caller_rates.rs"),
            include_str!("skill_callers.rs"),
            include_str!("client_authentication/authenticator.rs"),
            include_str!("client_authentication/presented.rs"),
            include_str!("client_authentication/app_authenticator.rs"),
            include_str!("client_authentication/application_authenticator.rs"),
        ];
        for source in sources {
            for before in [
                "refused(\"",
                "refuse_channel(\"",
                "refuse_url(\"",
                "in_case(\"",
                "not_allowed(\"",
                "=> \"",
                "refuse(http, \"",
            ] {
                for found in source.split(before).skip(1) {
                    let case = found.split('"').next().unwrap_or_default();
                    assert!(HINTS.iter().any(|row| row.0 == case), "{case} has no hint");
                }
            }
        }
    }
}
