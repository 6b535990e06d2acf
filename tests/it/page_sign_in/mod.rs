//! The sign-in that an add-in's dialog or an app's front end begins, as browsers see it
//! (docs/architecture.md §A sign-in without a chat).

mod addresses;
mod apps;
mod description;
mod dialog;
mod fixture;
mod needs;
mod outages;
mod real_browser;
mod repeats;
mod sign_out;
