//! A code signs the user in to one connection, and mends nothing that another connection refuses.

use super::{Action, BOTH, authentication, outcome, text_of};
use crate::harness::{Harness, Options, activities};

fn options() -> Options {
    Options { bot: BOTH, ..Options::default() }
}

/// A gateway with a code of Cleo's for `connection`. Cleo has not consented to `graph`.
async fn start_with_code(connection: &str) -> (Harness, String) {
    let mut harness = Harness::with(options()).await;
    let cleo = harness.user("Cleo");
    harness.sign_in_resource(&activities::message(&harness, &cleo, "hello"), connection).await;
    let code = harness.issue_code(&options(), &cleo, connection, "the token behind the code").await;
    (harness, code)
}

#[tokio::test]
async fn a_code_for_another_connection_does_not_mend_the_refusal_of_the_token() {
    for action in [Action::Card, Action::Query, Action::Link] {
        let (harness, code) = start_with_code("mail").await;
        let mut more = authentication(&harness, "Cleo").await;
        more["state"] = code.into();
        let activity = action.of(&harness, "Cleo", &more);
        // The code is redeemed the first time, and was redeemed before the second time.
        for time in ["redeemed", "redeemed before"] {
            let answer = harness.post(&activity).await;
            assert_eq!(outcome(action, &answer), 412, "{action:?} {time}: {}", text_of(&answer));
        }
        assert!(harness.received_once_settled().await.is_empty(), "{action:?}");
        assert_eq!(harness.get_token("msteams", "29:cleo", "graph").await.status, 404, "{action:?}");
        let mail = harness.get_token("msteams", "29:cleo", "mail").await;
        assert_eq!(mail.json()["token"], "the token behind the code", "{action:?}: the user is signed in there");
    }
}

#[tokio::test]
async fn a_code_for_the_connection_of_the_refused_token_mends_it_also_when_it_is_repeated() {
    let (harness, code) = start_with_code("graph").await;
    let mut more = authentication(&harness, "Cleo").await;
    more["state"] = code.into();
    let activity = Action::Card.of(&harness, "Cleo", &more);
    for _ in 0..2 {
        let answer = harness.post(&activity).await;
        assert_eq!(answer.status, 200, "{}", text_of(&answer));
    }
    let received = harness.received_once_settled().await;
    assert_eq!(received.len(), 2);
    for activity in received {
        let value = activity.json()["value"].clone();
        assert!(value.get("authentication").is_none() && value.get("state").is_none(), "{value}");
    }
}
