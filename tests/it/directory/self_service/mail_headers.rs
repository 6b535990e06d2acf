//! Attacks on the headers of messages: addresses and names with line breaks, further recipients, or whole headers in them.

use std::collections::BTreeSet;

use super::setting::{EVERYTHING, NEW_EMAIL, NEW_PASSWORD, SelfService, fill_in};
use crate::directory::fixture::{ADA, MARKET, SHOP};

const ATTACKER: &str = "attacker@evil.example";

/// What somebody types as an address so that another person gets the message, or so that it has another header.
const ADDRESSES: [&str; 9] = [
    "victim@contoso.example\r\nBcc: attacker@evil.example",
    "victim@contoso.example\nBcc:attacker@evil.example",
    "victim@contoso.example%0d%0aBcc:%20attacker@evil.example",
    "victim@contoso.example,attacker@evil.example",
    "victim,attacker@evil.example",
    "<attacker@evil.example>",
    "\"victim\r\nBcc:attacker\"@evil.example",
    "victim(attacker)@evil.example",
    "victim>\r\nRCPT:TO:<attacker@evil.example",
];

const NAMES: [&str; 4] = [
    "Grace\r\nBcc: attacker@evil.example",
    "Grace\r\n\r\n.\r\nRCPT TO:<attacker@evil.example>",
    "Your account is locked, open https://evil.example/",
    "evil.example",
];

#[tokio::test]
async fn no_text_of_a_user_is_in_a_header_or_has_another_recipient() {
    let service = SelfService::with(&format!("{EVERYTHING}confirmation = \"asked\"\nwelcome_mail = true\n")).await;
    let url = SelfService::page(&SHOP, "sign_up", &[]);
    for address in ADDRESSES {
        let typed = [("email", address), ("name", "Grace"), ("password", NEW_PASSWORD)];
        let answer = fill_in(&mut service.browser(), &url, &typed).await;
        assert!(matches!(answer.status, 303 | 400), "{address:?}: {}", answer.status);
    }
    for (number, name) in NAMES.into_iter().enumerate() {
        let address = format!("grace{number}@contoso.example");
        let typed = [("email", address.as_str()), ("name", name), ("password", NEW_PASSWORD)];
        let answer = fill_in(&mut service.browser(), &url, &typed).await;
        assert!(matches!(answer.status, 303 | 400), "{name:?}: {}", answer.status);
    }
    let forgotten = SelfService::page(&SHOP, "forgot_password", &[]);
    for address in ADDRESSES {
        let answer = fill_in(&mut service.browser(), &forgotten, &[("username", address)]).await;
        assert!(matches!(answer.status, 303 | 400), "{address:?}: {}", answer.status);
    }
    // Messages leave one after the other: all of the above have left before this one.
    service.directories.create_user(&MARKET, &ADA).await;
    fill_in(&mut service.browser(), &forgotten, &[("username", ADA.email)]).await;
    service.mailbox.wait_for(ADA.email, 1).await;
    let mut recipients = BTreeSet::new();
    for file in std::fs::read_dir(service.mailbox.path()).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        recipients.insert(expect_own_headers(&text));
        assert!(!text.contains("evil.example"), "{text}");
    }
    let may_be: BTreeSet<_> = (0..NAMES.len()).map(|number| format!("grace{number}@contoso.example")).collect();
    assert!(recipients.remove(ADA.email) && recipients.is_subset(&may_be), "{recipients:?}");
}

/// Expects exactly the headers of bot-sso, and returns the recipient.
fn expect_own_headers(text: &str) -> String {
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let lines: Vec<_> = head.split("\r\n").filter(|line| !line.starts_with(' ')).collect();
    let names: BTreeSet<_> = lines.iter().map(|line| line.split_once(": ").unwrap().0).collect();
    let ours = [
        "Auto-Submitted",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
        "X-Bot-SSO-Directory",
    ];
    assert_eq!((names, lines.len()), (BTreeSet::from(ours), ours.len()), "{head}");
    assert!(!head.contains(ATTACKER) && !head.replace("\r\n", "").contains(['\r', '\n']), "{head}");
    lines.iter().find_map(|line| line.strip_prefix("To: ")).unwrap().to_owned()
}

#[tokio::test]
async fn a_message_greets_nobody_by_a_name_that_could_be_a_link() {
    let service = SelfService::with(&format!("{EVERYTHING}confirmation = \"asked\"\n")).await;
    let url = SelfService::page(&SHOP, "sign_up", &[]);
    for (email, name, greeting) in [
        (NEW_EMAIL, "Grace Hopper", "Hello Grace Hopper,\n"),
        ("mallory@contoso.example", "evil.example", "Hello,\n"),
        ("eve@contoso.example", "Click https://evil.example/ now", "Hello,\n"),
    ] {
        let typed = [("email", email), ("name", name), ("password", NEW_PASSWORD)];
        assert_eq!(fill_in(&mut service.browser(), &url, &typed).await.status, 303, "{name}");
        let text = service.mailbox.wait_for(email, 1).await.text;
        assert!(text.starts_with(greeting) && !text.contains("evil.example"), "{text}");
    }
}
