//! Agents and the Agent 365 platform (docs/protocols/agent-identity.md §6). The numbered cases are those of
//! docs/protocols/agent-identity.md §7.

mod address_kinds;
mod clients;
mod fixture;
mod lifecycle;
mod platform;
mod stage;
mod statements;
mod token_service;
mod versions;

use self::fixture::Fixture;
