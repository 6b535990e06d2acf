//! The program as an operator runs it: its own process, its files, its signals, its exit codes. What it calls is the
//! stage in the test's process.

mod admin_elements;
mod admin_user;
mod audit;
mod audit_events;
mod check_summary;
mod checking;
mod checking_openid;
mod command_line;
mod credentials;
mod development;
mod doctor;
mod durability;
mod earlier_store;
mod health_listener;
mod malformed_bytes;
mod network;
mod operations;
mod operations_health;
mod other_callers;
mod printed_texts;
mod refusals;
mod reload;
mod renewal;
pub mod setting;
mod skill_tokens;
mod stores;
mod worst_day;
