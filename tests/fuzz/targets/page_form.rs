#![no_main]
#![allow(dead_code, reason = "a target runs one of the checks")]

#[path = "../sign_in_checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::page_form(bytes));
