//! Checks raw values and collects all problems.
//!
//! Owns the pass over a configuration ([`Review`]), the places and messages of its problems, and the checks that
//! several sections share: addresses, numbers, names, secrets, scopes. It deliberately knows no section and not how the
//! text was read, and gets the environment's variables as a parameter.

mod addresses;
mod cloud;
mod context;
mod findings;
mod joined_entries;
mod key_source;
mod near_match;
mod openid_options;
mod own_addresses;
mod place;
mod problems;
mod proposals;
mod revision;
mod right_forms;
mod scopes;
mod secrets;
mod value_sources;
mod values;

pub use key_source::KeySource;
pub use openid_options::{ClientAuthentication, ExchangeGrant, OpenIdOptions, TokenExchangeOptions};
pub use problems::{ConfigurationProblem, Problems};

pub(in crate::config) use addresses::PlainHttp;
pub(in crate::config) use cloud::{Cloud, CloudDefaults};
pub(in crate::config) use context::{Context, WrittenDirectory, WrittenProvider};
pub(in crate::config) use findings::{Conclusion, Hosts, KeyFileCheck, Review};
pub(in crate::config) use key_source::{WrittenKeys, metadata_at};
pub(in crate::config) use near_match::near_match;
pub(in crate::config) use openid_options::{PROMPT_FORM, is_parameter_name};
pub(in crate::config) use own_addresses::{
    find_host_name, find_local_addresses, find_written_address, is_loopback, is_unspecified,
};
pub(in crate::config) use place::{Place, Step};
pub(in crate::config) use proposals::{Finding, Proposal};
pub(in crate::config) use revision::RevisedSettings;
pub(in crate::config) use right_forms::{
    entries_of, has_unclear_port, right_listen_address, right_tenants, right_url, with_https, without_repetitions,
};
pub(in crate::config) use scopes::{exchange_uri, scope_hosts, validate_scopes};
pub(in crate::config) use secrets::{SECRET_FORM, SecretReference, WrittenExpiry, read_private};
pub(in crate::config) use value_sources::{SetByVariable, ValueSources};
pub(in crate::config) use values::WordOrList;
