//! The panel beside the chat: what the gateway does, live, and switches for what usually goes wrong.
//!
//! Owns the list of events, its stream, and the switches as a person sees them. It deliberately decides nothing: the gateway
//! tells what it does, and the parts of the stage read the switches.

mod event_json;
mod event_list;
mod event_stream;
mod events;
mod sign_outs;
mod switch_endpoints;
mod switches;

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};

use crate::dev::tenant::{Directory, TokenIssuer};

pub(in crate::dev) use event_list::EventList;
pub(in crate::dev) use sign_outs::SignOuts;
pub(in crate::dev) use switches::{SwitchedServices, Switches};

/// What the panel's endpoints use, beside the list of events.
pub(in crate::dev) struct PanelServices {
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) tokens: Arc<TokenIssuer>,
    pub(in crate::dev) switches: Switches,
    pub(in crate::dev) sign_outs: SignOuts,
}

/// The routes of the panel. Its files are among those of the page.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/playground/events", web::get().to(events::list_events))
        .route("/playground/events/stream", web::get().to(event_stream::open_stream))
        .route("/playground/events/{number}/claims", web::get().to(events::show_claims))
        .route("/playground/switches", web::get().to(switch_endpoints::show_switches))
        .route("/playground/switches", web::post().to(switch_endpoints::change_switches))
        .route("/playground/troubleshooting.md", web::get().to(events::show_troubleshooting));
}
