//! The playground: what a developer sees beside the chat. Screenshots are in `target/test-logs/panel-*.png`.

mod events;
mod observed_stage;
mod panel;
mod silent_user;
mod switches;
