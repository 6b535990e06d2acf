use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, web};

use super::begin_sign_in::{BegunSignIn, OfferForm, RequestedOffer, begin};
use super::replies::{Decline, json, ok};
use super::{Query, TokenService, admit};
use crate::domain::Bot;
use crate::protocol::{CardAttachment, CardTexts, TokenExchangeState};

/// The texts of a card if the bot sends none.
const DEFAULT_TEXT: &str = "Please sign in to continue.";
const DEFAULT_TITLE: &str = "Sign in";

/// `GET /api/botsignin/GetSignInResource`: what a card needs, the link and the resource for silent sign-in
/// (docs/protocols/token-service-api.md §3.7).
pub(super) async fn get_sign_in_resource(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    let begun = begin_for_request(&http, &service, OfferForm::Resource).await;
    begun.and_then(|begun| json(&begun.resource)).unwrap_or_else(Decline::respond)
}

/// `GET /api/botsignin/GetSignInUrl`: the link alone, as text, or as a JSON string for the one client that accepts
/// nothing but JSON (docs/protocols/token-service-api.md §3.6).
pub(super) async fn get_sign_in_url(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    let as_json = wants_json(&http);
    let begun = begin_for_request(&http, &service, OfferForm::Link).await;
    let answer = begun.and_then(|begun| {
        let link = begun.resource.sign_in_link;
        if as_json { json(&link) } else { Ok(text_reply(link)) }
    });
    answer.unwrap_or_else(Decline::respond)
}

/// `GET /api/agentsignin/getSignInUrl`: the link alone, always as text: its one client reads text although its `Accept`
/// says JSON.
pub(super) async fn get_raw_sign_in_url(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    let begun = begin_for_request(&http, &service, OfferForm::Link).await;
    begun.map_or_else(Decline::respond, |begun| text_reply(begun.resource.sign_in_link))
}

/// `GET /api/botsignin/GetOAuthCard`, an extension of bot-sso: the complete attachment with a card, so that a bot in
/// any language can send one (docs/protocols/invoke-protocol.md §1.6). `text` and `title` are the card's texts.
pub(super) async fn get_oauth_card(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    build_card(&http, &service).await.unwrap_or_else(Decline::respond)
}

async fn build_card(http: &HttpRequest, service: &TokenService) -> Result<HttpResponse, Decline> {
    let (bot, query) = admit(service, http).await?;
    let begun = begin_for_query(service, &bot, &query, OfferForm::Card).await?;
    let texts = CardTexts {
        text: query.find("text").unwrap_or(DEFAULT_TEXT),
        title: query.find("title").unwrap_or(DEFAULT_TITLE),
    };
    json(&CardAttachment::new(begun.channel, &begun.connection_name, texts, &begun.resource))
}

async fn begin_for_request(
    http: &HttpRequest,
    service: &TokenService,
    form: OfferForm,
) -> Result<BegunSignIn, Decline> {
    let (bot, query) = admit(service, http).await?;
    begin_for_query(service, &bot, &query, form).await
}

async fn begin_for_query(
    service: &TokenService,
    bot: &Bot,
    query: &Query<'_>,
    form: OfferForm,
) -> Result<BegunSignIn, Decline> {
    let state = TokenExchangeState::decode(query.get("state")?).map_err(Decline::BadArgument)?;
    begin(service, bot, state, RequestedOffer { form, final_redirect: query.find("finalRedirect") }).await
}

fn text_reply(link: String) -> HttpResponse {
    ok().content_type("text/plain; charset=utf-8").body(link)
}

/// Whether `Accept` has JSON and neither text nor `*/*`.
fn wants_json(http: &HttpRequest) -> bool {
    let values = http.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let accepted: Vec<_> = values.flat_map(|value| value.split(',')).map(media_type).collect();
    let accepts = |name: &str| accepted.iter().any(|range| range == name);
    accepts("application/json") && !accepts("text/plain") && !accepts("*/*")
}

fn media_type(range: &str) -> String {
    range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
