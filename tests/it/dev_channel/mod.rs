//! Direct Line of the stage: what a client of Web Chat gets, what the bot gets through the application, and who is refused.
//! The output of the unmodified client library is in `target/test-logs/direct-line-*.log`.

mod activities;
mod bots;
mod chat;
mod identities;
mod origins;
mod real_client;
mod streams;
mod teams;
mod teams_invokes;
mod teams_places;
mod tokens;
mod uploads;
