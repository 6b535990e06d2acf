//! The controls: what a test or a person orders the stage to do over HTTP, below `/dev`.
//!
//! Owns the orders and how they are written. It deliberately knows nothing of what an order leads to: it turns switches, and
//! the endpoints look at them.

mod fault_order;
mod order_body;
mod orders;

use actix_web::web::{self, ServiceConfig};

/// The routes of the orders.
pub(in crate::dev) fn routes(config: &mut ServiceConfig) {
    config
        .route("/dev/calls", web::get().to(orders::calls))
        .route("/dev/calls/reset", web::post().to(orders::reset_calls))
        .route("/dev/keys/rotate", web::post().to(orders::rotate_keys))
        .route("/dev/consent", web::post().to(orders::consent))
        .route("/dev/sessions", web::post().to(orders::sessions))
        .route("/dev/faults", web::post().to(fault_order::faults));
}
