use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::{ObjectBuilder, RefOr, Type};

use crate::inbound::{Answer, Description};
use crate::protocol::{CardActionResponse, ExpectedReplies, TokenExchangeInvokeResponse};

const NOTE: &str = "The sign-in invokes `signin/tokenExchange` (for a configured connection), `signin/verifyState` and \
                    `signin/failure` are answered here, or by the bot if it is configured so. The token of an \
                    `adaptiveCard/action`, `composeExtension/query` or `composeExtension/queryLink` is exchanged and taken \
                    out first, if the bot is configured so. Everything else is forwarded to the bot unchanged, and the bot's answer is returned with its status and body. The \
                    statuses of refused exchanges can be configured for each channel.";

/// The description of an operation that accepts an activity.
pub(super) fn describe_posting(id: &str, summary: &str) -> Description {
    let answered = "The token has been obtained; or the envelope with an invoke's answer, for a parent bot that \
                    expects replies; or the bot's answer. Some answers have no body.";
    let refused = "Not an activity; or a refused exchange that the user cannot remedy: a malformed request, a token \
                   that is not for the connection, another user's token, or a configuration error.";
    let curable = "A refused exchange that the user can remedy by consent, interaction, a fresh token or a new sign-in. Without a \
         body: that of a message extension.";
    Description::new(id, summary)
        .note(NOTE)
        .bearer()
        .json_body::<Activity>(true, "An activity of the Bot Framework protocol.")
        .answer(
            200,
            Answer::json::<TokenExchangeInvokeResponse<'_>>(answered)
                .or_json::<ExpectedReplies<'_>>()
                .or_json::<CardActionResponse>()
                .or_any_json(),
        )
        .answer(400, Answer::error(refused).or_json::<TokenExchangeInvokeResponse<'_>>())
        .error(401, "The bearer is missing or not valid for the bot.")
        .error(403, "The caller is not allowed, or may not use this channel or service URL.")
        .answer(404, Answer::error("There is no such bot. Without a body: the magic code is wrong."))
        .body_errors()
        .answer(412, Answer::json::<TokenExchangeInvokeResponse<'_>>(curable))
        .answer(
            429,
            Answer::error("The caller or the user exceeds its rate limit.")
                .or_json::<TokenExchangeInvokeResponse<'_>>()
                .header("Retry-After", "Seconds."),
        )
        .answer(
            500,
            Answer::error("An outage; try again. May have no body.")
                .or_json::<TokenExchangeInvokeResponse<'_>>()
                .header("Retry-After", "Seconds."),
        )
        .answer(501, Answer::empty("The bot does not handle the invoke that was forwarded to it."))
        .error(502, "The bot cannot be reached.")
        .answer(
            503,
            Answer::error("The signing keys of the caller's issuer are unavailable.").header("Retry-After", "Seconds."),
        )
        .error(504, "The bot does not answer in time.")
        .other_answer("The bot's answer to the forwarded activity.")
}

/// The members of an activity that the gateway reads; all others are forwarded to the bot as they are.
struct Activity;

impl utoipa::PartialSchema for Activity {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let account = || ObjectBuilder::new().property("id", text()).required("id");
        ObjectBuilder::new()
            .property("type", text().description(Some("`message`, `event`, `invoke` …")))
            .property("name", text().description(Some("The invoke or event.")))
            .property("channelId", text())
            .property("serviceUrl", text().description(Some("Required of channels and parent bots.")))
            .property("from", account())
            .property("conversation", account())
            .property("value", ObjectBuilder::new().schema_type(utoipa::openapi::schema::SchemaType::AnyValue))
            .required("type")
            .required("channelId")
            .required("from")
            .required("conversation")
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl ToSchema for Activity {}
