use std::sync::Arc;
use std::time::Duration;

use actix_web::web;

use super::Rooms;
use crate::config::Configuration;
use crate::domain::SharedEntropy;
use crate::endpoints::{bot_gateway, operations, sign_in_pages, token_service};
use crate::exchange::{CurrentTokens, ExchangeEngine, ResourceTokens, SignOut};
use crate::inbound::{BodyLimits, TrustedProxies};
use crate::sign_in::{FlowParts, SignInFlow};

/// A request's body must have arrived within this.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The doors' states; shared by all workers.
#[derive(Clone)]
pub(super) struct Doors {
    pub(super) gateway: web::Data<bot_gateway::BotGateway>,
    pub(super) token_service: web::Data<token_service::TokenService>,
    pub(super) sign_in_pages: web::Data<sign_in_pages::SignInPages>,
    /// On a listener of its own, if at all.
    pub(super) operations: Option<web::Data<operations::Operations>>,
    pub(super) proxies: web::Data<TrustedProxies>,
    pub(super) entropy: web::Data<SharedEntropy>,
}

/// Gives each door what it works with.
pub(super) fn open_doors(config: &Configuration, rooms: &Rooms) -> Doors {
    let limits = BodyLimits { bytes: config.server.body_limit_bytes, time: BODY_TIME };
    let gateway = bot_gateway::BotGateway {
        callers: rooms.callers.clone(),
        directory: rooms.directory.clone(),
        validators: rooms.validators.clone(),
        engine: Arc::new(ExchangeEngine::new(rooms.parts.clone())),
        pending: rooms.parts.pending.clone(),
        exchange_names: rooms.parts.exchange_names.clone(),
        codes: rooms.codes.clone(),
        rates: rooms.parts.rates.clone(),
        delivery: rooms.delivery.clone(),
        bots: rooms.bots.clone(),
        counters: rooms.counters.clone(),
        entropy: rooms.ambient.entropy.clone(),
        limits,
        bot_timeout: config.outbound.bot_timeout,
        statuses: config.statuses.clone(),
    };
    let sign_out = SignOut::new(rooms.parts.clone(), rooms.directory.clone(), vec![rooms.magic_codes.clone()]);
    let tokens = CurrentTokens::new(rooms.parts.clone());
    let token_service = token_service::TokenService {
        callers: rooms.callers.clone(),
        directory: rooms.directory.clone(),
        resources: ResourceTokens::new(rooms.parts.clone(), tokens.clone(), rooms.validators.clone()),
        tokens,
        engine: Arc::new(ExchangeEngine::new(rooms.parts.clone())),
        sign_out: sign_out.clone(),
        codes: rooms.codes.clone(),
        rates: rooms.parts.rates.clone(),
        validators: rooms.validators.clone(),
        pending: rooms.parts.pending.clone(),
        public_url: config.server.public_url.clone(),
        final_redirects: config.sign_in.final_redirects.clone(),
        limits,
        entropy: rooms.ambient.entropy.clone(),
        counters: rooms.counters.clone(),
    };
    let operations = rooms.admin_token.clone().map(|admin_token| operations::Operations { admin_token, sign_out });
    Doors {
        gateway: web::Data::new(gateway),
        token_service: web::Data::new(token_service),
        sign_in_pages: web::Data::new(sign_in_pages_of(config, rooms, limits)),
        operations: operations.map(web::Data::new),
        proxies: web::Data::new(TrustedProxies(config.server.trusted_proxies.clone())),
        entropy: web::Data::new(rooms.ambient.entropy.clone()),
    }
}

fn sign_in_pages_of(config: &Configuration, rooms: &Rooms, limits: BodyLimits) -> sign_in_pages::SignInPages {
    let public_url = config.server.public_url.clone();
    let mut redirect_uri = public_url.clone();
    redirect_uri.set_path(sign_in_pages::REDIRECT_PATH);
    let flow = SignInFlow::new(FlowParts {
        exchange: rooms.parts.clone(),
        browsers: rooms.browsers.clone(),
        codes: rooms.magic_codes.clone(),
        id_tokens: rooms.id_tokens.clone(),
        directory: rooms.directory.clone(),
        redirect_uri,
    });
    sign_in_pages::SignInPages {
        flow,
        public_url,
        teams_library: config.sign_in.teams_library_url.clone(),
        frame_ancestors: config.sign_in.frame_ancestors.clone(),
        limits,
        entropy: rooms.ambient.entropy.clone(),
    }
}
