//! The controls: commands that a test or a person sends to the stage over HTTP, below `/dev`.
//!
//! Owns the commands and the form of their bodies. It deliberately does not know the effect of a command: a command
//! sets switches, and the endpoints read them.

mod fault_order;
mod order_body;
mod orders;

use actix_web::web::{self, ServiceConfig};

/// The routes of the commands.
pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config
        .route("/dev/calls", web::get().to(orders::calls))
        .route("/dev/calls/reset", web::post().to(orders::reset_calls))
        .route("/dev/keys/rotate", web::post().to(orders::rotate_keys))
        .route("/dev/consent", web::post().to(orders::consent))
        .route("/dev/sessions", web::post().to(orders::sessions))
        .route("/dev/faults", web::post().to(fault_order::faults));
}
