//! The page of the playground in a real browser, with the real Web Chat and the real MSAL, and the module of the gateway that
//! a site owner takes. Screenshots are in `target/test-logs/playground-*.png`.

mod addresses;
mod chat_page;
mod looks;
mod module;
mod visit;
