use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::openapi::{ObjectBuilder, RefOr};

use crate::inbound::{Answer, Description};
use crate::protocol::{
    CardAttachment, SignInResource, TokenOrSignInResource, TokenResponse, TokenStatus, WithoutToken,
};

const RETRY_AFTER: (&str, &str) = ("Retry-After", "Seconds.");
const OUTAGE: &str = "An outage of the identity provider, of the store or of this service's own credential; try again. The user \
                      is not needed: a refresh may still succeed.";
const USER: (&str, &str) = ("userId", "The user's id on the channel.");
const CONNECTION: (&str, &str) = ("connectionName", "One of the bot's connections.");
const CHANNEL: (&str, &str) = ("channelId", "The channel; tokens are kept for each channel apart.");
const OPTIONAL_CHANNEL: (&str, &str) = ("channelId", "The channel; `msteams` if absent.");
const CODE: (&str, &str) = ("code", "A magic code; valid once.");
const STATE: (&str, &str) =
    ("state", "Base64 of a TokenExchangeState: `connectionName`, `conversation` with its `user`.");
const FINAL_REDIRECT: (&str, &str) = (
    "finalRedirect",
    "The address to which the browser is sent at the end; it lies below one of `sign_in.final_redirects`.",
);
const REFUSED: &str = "The request is malformed, names an unknown connection, or the exchange is refused. Where an \
                       interactive sign-in would help, the message has the words `Consent Required`. For bots with \
                       `refusal_style = \"text400\"` the same JSON is sent as text.";
const WITHOUT_TOKEN: &str =
    "The token. For bots with `refusal_style = \"ok_without_token\"`, an answer without a token is a refusal.";

pub(super) fn get_token() -> Description {
    let description =
        describe("GetToken", "The user's token; with `code`, the token of the sign-in that the magic code completes.")
            .query(USER.0, USER.1)
            .query(CONNECTION.0, CONNECTION.1)
            .optional_query(OPTIONAL_CHANNEL.0, OPTIONAL_CHANNEL.1)
            .optional_query(CODE.0, CODE.1)
            .optional_query("claims", "The claims challenge (JSON) with which a resource refused the present token.");
    description
        .error(400, "A parameter is missing or malformed; the message names it.")
        .answer(200, Answer::json::<TokenResponse<'_>>("The token."))
        .answer(
            404,
            Answer::empty(
                "The user has no token and is needed to get one, the code is wrong, or the bot has no such connection. No \
                 body. An outage is never 404.",
            ),
        )
}

/// What is exchanged.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the body is read member by member")]
struct ExchangeRequest {
    /// An exchangeable token of the user. Takes precedence over `uri`.
    token: Option<String>,
    /// One of the connection's `exchange_uris`: requests a signed-in user's token for that resource.
    uri: Option<String>,
}

pub(super) fn exchange() -> Description {
    let description = describe("ExchangeToken", "Exchanges a token of the user, or returns the user's token for another resource.")
        .note("A call can be repeated safely. A token is exchanged only for a user for whom the bot has requested a card before.")
        .query(USER.0, USER.1)
        .query(CONNECTION.0, CONNECTION.1)
        .query(CHANNEL.0, CHANNEL.1)
        .json_body::<ExchangeRequest>(true, "One of the two; also accepted inside a member `exchangeRequest`.");
    description
        .answer(200, Answer::json::<TokenResponse<'_>>(WITHOUT_TOKEN).or_json::<WithoutToken<'_>>())
        .answer(400, Answer::error(REFUSED).or_text())
        .answer(404, Answer::empty("The connection exchanges no tokens, or the user is not signed in. No body."))
        .body_errors()
}

/// An object without members.
#[derive(ToSchema)]
struct Empty {}

pub(super) fn sign_out() -> Description {
    describe("SignOut", "Removes the user's token. Succeeds if the user is signed out already.")
        .query(USER.0, USER.1)
        .optional_query(CONNECTION.0, "The connection; if absent, all connections of the bot on the channel.")
        .optional_query(OPTIONAL_CHANNEL.0, OPTIONAL_CHANNEL.1)
        .answer(200, Answer::json::<Empty>("Exactly `{}`."))
}

pub(super) fn get_token_status() -> Description {
    describe("GetTokenStatus", "All connections of the bot, and for each whether the user has a token.")
        .note("Asks no identity provider: `hasToken` is true while a refresh may still succeed.")
        .query(USER.0, USER.1)
        .optional_query(OPTIONAL_CHANNEL.0, OPTIONAL_CHANNEL.1)
        .optional_query("include", "The connections to list, separated by commas; if absent, all.")
        .answer(200, Answer::empty("One entry for each connection.").or_json_of::<TokenStatus<'_>>(wrap_in_list))
}

/// Each value may stand in the query instead. The body takes precedence, and the two lists of resources are joined.
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
    let description = describe("GetAadTokens", "Tokens of a signed-in user for other resources.")
        .optional_query(USER.0, "The user's id on the channel; here or in the body.")
        .optional_query(CONNECTION.0, "One of the bot's connections; here or in the body.")
        .optional_query(OPTIONAL_CHANNEL.0, OPTIONAL_CHANNEL.1)
        .query_list("resourceUrls", "The resources; also accepted as `resourceUrls[0]`.")
        .json_body::<AadTokensRequest>(false, "The parameters that are not in the query.");
    description
        .answer(
            200,
            Answer::empty("The token of each resource, by the resource's name in the request.")
                .or_json_of::<TokenResponse<'_>>(wrap_in_map),
        )
        .error(
            400,
            "The request is malformed, names a resource that is not listed, or the user has to sign in interactively.",
        )
        .answer(404, Answer::empty("The user is not signed in, or no token can be obtained. No body."))
        .body_errors()
}

pub(super) fn get_token_or_sign_in_resource() -> Description {
    describe("GetTokenOrSignInResource", "The user's token, or what a card needs to get one.")
        .note("The sign-in resource is given only where the user is needed; an outage is 429 or 503.")
        .query(USER.0, USER.1)
        .query(CONNECTION.0, CONNECTION.1)
        .query(CHANNEL.0, CHANNEL.1)
        .optional_query(STATE.0, "As in GetSignInResource, for this user; required if there is no token.")
        .optional_query(CODE.0, "A magic code; if it is wrong, the answer is the sign-in resource.")
        .optional_query(FINAL_REDIRECT.0, FINAL_REDIRECT.1)
        .answer(200, Answer::json::<TokenOrSignInResource<'_>>("The token, or the sign-in resource."))
}

pub(super) fn get_sign_in_resource() -> Description {
    describe_offer("GetSignInResource", "What a card needs: the link, and the resource for silent sign-in.")
        .answer(200, Answer::json::<SignInResource>("The card's content; valid for fifteen minutes."))
}

pub(super) fn get_sign_in_url() -> Description {
    let link = "The link; as a JSON string if `Accept` has JSON and neither text nor `*/*`.";
    let answer = Answer::text(link).or_json_text();
    describe_offer("GetSignInUrl", "The link alone.").answer(200, answer)
}

pub(super) fn get_raw_sign_in_url() -> Description {
    describe_offer("GetSignInUrlForAgents", "The link alone, always as text.").answer(200, Answer::text("The link."))
}

pub(super) fn get_oauth_card() -> Description {
    describe_offer("GetOAuthCard", "The complete attachment with the card, which a bot can send unchanged.")
        .optional_query("text", "The card's text.")
        .optional_query("title", "The title of the card's button.")
        .answer(
            200,
            Answer::json::<CardAttachment<'_>>(
                "An OAuth card, or a sign-in card on channels whose clients do not know OAuth cards.",
            ),
        )
}

/// Describes an operation that begins a sign-in.
fn describe_offer(id: &str, summary: &str) -> Description {
    describe(id, summary).query(STATE.0, STATE.1).optional_query(FINAL_REDIRECT.0, FINAL_REDIRECT.1)
}

/// Describes an operation, with what is common to all.
fn describe(id: &str, summary: &str) -> Description {
    let later = |text| Answer::error(text).header(RETRY_AFTER.0, RETRY_AFTER.1);
    Description::new(id, summary)
        .bearer()
        .error(400, "The request is malformed, or names an unknown connection; the message says what to change.")
        .error(401, "The bearer is missing or not valid.")
        .error(403, "The bearer is a user's, or its app is no configured bot.")
        .answer(429, later("The bot or the user exceeds its rate limit, or the identity provider throttles."))
        .answer(503, later(OUTAGE))
}

fn wrap_in_list(item: RefOr<Schema>) -> RefOr<Schema> {
    ArrayBuilder::new().items(item).into()
}

fn wrap_in_map(value: RefOr<Schema>) -> RefOr<Schema> {
    ObjectBuilder::new().additional_properties(Some(value)).into()
}
