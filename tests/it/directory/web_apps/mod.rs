//! Web apps whose users share a session: those on real SDKs, and those of the stage.

mod real_appid;
mod real_appid_self_service;
mod real_openid_client;
mod real_self_service;
mod stage;
