#![no_main]

#[path = "../oauth_checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::client_credentials(bytes));
