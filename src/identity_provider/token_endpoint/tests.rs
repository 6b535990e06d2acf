#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

#[test]
fn retry_after_is_seconds_or_a_date() {
    assert_eq!(retry_after(" 120 ", NOW), Some(Duration::from_mins(2)));
    assert_eq!(retry_after("Fri, 15 Jan 2027 08:01:00 GMT", NOW), Some(Duration::from_mins(1)));
    assert_eq!(retry_after("Fri, 15 Jan 2027 07:00:00 GMT", NOW), Some(Duration::ZERO));
    for nonsense in ["", "-1", "1.5", "soon", "99999999999999999999999"] {
        assert_eq!(retry_after(nonsense, NOW), None, "{nonsense}");
    }
}

#[test]
fn expires_on_serves_where_expires_in_is_absent() {
    let members = json!({"expires_on": "1800001800"});
    assert_eq!(lifetime(members.as_object().unwrap(), NOW), Duration::from_mins(30));
}

#[test]
fn numbers_are_found_in_free_text_and_absurd_ones_left_out() {
    assert_eq!(codes_in_text(b"AADSTS70002: x. AADSTS70008: y AADSTS99999999999 AADSTS"), [70002, 70008]);
    assert_eq!(codes_in_text("AADSTS\u{0663} AADSTS5".as_bytes()), [5]);
    let many = "AADSTS1 ".repeat(100);
    assert_eq!(codes_in_text(many.as_bytes()).len(), MOST_CODES);
}

#[test]
fn a_challenge_stays_verbatim() {
    let text = r#"{ "access_token" : {"acrs":{"essential":true}} }"#;
    assert_eq!(challenge(&json!(text)).as_deref(), Some(text));
    for nothing in [json!(""), json!("{}"), json!("[]"), json!("x"), json!(7), json!(null), json!({})] {
        assert_eq!(challenge(&nothing), None, "{nothing}");
    }
    let vast = format!(r#"{{"a":"{}"}}"#, "x".repeat(LONGEST_CLAIMS));
    assert_eq!(challenge(&json!(vast)), None);
}
