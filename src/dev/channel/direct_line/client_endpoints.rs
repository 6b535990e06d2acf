use actix_multipart::Multipart;
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, rt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::chat_channel::{ChatChannel, ChatPlace};
use super::client_activity::ClientActivity;
use super::conversation::Conversation;
use super::credential::Credential;
use super::refusal::DirectLineRefusal;
use super::service::DirectLine;
use super::tokens::{TOKEN_LIFETIME, TokenBinding};
use super::upload_form::UploadForm;
use super::uploads::Uploads;

/// The beginning of user ids that the channel vouches for.
const VERIFIED_USER_PREFIX: &str = "dl_";

/// The body of a request for a token or a conversation. All members are optional in the protocol.
#[derive(Default, Deserialize)]
struct ConversationOrder {
    user: Option<OrderedUser>,
    #[serde(rename = "trustedOrigins", default)]
    trusted_origins: Vec<String>,
    locale: Option<Value>,
}

#[derive(Deserialize)]
struct OrderedUser {
    id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Watermark {
    watermark: Option<String>,
}

impl ConversationOrder {
    /// The id that a site has chosen for its user. Only a site may choose one, and it must begin with `dl_`.
    fn verified_user(&self) -> Result<&str, DirectLineRefusal> {
        let id = self.user.as_ref().and_then(|user| user.id.as_deref()).filter(|id| !id.is_empty());
        let id = id.ok_or(DirectLineRefusal::MissingProperty("user.id"))?;
        if id.starts_with(VERIFIED_USER_PREFIX) {
            Ok(id)
        } else {
            Err(DirectLineRefusal::BadArgument("The user's id must begin with dl_."))
        }
    }
}

impl Watermark {
    /// The position after which a client wants activities. The text is one that Direct Line gave it; empty at first.
    pub(super) fn position(&self) -> Result<u64, DirectLineRefusal> {
        match self.watermark.as_deref() {
            None | Some("" | "-") => Ok(0),
            Some(text) => text.parse().map_err(|_| DirectLineRefusal::BadArgument("The watermark is not valid.")),
        }
    }
}

/// Answers `POST tokens/generate`: a site's back end asks for a token for its user. The conversation is not started.
pub(super) async fn generate_token(
    request: HttpRequest,
    body: Bytes,
    line: Data<DirectLine>,
) -> Result<HttpResponse, DirectLineRefusal> {
    let Credential::Secret(bot) = line.authenticate(&request)? else {
        return Err(DirectLineRefusal::InvalidCredential);
    };
    let order: ConversationOrder = parse_order(&body)?;
    let binding = line.bind_new(bot.name, order.verified_user()?, ChatPlace::personal(ChatChannel::DirectLine));
    let binding = TokenBinding { origins: order.trusted_origins, ..binding };
    token_answer(&line, &binding)
}

/// Answers `POST tokens/refresh`: a token with the same bindings that lives longer.
pub(super) async fn refresh_token(
    request: HttpRequest,
    line: Data<DirectLine>,
) -> Result<HttpResponse, DirectLineRefusal> {
    match line.authenticate(&request)? {
        Credential::Token(binding) => token_answer(&line, &binding),
        Credential::Secret(_) => Err(DirectLineRefusal::InvalidCredential),
    }
}

fn token_answer(line: &DirectLine, binding: &TokenBinding) -> Result<HttpResponse, DirectLineRefusal> {
    let token = line.tokens.mint(binding)?;
    Ok(uncached(HttpResponse::Ok()).json(json!({
        "conversationId": binding.conversation,
        "token": token,
        "expires_in": TOKEN_LIFETIME,
    })))
}

/// Answers `GET session/getsessionid`. Web Chat appends the id to the links of sign-in cards, where bot-sso ignores it.
pub(super) async fn give_session_id(
    request: HttpRequest,
    line: Data<DirectLine>,
) -> Result<HttpResponse, DirectLineRefusal> {
    line.authenticate(&request)?;
    Ok(uncached(HttpResponse::Ok()).json(json!({ "sessionId": line.entropy.hex_id() })))
}

/// Answers `POST conversations`. With a token, the conversation is the token's, and a repeated request finds it again.
pub(super) async fn start_conversation(
    request: HttpRequest,
    body: Bytes,
    line: Data<DirectLine>,
) -> Result<HttpResponse, DirectLineRefusal> {
    let order: ConversationOrder = parse_order(&body)?;
    let binding = match line.authenticate(&request)? {
        Credential::Token(binding) => binding,
        Credential::Secret(bot) => {
            line.bind_new(bot.name, order.verified_user()?, ChatPlace::personal(ChatChannel::DirectLine))
        }
    };
    let started = line.start(&binding)?;
    let answer = if started.is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    let opened = opened_conversation(&request, &line, &binding, 0)?;
    if started.is_new {
        let line = line.clone();
        // The client does not wait for the bot.
        rt::spawn(async move { line.announce(&started.conversation, order.locale.as_ref()).await });
    }
    Ok(uncached(answer).json(opened))
}

/// Answers `GET conversations/{conversation}`: a client that was interrupted gets a new stream.
pub(super) async fn reconnect(
    request: HttpRequest,
    id: Path<String>,
    watermark: Query<Watermark>,
    line: Data<DirectLine>,
) -> Result<HttpResponse, DirectLineRefusal> {
    let conversation = line.admit(&request, &id)?;
    let binding = match line.authenticate(&request)? {
        Credential::Token(binding) => binding,
        Credential::Secret(_) => binding_of(&conversation),
    };
    let opened = opened_conversation(&request, &line, &binding, watermark.position()?)?;
    Ok(uncached(HttpResponse::Ok()).json(opened))
}

/// The binding of a token for a conversation whose caller has the bot's secret.
fn binding_of(conversation: &Conversation) -> TokenBinding {
    TokenBinding {
        bot: conversation.bot.name.to_owned(),
        conversation: conversation.id.clone(),
        user: conversation.user.id.clone(),
        channel: conversation.place.channel,
        kind: conversation.place.kind,
        origins: Vec::new(),
    }
}

/// What a client needs to take part in a conversation.
fn opened_conversation(
    request: &HttpRequest,
    line: &DirectLine,
    binding: &TokenBinding,
    watermark: u64,
) -> Result<Value, DirectLineRefusal> {
    let token = line.tokens.mint(binding)?;
    // The schemes of WebSockets are http and https with `ws` in place of `http`.
    let base = line.bots.issuer.addresses.base_url_for(request).replacen("http", "ws", 1);
    let id = &binding.conversation;
    Ok(json!({
        "conversationId": id,
        "token": token,
        "expires_in": TOKEN_LIFETIME,
        "streamUrl": format!("{base}/v3/directline/conversations/{id}/stream?watermark={watermark}&t={token}"),
    }))
}

/// Answers `GET conversations/{conversation}/activities`: the activities after the watermark.
pub(super) async fn list_activities(
    request: HttpRequest,
    id: Path<String>,
    watermark: Query<Watermark>,
    line: Data<DirectLine>,
) -> Result<HttpResponse, DirectLineRefusal> {
    let batch = line.admit(&request, &id)?.after(watermark.position()?);
    Ok(uncached(HttpResponse::Ok()).json(batch.into_json()))
}

/// Answers `POST conversations/{conversation}/activities`, after the bot has answered.
pub(super) async fn post_activity(
    request: HttpRequest,
    id: Path<String>,
    body: Bytes,
    line: Data<DirectLine>,
) -> Result<HttpResponse, DirectLineRefusal> {
    let conversation = line.admit(&request, &id)?;
    let posted = line.post(&conversation, ClientActivity::parse(&body)?).await?;
    Ok(HttpResponse::Ok().json(posted.into_json()))
}

/// Answers `POST conversations/{conversation}/upload`: an activity with files.
pub(super) async fn post_files(
    request: HttpRequest,
    id: Path<String>,
    parts: Multipart,
    line: Data<DirectLine>,
    uploads: Data<Uploads>,
) -> Result<HttpResponse, DirectLineRefusal> {
    let conversation = line.admit(&request, &id)?;
    let activity = UploadForm::read(parts).await?.into_activity(&uploads)?;
    let posted = line.post(&conversation, activity).await?;
    Ok(HttpResponse::Ok().json(posted.into_json()))
}

/// Parses a body that may be empty.
fn parse_order<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, DirectLineRefusal> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body).map_err(|_| DirectLineRefusal::BadArgument("The body is not valid."))
}

fn uncached(mut answer: HttpResponseBuilder) -> HttpResponseBuilder {
    answer.insert_header(("Cache-Control", "no-store"));
    answer
}
