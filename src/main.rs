//! `bot-sso`: parses the arguments and hands over.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match bot_sso::cli::run(bot_sso::cli::Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Where standard error is closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr().lock(), "{}", bot_sso::cli::explain(&error));
            ExitCode::FAILURE
        }
    }
}
