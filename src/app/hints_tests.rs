//! The operator's hints of all rooms: no two checks share a sentence, so a line of the log names one cause.
#![allow(clippy::panic)]

use std::collections::HashMap;

use crate::{endpoints, identity_provider, inbound, sign_in, token_validation};

#[test]
fn no_two_checks_of_the_program_share_a_hint() {
    let mut hints = identity_provider::list_hints();
    hints.extend(token_validation::list_hints());
    hints.extend(inbound::list_hints());
    hints.extend(sign_in::list_hints());
    hints.extend(endpoints::bot_gateway::list_hints());
    hints.extend(endpoints::directory::authorization::list_hints());
    hints.extend(endpoints::directory::logout::list_hints());
    hints.extend(endpoints::directory::redemption::list_hints());
    hints.extend(endpoints::page_sign_in::list_hints());
    hints.extend(endpoints::skill_host::list_hints());
    assert!(hints.len() > 400, "{}", hints.len());
    let mut cases: HashMap<&str, String> = HashMap::new();
    for (case, hint) in hints {
        assert!(!hint.is_empty(), "{case} has no hint");
        if let Some(other) = cases.insert(hint, case.clone()) {
            panic!("{case} and {other} share a hint: {hint}");
        }
    }
}
