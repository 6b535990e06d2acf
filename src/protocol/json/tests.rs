#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
use serde_json::Value;

use super::slots::MAX_NODES;
use super::*;

fn is_unambiguous(bytes: &[u8]) -> bool {
    JsonDocument::parse_unambiguous(bytes).is_ok()
}

#[test]
fn duplicate_members_are_refused_at_any_depth_and_size() {
    assert!(!is_unambiguous(br#"{"a":1,"a":2}"#));
    assert!(!is_unambiguous(br#"{"a":[{"b":{"c":1,"c":1}}]}"#));
    assert!(!is_unambiguous(br#"{"a":1,"\u0061":2}"#));
    let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\":0")).collect();
    assert!(is_unambiguous(format!("{{{}}}", many.join(",")).as_bytes()));
    for repeated in [3, 30, 99] {
        assert!(!is_unambiguous(format!("{{{},\"k{repeated}\":1}}", many.join(",")).as_bytes()));
    }
    let exactly = |members: &[String]| is_unambiguous(format!("{{{}}}", members.join(",")).as_bytes());
    assert!(exactly(many.get(..24).unwrap()) && exactly(many.get(..25).unwrap()));
}

#[test]
fn nesting_is_bounded_and_trailing_bytes_are_refused() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(is_unambiguous(deep(64).as_bytes()));
    assert!(!is_unambiguous(deep(65).as_bytes()));
    assert!(!is_unambiguous(b"{} {}"));
    assert!(!is_unambiguous(b"\xef\xbb\xbf{}"));
}

#[test]
fn the_number_of_nodes_is_bounded() {
    let array = |elements: usize| format!("[{}0]", "0,".repeat(elements - 1));
    assert!(JsonDocument::parse(array(MAX_NODES - 1).as_bytes()).is_ok());
    let error = JsonDocument::parse(array(MAX_NODES).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("too many nodes"), "{error}");
}

#[test]
fn a_member_in_two_letter_cases_is_refused() {
    let document = JsonDocument::parse(br#"{"Token":"a","token":"b","id":"x"}"#).unwrap();
    assert!(document.root().get_any_case("token").is_err());
    assert_eq!(document.root().get_any_case("ID").unwrap().and_then(Node::as_str), Some("x"));
}

/// Whether `node` holds `value`; numbers other than small whole ones are not kept.
fn is_same(node: Node<'_>, value: &Value) -> bool {
    match (node, value) {
        (Node::Null, Value::Null) | (Node::Number(None), Value::Number(_)) => true,
        (Node::Bool(read), Value::Bool(written)) => read == *written,
        (Node::Number(Some(read)), Value::Number(written)) => written.as_u64() == Some(read.into()),
        (Node::String(read), Value::String(written)) => read == written,
        (Node::Array(_), Value::Array(written)) => {
            let read: Vec<Node<'_>> = node.elements().collect();
            read.len() == written.len() && read.iter().zip(written).all(|(node, value)| is_same(*node, value))
        }
        (Node::Object(_), Value::Object(written)) => {
            node.members().count() == written.len()
                && node.members().all(|(name, node)| written.get(name).is_some_and(|value| is_same(node, value)))
        }
        _ => false,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// JSON of objects whose names are few, so that some occur twice. `\u0061` is another spelling of `a`.
fn any_json_with_few_names() -> impl Strategy<Value = String> {
    let name =
        proptest::sample::select(vec!["a", "\\u0061", "b", "ab", "ba", "aba", "type", "name", "id", "", "\u{e9}"]);
    Just("0".to_owned()).prop_recursive(4, 24, 4, move |inner| {
        let members = proptest::collection::vec((name.clone(), inner), 0..4);
        members.prop_map(|members| {
            let members = members.into_iter().map(|(name, value)| format!("\"{name}\":[{value}]"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        })
    })
}

/// Whether an object in `node` has a name twice: what the parser's own search is compared with.
fn repeats_a_name(node: Node<'_>) -> bool {
    let names: Vec<&str> = node.members().map(|(name, _)| name).collect();
    let is_repeated = |(index, name): (usize, &&str)| names.iter().skip(index + 1).any(|other| other == name);
    names.iter().enumerate().any(is_repeated)
        || node.members().map(|(_, value)| value).chain(node.elements()).any(repeats_a_name)
}

/// What a string may have, and what it must not have.
#[rustfmt::skip]
const PIECES: [&str; 25] = [
    "eyJ", "a.b-c_d", "0123456789abcdef0123456789abcdef", "\u{e9}", "\u{212a}", "\u{1f600}", "\u{7f}", " ", "{", ":",
    r"\n", r"\/", "\\\"", r"\\", r"\u0074", r"\u001f", r"\ud83d\ude00", r"\ud83d", r"\ude00", r"\x", r"\u12",
    "\u{1f}", "\n", "\0", "\"",
];
/// What follows a string, where only the first ends are those of whole documents.
const ENDS: [&str; 9] =
    [r#""}]"#, r#"","a":"b"}]"#, r#"","token":""}]"#, r#""}"#, r#"""}]"#, r#"":1}]"#, "]", r"\", ""];

/// JSON, mostly, with a member whose value is a string of odd pieces. Its name is `name`.
fn text_with_member(name: &str, [space, end]: [&str; 2], pieces: &[&str]) -> String {
    format!("[{{\"id\":1,\"{name}\"{space}:{space}\"{}{end}", pieces.concat())
}

/// All of `node`, with the names and the order of members.
fn describe(node: Node<'_>) -> String {
    match node {
        Node::Array(_) => format!("{:?}", node.elements().map(describe).collect::<Vec<_>>()),
        Node::Object(_) => {
            format!("{:?}", node.members().map(|(name, value)| (name, describe(value))).collect::<Vec<_>>())
        }
        _ => format!("{node:?}"),
    }
}

fn describe_text(text: &str) -> Result<String, String> {
    JsonDocument::parse(text.as_bytes()).map(|document| describe(document.root())).map_err(|error| error.to_string())
}

proptest! {
    #[test]
    fn repeated_names_are_found_where_a_plain_search_finds_them(text in any_json_with_few_names()) {
        let document = JsonDocument::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(document.has_repeated_members(), repeats_a_name(document.root()), "{}", text);
    }

    #[test]
    fn parsing_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = JsonDocument::parse_unambiguous(&bytes);
    }

    #[test]
    fn a_document_is_parsed_as_serde_json_parses_it(value in any_json()) {
        let bytes = serde_json::to_vec(&value).unwrap();
        prop_assert!(is_same(JsonDocument::parse_unambiguous(&bytes).unwrap().root(), &value));
    }

    /// Tokens are read in another way than other strings, so each text is compared with the same under another name.
    #[test]
    fn a_token_is_read_like_any_other_string(
        spaces in proptest::sample::select(vec!["", " ", "\n"]),
        end in proptest::sample::select(&ENDS),
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES), 0..8),
    ) {
        let [as_token, as_other] = ["token", "tokem"].map(|name| text_with_member(name, [spaces, end], &pieces));
        let expected = describe_text(&as_other).map(|tree| tree.replacen("tokem", "token", 1));
        prop_assert_eq!(describe_text(&as_token), expected, "{}", as_token);
        prop_assert_eq!(describe_text(&as_token).is_ok(), serde_json::from_str::<Value>(&as_token).is_ok(), "{}", as_token);
    }
}
