use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::{ObjectBuilder, RefOr, Type};

use crate::inbound::{Answer, Description};
use crate::protocol::{ExpectedReplies, TokenExchangeInvokeResponse};

const NOTE: &str = "The sign-in invokes `signin/tokenExchange` (for a configured connection), `signin/verifyState` and \
                    `signin/failure` are answered here, or by the bot where it is set up so. Everything else goes to the \
                    bot unchanged, and the bot's answer comes back with the status and the body that it has. Statuses of \
                    refused exchanges can be set otherwise for each channel.";

/// What is said of an operation that takes an activity.
pub(super) fn posted(id: &str, summary: &str) -> Description {
    let answered = "The token is kept; or, in an envelope, any invoke's answer to a parent bot that expects replies; or \
                    the bot's answer. Without a body where there is nothing to say.";
    let refused = "No activity; or an exchange that cannot be made: a malformed request, a token that is not for the \
                   connection, another user's token, or nobody present can cure it.";
    let curable = "The user can cure it: consent, interaction, a fresh token or another sign-in is needed.";
    Description::new(id, summary)
        .note(NOTE)
        .bearer()
        .json_body::<Activity>(true, "An activity of the Bot Framework protocol.")
        .answer(
            200,
            Answer::json::<TokenExchangeInvokeResponse<'_>>(answered).or_json::<ExpectedReplies<'_>>().or_any_json(),
        )
        .answer(400, Answer::error(refused).or_json::<TokenExchangeInvokeResponse<'_>>())
        .error(401, "No bearer, or none that is valid for the bot.")
        .error(403, "A caller that is not allowed, or may not speak for this channel or service URL.")
        .answer(404, Answer::error("There is no such bot. Without a body: the magic code is not good here."))
        .body_errors()
        .answer(412, Answer::json::<TokenExchangeInvokeResponse<'_>>(curable))
        .answer(
            429,
            Answer::error("The caller or the user asks too often.")
                .or_json::<TokenExchangeInvokeResponse<'_>>()
                .header("Retry-After", "Seconds."),
        )
        .answer(500, Answer::json::<TokenExchangeInvokeResponse<'_>>("An outage; try again. May have no body."))
        .answer(501, Answer::empty("The bot does not handle the invoke that was passed on to it."))
        .error(502, "The bot cannot be reached.")
        .answer(503, Answer::error("The keys of the caller's issuer cannot be had.").header("Retry-After", "Seconds."))
        .error(504, "The bot does not answer in time.")
        .other_answer("The bot's answer to what was passed on to it.")
}

/// The members of an activity that are looked at; whatever else it has goes on to the bot.
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
