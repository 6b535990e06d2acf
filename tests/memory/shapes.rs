//! Texts that cost a careless parser many times their length.

/// A text and what it consists of.
pub struct Shape {
    pub name: &'static str,
    pub text: String,
}

/// JSON values of about `bytes` bytes.
pub fn json_values(bytes: usize) -> Vec<Shape> {
    let array = |element: &str| format!("[{}]", vec![element; bytes / (element.len() + 1)].join(","));
    let deep = |open: &str, close: &str, levels: usize| format!("{}0{}", open.repeat(levels), close.repeat(levels));
    let members = |name: &dyn Fn(usize) -> String| {
        let members: Vec<String> = (0..bytes / 9).map(|number| format!("\"{}\":0", name(number))).collect();
        format!("{{{}}}", members.join(","))
    };
    let string = |part: &str| format!("\"{}\"", part.repeat(bytes / part.len()));
    [
        ("empty objects", array("{}")),
        ("empty arrays", array("[]")),
        ("zeros", array("0")),
        ("negative zeros", array("-0")),
        ("floats", array("1e1")),
        ("large numbers", array("18446744073709551615")),
        ("nulls", array("null")),
        ("empty strings", array("\"\"")),
        ("strings with escapes", array("\"\\n\"")),
        ("objects with a member", array("{\"\":0}")),
        ("objects of objects", array("{\"\":{}}")),
        ("arrays with an element", array("[0]")),
        ("deep arrays", array(&deep("[", "]", 50))),
        ("deep objects", array(&deep("{\"a\":", "}", 50))),
        ("many short members", members(&|number| format!("{number:05x}"))),
        ("the same member again and again", members(&|_| String::from("a"))),
        ("a long string", string("x")),
        ("a long string of line ends", string("\\n")),
        ("a long string of surrogate pairs", string("\\ud83d\\ude00")),
        ("strings of which some have escapes", array(&format!("\"{}\",\"{}\\n\"", "x".repeat(40), "y".repeat(400)))),
    ]
    .map(|(name, text)| Shape { name, text })
    .into()
}
