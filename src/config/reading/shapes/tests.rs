use super::right_form;

#[test]
fn a_value_of_the_wrong_shape_has_its_right_form_written_out() {
    let number = "invalid type: string, expected u64";
    for (key, value, complaint, right) in [
        ("bot_timeout_ms", "\"15s\"", number, Some("15000")),
        ("bot_timeout_ms", "\"1.5 s\"", number, Some("1500")),
        ("bot_timeout_ms", "\"2m\"", number, Some("120000")),
        ("bot_timeout_ms", "\"15000\"", number, Some("15000")),
        ("bot_timeout_ms", "\"15_000ms\"", number, Some("15000")),
        ("bot_timeout_ms", "15000.0", number, Some("15000")),
        ("bot_timeout_ms", "[15000]", number, Some("15000")),
        ("pause_seconds", "\"2m\"", number, Some("120")),
        ("pause_seconds", "\"500ms\"", number, Some("1")),
        ("pause_minutes", "\"2 hours\"", number, Some("120")),
        ("l1_bytes", "\"64MB\"", number, Some("67108864")),
        ("l1_bytes", "\"64m\"", number, Some("67108864")),
        ("bot_timeout_ms", "\"2,5s\"", number, Some("2500")),
        ("bot_timeout_ms", "\"2.5 s\"", number, Some("2500")),
        ("bot_timeout_ms", "\"1.5 h\"", number, Some("5400000")),
        ("bot_timeout_ms", "\"PT15S\"", number, Some("15000")),
        ("bot_timeout_ms", "\"P1DT1H\"", number, Some("90000000")),
        ("bot_timeout_ms", "\"00:00:15\"", number, Some("15000")),
        ("bot_timeout_ms", "\"1,500 ms\"", number, Some("1500")),
        ("bot_timeout_ms", "\"\"", number, None),
        ("bot_timeout_ms", "\"PT\"", number, None),
        ("bot_timeout_ms", "\" \"", number, None),
        ("l1_bytes", "\"10 MB\"", number, Some("10485760")),
        ("l1_bytes", "\"512KiB\"", number, Some("524288")),
        ("l1_bytes", "\"1,5 GB\"", number, Some("1610612736")),
        ("l1_bytes", "\"00:00:15\"", number, None),
        ("consent_required", "\"412\"", "invalid type: string, expected u16", Some("412")),
        ("workers", "\"4\"", number, Some("4")),
        ("workers", "\"many\"", number, None),
        ("workers", "\"4s\"", number, None),
        ("bot_timeout_ms", "\"-1\"", number, None),
        ("allow_v1", "\"True\"", "invalid type: string, expected a boolean", Some("true")),
        ("allow_v1", "\"no\"", "invalid type: string, expected a boolean", Some("false")),
        ("allow_v1", "1", "invalid type: integer, expected a boolean", Some("true")),
        ("allow_v1", "\"maybe\"", "invalid type: string, expected a boolean", None),
        ("app_id", "5", "invalid type: integer, expected a string", Some("\"5\"")),
        ("file", "[\"a\"]", "invalid type: sequence, expected path string", Some("\"a\"")),
        ("bot_timeout_ms", "\"1m 30s\"", number, Some("90000")),
        ("bot_timeout_ms", "\"1 minute and 30 seconds\"", number, Some("90000")),
        ("bot_timeout_ms", "\"PT1M30S\"", number, Some("90000")),
        ("bot_timeout_ms", "\"15,000\"", number, Some("15000")),
        ("bot_timeout_ms", "\"15 parsecs\"", number, None),
        ("parent_requests_per_second", "\"500/s\"", number, Some("500")),
        ("user_exchanges_per_minute", "\"120 per minute\"", number, Some("120")),
        ("prompt", "[\"login\", \"consent\"]", "invalid type: sequence, expected a string", Some("\"login consent\"")),
        ("client_id", "[\"a\", \"b\"]", "invalid type: sequence, expected a string", None),
        ("authorize_params", "\"a=b&c=d\"", "invalid type: string, expected a map", Some("{ a = \"b\", c = \"d\" }")),
        ("listen", "3978", "invalid type: integer, expected a sequence", Some("[\"127.0.0.1:3978\"]")),
        ("listen", "\"127.0.0.1:1 [::1]:1\"", "expected a sequence", Some("[\"127.0.0.1:1\", \"[::1]:1\"]")),
        ("trusted_proxies", "\"[::1]\"", "expected a sequence", Some("[\"[::1]\"]")),
        ("scopes", "'[\"User.Read\", Mail.Read]'", "expected a sequence", Some("[\"User.Read\", \"Mail.Read\"]")),
        ("scopes", "\"User.Read, Mail.Read\"", "expected a sequence", Some("[\"User.Read\", \"Mail.Read\"]")),
    ] {
        let read = |value: &str| format!("value = {value}").parse::<toml::Table>().ok()?.remove("value");
        let found = read(value).and_then(|value| right_form(key, &value, complaint));
        assert_eq!(found.map(|right| right.value), right.and_then(read), "{key} = {value}");
    }
}
