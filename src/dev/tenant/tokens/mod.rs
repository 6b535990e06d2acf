//! The tenants' tokens: their claims, signatures and checks.
//!
//! Owns the claims of every kind of token and the keys that sign them. It deliberately does not decide who gets a token:
//! the grants, the login page and the managed identity endpoint decide that.

mod checks;
mod issuer;
mod tenant_keys;

pub(in crate::dev) use issuer::{TOKEN_LIFETIME, TokenIssuer, UserTokenRequest, agent_subject, client_info};
pub(in crate::dev) use tenant_keys::TenantKeys;
