//! `bot-sso`: parses the arguments and runs the command that they name.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

/// Used instead of the C library's allocator, which merges its free lists for the buffer of nearly each request. With this one
/// a first sign-in takes 10 % less CPU, and any request 6 to 8 % fewer instructions. The process has 2 MB more resident while
/// it is idle, and 5 % more with 45,000 users.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match bot_sso::cli::run(bot_sso::cli::Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            // If standard error is closed, the error cannot be reported anywhere.
            let _ = writeln!(std::io::stderr().lock(), "{}", bot_sso::cli::explain(&error));
            ExitCode::FAILURE
        }
    }
}
