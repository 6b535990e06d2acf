//! `bot-sso`: parses the arguments and runs the command that they name.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

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
