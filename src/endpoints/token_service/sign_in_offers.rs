use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, web};

use super::begin_sign_in::{BegunSignIn, begin};
use super::replies::{Decline, json, ok};
use super::{Query, TokenService, admitted};
use crate::domain::Bot;
use crate::protocol::{CardAttachment, TokenExchangeState};

/// What a card says where the bot gives no words for it.
const TEXT: &str = "Please sign in to continue.";
const TITLE: &str = "Sign in";

/// `GET /api/botsignin/GetSignInResource`: what a card needs, the link and the resource to sign in silently for
/// (token-service-api §3.7).
pub(super) async fn get_sign_in_resource(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    let begun = offered(&http, &service).await;
    begun.and_then(|begun| json(&begun.resource)).unwrap_or_else(Decline::respond)
}

/// `GET /api/botsignin/GetSignInUrl`: the link alone, as text, or as a JSON string for the one client that asks for
/// nothing but JSON (token-service-api §3.6).
pub(super) async fn get_sign_in_url(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    let as_json = wants_json(&http);
    let begun = offered(&http, &service).await;
    let answer = begun.and_then(|begun| {
        let link = begun.resource.sign_in_link;
        if as_json { json(&link) } else { Ok(raw(link)) }
    });
    answer.unwrap_or_else(Decline::respond)
}

/// `GET /api/agentsignin/getSignInUrl`: the same, always as text: its one client reads that although it asks for JSON.
pub(super) async fn get_raw_sign_in_url(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    let begun = offered(&http, &service).await;
    begun.map_or_else(Decline::respond, |begun| raw(begun.resource.sign_in_link))
}

/// `GET /api/botsignin/GetOAuthCard`, which is ours: the complete attachment, so that a bot in any language can send it
/// (invoke-protocol §1.6). `text` and `title` are what it says.
pub(super) async fn get_oauth_card(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    card(&http, &service).await.unwrap_or_else(Decline::respond)
}

async fn card(http: &HttpRequest, service: &TokenService) -> Result<HttpResponse, Decline> {
    let (bot, query) = admitted(service, http).await?;
    let begun = begin_for(service, &bot, &query).await?;
    let (text, title) = (query.find("text").unwrap_or(TEXT), query.find("title").unwrap_or(TITLE));
    json(&CardAttachment::new(begun.channel.as_str(), &begun.connection_name, text, title, &begun.resource))
}

async fn offered(http: &HttpRequest, service: &TokenService) -> Result<BegunSignIn, Decline> {
    let (bot, query) = admitted(service, http).await?;
    begin_for(service, &bot, &query).await
}

async fn begin_for(service: &TokenService, bot: &Bot, query: &Query<'_>) -> Result<BegunSignIn, Decline> {
    let state = TokenExchangeState::decode(query.get("state")?).map_err(Decline::BadArgument)?;
    begin(service, bot, state, query.find("finalRedirect")).await
}

fn raw(link: String) -> HttpResponse {
    ok().content_type("text/plain; charset=utf-8").body(link)
}

/// Only JSON is asked for: neither text nor anything at all would do.
fn wants_json(http: &HttpRequest) -> bool {
    let values = http.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let accepted: Vec<_> = values.flat_map(|value| value.split(',')).map(media_type).collect();
    let accepts = |name: &str| accepted.iter().any(|range| range == name);
    accepts("application/json") && !accepts("text/plain") && !accepts("*/*")
}

fn media_type(range: &str) -> String {
    range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
