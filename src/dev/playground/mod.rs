//! The playground: a page at `/` on which a developer watches single sign-on happen in the real Web Chat.
//!
//! Owns the page, what it has to know of the stage, and the libraries of other people that it loads (`--web-chat`). It
//! deliberately knows nothing of exchanges: the page talks to Direct Line, to the tenant and to the gateway, as the page of
//! a real site does.

mod assets;
mod libraries;
mod page;
mod panel;
mod settings;

use actix_web::web::{self, ServiceConfig};

pub(in crate::dev) use libraries::WebChatLibraries;
pub(in crate::dev) use panel::{EventList, PanelServices, SignOuts, SwitchedServices, Switches};
pub(in crate::dev) use settings::PlaygroundFacts;

/// The routes of the page. The stage's listeners refuse foreign hosts and pages before them.
pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    panel::routes(config);
    config
        .route("/", web::get().to(page::show_page))
        .route("/playground/settings.json", web::get().to(settings::show_settings))
        .route("/playground/libraries/{file}", web::get().to(libraries::serve_library))
        .route(settings::REDIRECT_PATH, web::get().to(page::show_redirect_page));
    assets::routes(config);
}
