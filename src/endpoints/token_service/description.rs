use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::openapi::{ObjectBuilder, RefOr};

use crate::inbound::{Answer, Description};
use crate::protocol::{
    CardAttachment, SignInResource, TokenOrSignInResource, TokenResponse, TokenStatus, WithoutToken,
};

const RETRY_AFTER: (&str, &str) = ("Retry-After", "Seconds.");
const USER: (&str, &str) = ("userId", "The user's id on the channel.");
const CONNECTION: (&str, &str) = ("connectionName", "One of the bot's connections.");
const CHANNEL: (&str, &str) = ("channelId", "The channel: the same user id elsewhere has other tokens.");
const OPTIONAL_CHANNEL: (&str, &str) = ("channelId", "The channel; `msteams` if it is not said.");
const CODE: (&str, &str) = ("code", "A magic code; good once.");
const STATE: (&str, &str) =
    ("state", "Base64 of a TokenExchangeState: `connectionName`, `conversation` with its `user`.");
const FINAL_REDIRECT: (&str, &str) =
    ("finalRedirect", "Where the browser goes at the end; below one of `sign_in.final_redirects`.");
const REFUSED: &str = "The request makes no sense, names an unknown connection, or the exchange is refused. Where an \
                       interactive sign-in would help, the message has the words `Consent Required`. As text, with the \
                       same JSON in it, for bots with `refusal_style = \"text400\"`.";
const WITHOUT_TOKEN: &str = "A token. Without one: refused, for bots with `refusal_style = \"ok_without_token\"`.";

pub(super) fn get_token() -> Description {
    let description = described("GetToken", "The user's token, or the one that a magic code is good for.")
        .query(USER.0, USER.1)
        .query(CONNECTION.0, CONNECTION.1)
        .optional_query(OPTIONAL_CHANNEL.0, OPTIONAL_CHANNEL.1)
        .optional_query(CODE.0, CODE.1)
        .optional_query("claims", "The claims challenge (JSON) with which a resource turned the present token down.");
    description
        .error(400, "A parameter is missing, or makes no sense; the message says which.")
        .answer(200, Answer::json::<TokenResponse<'_>>("The token."))
        .answer(404, Answer::empty("There is none, the code is wrong, or the bot has no such connection. No body."))
}

/// What is to be exchanged.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the body is read member by member")]
struct ExchangeRequest {
    /// An exchangeable token of the user. Counts before `uri`.
    token: Option<String>,
    /// One of the connection's `exchange_uris`: a token of a signed-in user for that.
    uri: Option<String>,
}

pub(super) fn exchange() -> Description {
    let description = described("ExchangeToken", "Exchanges a token of the user, or gives one for another resource.")
        .note("To repeat a call is safe. A token is exchanged only for whom the bot has asked for a card before.")
        .query(USER.0, USER.1)
        .query(CONNECTION.0, CONNECTION.1)
        .query(CHANNEL.0, CHANNEL.1)
        .json_body::<ExchangeRequest>(true, "One of the two; also within a member `exchangeRequest`.");
    description
        .answer(200, Answer::json::<TokenResponse<'_>>(WITHOUT_TOKEN).or_json::<WithoutToken<'_>>())
        .answer(400, Answer::error(REFUSED).or_text())
        .answer(404, Answer::empty("The connection exchanges nothing, or the user is not signed in. No body."))
        .body_errors()
}

/// An object without members.
#[derive(ToSchema)]
struct Empty {}

pub(super) fn sign_out() -> Description {
    described("SignOut", "Ends the user's token. To be signed out already is no error.")
        .query(USER.0, USER.1)
        .optional_query(CONNECTION.0, "Only this connection; else all of the bot's on the channel.")
        .optional_query(OPTIONAL_CHANNEL.0, OPTIONAL_CHANNEL.1)
        .answer(200, Answer::json::<Empty>("Exactly `{}`."))
}

pub(super) fn get_token_status() -> Description {
    described("GetTokenStatus", "Every connection of the bot, and whether the user has a token there.")
        .query(USER.0, USER.1)
        .optional_query(OPTIONAL_CHANNEL.0, OPTIONAL_CHANNEL.1)
        .optional_query("include", "Only these connections, with commas between.")
        .answer(200, Answer::empty("One entry a connection.").or_json_of::<TokenStatus<'_>>(list_of))
}

/// What can also stand in the query: the body counts first, and the lists are joined.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "the body is read member by member")]
struct AadTokensRequest {
    user_id: Option<String>,
    connection_name: Option<String>,
    channel_id: Option<String>,
    /// Up to sixteen of the connection's `aad_resources`.
    resource_urls: Option<Vec<String>>,
}

pub(super) fn get_aad_tokens() -> Description {
    let description = described("GetAadTokens", "Tokens of a signed-in user for other resources.")
        .optional_query(USER.0, "The user's id on the channel; here or in the body.")
        .optional_query(CONNECTION.0, "One of the bot's connections; here or in the body.")
        .optional_query(OPTIONAL_CHANNEL.0, OPTIONAL_CHANNEL.1)
        .query_list("resourceUrls", "Resources; also as `resourceUrls[0]`.")
        .json_body::<AadTokensRequest>(false, "What does not stand in the query.");
    description
        .answer(
            200,
            Answer::empty("Each resource, as it was sent, with its token.").or_json_of::<TokenResponse<'_>>(map_of),
        )
        .error(400, "The request makes no sense, names what is not listed, or the user has to sign in interactively.")
        .answer(404, Answer::empty("The user is not signed in, or nothing can be had for them. No body."))
        .body_errors()
}

pub(super) fn get_token_or_sign_in_resource() -> Description {
    described("GetTokenOrSignInResource", "The user's token, or what a card needs to get one.")
        .query(USER.0, USER.1)
        .query(CONNECTION.0, CONNECTION.1)
        .query(CHANNEL.0, CHANNEL.1)
        .optional_query(STATE.0, "As GetSignInResource has it, of this user; required where there is no token.")
        .optional_query(CODE.0, "A magic code; a wrong one brings the sign-in resource.")
        .optional_query(FINAL_REDIRECT.0, FINAL_REDIRECT.1)
        .answer(200, Answer::json::<TokenOrSignInResource<'_>>("One of the two."))
}

pub(super) fn get_sign_in_resource() -> Description {
    offered("GetSignInResource", "What a card needs: the link, and the resource to sign in silently for.")
        .answer(200, Answer::json::<SignInResource>("Good for fifteen minutes."))
}

pub(super) fn get_sign_in_url() -> Description {
    let link = "The link; as a JSON string where `Accept` has JSON and neither text nor everything.";
    let answer = Answer::text(link).or_json_text();
    offered("GetSignInUrl", "The link alone.").answer(200, answer)
}

pub(super) fn get_raw_sign_in_url() -> Description {
    offered("GetSignInUrlForAgents", "The link alone, always as text.").answer(200, Answer::text("The link."))
}

pub(super) fn get_oauth_card() -> Description {
    offered("GetOAuthCard", "The complete attachment with the card, for a bot to send as it is.")
        .optional_query("text", "What the card says.")
        .optional_query("title", "What its button says.")
        .answer(
            200,
            Answer::json::<CardAttachment<'_>>("An OAuth card, or a sign-in card where clients know no other."),
        )
}

/// What is said of an operation that begins a sign-in.
fn offered(id: &str, summary: &str) -> Description {
    described(id, summary).query(STATE.0, STATE.1).optional_query(FINAL_REDIRECT.0, FINAL_REDIRECT.1)
}

/// What is said of all of them.
fn described(id: &str, summary: &str) -> Description {
    let later = |text| Answer::error(text).header(RETRY_AFTER.0, RETRY_AFTER.1);
    Description::new(id, summary)
        .bearer()
        .error(400, "The request makes no sense, or names an unknown connection; the message says what to change.")
        .error(401, "No bearer, or none that is valid here.")
        .error(403, "The bearer is a user's, or of no bot that is configured.")
        .answer(429, later("The bot or the user asks too often."))
        .answer(503, later("An outage; try again."))
}

fn list_of(item: RefOr<Schema>) -> RefOr<Schema> {
    ArrayBuilder::new().items(item).into()
}

fn map_of(value: RefOr<Schema>) -> RefOr<Schema> {
    ObjectBuilder::new().additional_properties(Some(value)).into()
}
