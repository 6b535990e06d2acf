#![no_main]

#[path = "../skill_checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::skill_activity(bytes));
