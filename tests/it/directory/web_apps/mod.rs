//! Web apps whose users share a session: those on real SDKs, and those of the stage.

mod real_appid;
mod real_openid_client;
mod stage;
