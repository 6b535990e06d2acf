//! Users of a directory who sign in at other identity providers: an unmodified `oidc-provider`, and the local tenant.

pub mod fixture;
mod link_attacks;
mod links;
mod real_browser;
mod returns;
mod sign_in;
mod take_over;
