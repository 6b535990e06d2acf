use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::Value;

use super::listener::{Call, ServiceOptions};
use super::{call, print_json};
use crate::cli::process::print;

/// Lets the service reload its configuration, and prints what came of it. Fails if nothing was applied.
pub(super) fn reload(options: &ServiceOptions) -> anyhow::Result<ExitCode> {
    let answer = call(options, &Call { method: "POST", path: &["admin", "reload"] })?;
    if options.json {
        print_json(&answer)?;
    } else {
        print(describe(&answer).trim_end())?;
    }
    Ok(if is_applied(&answer) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_applied(answer: &Value) -> bool {
    answer.get("applied").and_then(Value::as_bool).unwrap_or(false)
}

/// The answer in lines: what differs, what is in the way, what was read again.
fn describe(answer: &Value) -> String {
    let list = |name: &str| answer.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let texts = |name: &str| list(name).iter().filter_map(Value::as_str).collect::<Vec<_>>();
    let (differences, problems, mut text) = (texts("differences"), list("problems"), String::new());
    for difference in &differences {
        let _ = writeln!(text, "{difference}");
    }
    for problem in problems {
        let member = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
        let (path, message) = (member("path"), member("message"));
        let _ = writeln!(text, "problem: {path}{}{message}", if path.is_empty() { "" } else { ": " });
    }
    let said = match (is_applied(answer), differences.is_empty()) {
        (true, true) => "Nothing has changed in the configuration.",
        (true, false) => "The configuration is applied.",
        (false, _) => "Nothing of the configuration is applied.",
    };
    let _ = writeln!(text, "{said}");
    let renewed = texts("renewed");
    if !renewed.is_empty() {
        let _ = writeln!(text, "Read again: {}", renewed.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{describe, is_applied};

    #[test]
    fn differences_problems_and_what_was_read_again_have_lines_of_their_own() {
        let refused = json!({
            "applied": false,
            "differences": ["bots.helper: added", "server: listen changed"],
            "problems": [{"path": "server.listen", "message": "restart to apply"}, {"path": "", "message": "no file"}],
            "renewed": ["key_ring", "client_credentials"],
        });
        assert_eq!(
            describe(&refused),
            "bots.helper: added\nserver: listen changed\nproblem: server.listen: restart to apply\nproblem: no file\n\
             Nothing of the configuration is applied.\nRead again: key_ring, client_credentials\n"
        );
        assert!(!is_applied(&refused));
        let unchanged = json!({"applied": true, "differences": [], "problems": [], "renewed": []});
        assert_eq!(describe(&unchanged), "Nothing has changed in the configuration.\n");
        let applied = json!({"applied": true, "differences": ["bots.helper: removed"], "problems": [], "renewed": []});
        assert_eq!(describe(&applied), "bots.helper: removed\nThe configuration is applied.\n");
    }
}
