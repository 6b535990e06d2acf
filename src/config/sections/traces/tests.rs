//! The section `traces`, and the variables of OpenTelemetry.
#![cfg(feature = "traces")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{MINIMAL, SECRET, read, read_with};
use crate::config::{Environment, TracesSection};

const ENDPOINT: &str = "endpoint = \"https://otel.example.com:4318/v1/traces\"";

fn with(lines: &str) -> String {
    format!("{MINIMAL}\n[traces]\n{lines}\n")
}

fn section(lines: &str) -> TracesSection {
    read(&with(lines)).unwrap_or_else(|problems| panic!("{problems}")).traces.unwrap()
}

#[test]
fn without_the_section_there_are_no_traces_and_with_it_one_request_of_ten_is_traced() {
    assert!(read(MINIMAL).unwrap().traces.is_none());
    let section = section(ENDPOINT);
    assert_eq!(section.endpoint.as_str(), "https://otel.example.com:4318/v1/traces");
    assert!((section.sample - 0.1).abs() < f64::EPSILON);
    assert_eq!(section.service_name, "bot-sso");
    assert!(section.headers.is_empty() && section.attributes.is_empty());
}

#[test]
fn a_share_may_be_a_whole_number_and_a_header_is_a_secret() {
    let lines = "sample = 1\nheaders = { X-Api-Key = { env = \"GRAPH_CLIENT_SECRET\" } }\n\
                 attributes = { \"deployment.environment.name\" = \"test\" }";
    let section = section(&format!("{ENDPOINT}\n{lines}"));
    assert!((section.sample - 1.0).abs() < f64::EPSILON);
    assert_eq!(section.headers["x-api-key"].expose(), "hunter2");
    assert_eq!(section.attributes["deployment.environment.name"], "test");
    assert!(!format!("{section:?}").contains("hunter2"));
}

#[test]
fn the_host_of_the_collector_opens_nothing_to_other_calls() {
    let configuration = read(&with("endpoint = \"http://127.0.0.2:4318/v1/traces\"")).unwrap();
    assert_eq!(configuration.literal_hosts(), ["127.0.0.1"]);
    assert_eq!(configuration.plain_http_hosts(), ["127.0.0.1"]);
}

#[test]
fn a_wrong_setting_is_one_problem_that_says_what_to_write() {
    for (lines, problem) in [
        ("", "traces.endpoint: is missing"),
        ("endpoint = \"http://127.0.0.1:4318\"", "write \"http://127.0.0.1:4318/v1/traces\""),
        ("endpoint = \"http://otel:4318/v1/traces\"", "allow_insecure_http = true"),
        ("endpoint = \"grpc://otel:4317\"", "traces.endpoint: "),
        (&format!("{ENDPOINT}\nsample = 1.5"), "traces.sample: 1.5 is no share"),
        (&format!("{ENDPOINT}\nsample = -1"), "traces.sample: -1 is no share"),
        (&format!("{ENDPOINT}\nheaders = {{ authorization = \"Bearer x\" }}"), "traces.headers.authorization: "),
        (&format!("{ENDPOINT}\nheaders = {{ host = {{ env = \"GRAPH_CLIENT_SECRET\" }} }}"), "traces.headers.host: "),
        (&format!("{ENDPOINT}\nservice_name = \"\""), "traces.service_name: "),
        (&format!("{ENDPOINT}\nendpont = 1"), "traces.endpont"),
    ] {
        let problems = read(&with(lines)).expect_err(lines).to_string();
        assert!(problems.contains(problem), "{lines}\n{problems}");
        assert_eq!(problems.lines().count(), 1, "{problems}");
    }
    let plain = "endpoint = \"http://otel:4318/v1/traces\"\nallow_insecure_http = true";
    assert_eq!(section(plain).endpoint.port(), Some(4318));
}

#[test]
fn every_variable_of_opentelemetry_is_a_problem_that_names_the_key_unless_a_secret_refers_to_it() {
    for (name, key) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "traces.endpoint"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "traces.endpoint"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "traces.headers"),
        ("OTEL_TRACES_SAMPLER_ARG", "traces.sample"),
        ("OTEL_SERVICE_NAME", "traces.service_name"),
        ("OTEL_RESOURCE_ATTRIBUTES", "traces.attributes"),
        ("OTEL_SDK_DISABLED", "section traces"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "section traces"),
    ] {
        for text in [MINIMAL, &with(ENDPOINT)] {
            let environment = Environment::of([SECRET, (name, "a-secret-value")]);
            let problems = read_with(text, &environment).expect_err(name).to_string();
            assert!(problems.contains(name) && problems.contains("unknown") && problems.contains(key), "{problems}");
            assert!(!problems.contains("a-secret-value"), "{problems}");
            assert_eq!(problems.lines().count(), 1, "{problems}");
        }
    }
    let named = with(&format!("{ENDPOINT}\nheaders = {{ authorization = {{ env = \"OTEL_AUTHORIZATION\" }} }}"));
    let environment = Environment::of([SECRET, ("OTEL_AUTHORIZATION", "Bearer x")]);
    assert!(read_with(&named, &environment).is_ok());
}
