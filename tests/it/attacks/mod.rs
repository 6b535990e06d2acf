//! Strangers without credentials who try to make the service unavailable. The client of the harness plays the user who
//! must still be answered.

mod connections;
mod metrics;
mod operator;
mod operator_lockout;
mod stage;
mod stage_connections;
