//! The controls: commands that a test or a person sends to the stage over HTTP, below `/dev`.
//!
//! Owns the commands and the format of their bodies. It deliberately does not know what a command changes in an answer:
//! a command sets switches, and the endpoints read the switches.

mod command_body;
mod commands;
mod fault_command;
mod session_command;

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

use crate::dev::admission::admit_page_origins;

/// The routes of the commands.
pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config
        .route("/dev/calls", web::get().to(commands::show_calls))
        .route("/dev/calls/reset", web::post().to(commands::reset_calls))
        .route("/dev/keys/rotate", web::post().to(commands::rotate_keys))
        .route("/dev/consent", web::post().to(commands::give_consent))
        .route("/dev/sessions", web::post().to(commands::change_sessions))
        .service(
            web::resource("/dev/tenant-session")
                .wrap(from_fn(admit_page_origins))
                .route(web::post().to(session_command::change_tenant_session)),
        )
        .route("/dev/faults", web::post().to(fault_command::add_or_clear_faults));
}
