//! The page of the playground in a real browser, with the real Web Chat and the real MSAL, the module of the gateway that a
//! site owner takes, and the panel beside the chat. Screenshots are in `target/test-logs/playground-*.png` and
//! `panel-*.png`.

mod addresses;
mod chat_page;
mod events;
mod looks;
mod module;
mod observed_stage;
mod panel;
mod sayings;
mod silent_user;
mod skills;
mod switches;
mod visit;
