//! The variables of OpenTelemetry's SDKs, which set nothing here.

use std::collections::BTreeSet;

use crate::config::review::{Place, Review};

use super::environment::Environment;

/// The prefix of the names (OpenTelemetry §Environment Variable Specification).
const PREFIX: &str = "OTEL_";

/// Reports each variable of OpenTelemetry that no secret in `secrets` refers to, with what to write instead: an operator who sets
/// one expects an effect.
pub(super) fn report_variables(environment: &Environment, secrets: &BTreeSet<String>, review: &mut Review<'_>) {
    let set = environment.variables().keys().filter(|name| name.starts_with(PREFIX) && !secrets.contains(*name));
    for name in set {
        let message = format!("this environment variable is unknown: {}", explain(name));
        review.report(&Place::root().key(name), message);
    }
}

fn explain(name: &str) -> &'static str {
    match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => {
            "unset it and write traces.endpoint, the same address with /v1/traces at its end and the collector's port for HTTP (4318)"
        }
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" => "unset it and write the address as traces.endpoint",
        "OTEL_EXPORTER_OTLP_HEADERS" | "OTEL_EXPORTER_OTLP_TRACES_HEADERS" => {
            "unset it and write each header in traces.headers, as { authorization = { env = \"NAME\" } }"
        }
        "OTEL_EXPORTER_OTLP_CERTIFICATE" | "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE" => {
            "unset it and write outbound.ca_file"
        }
        "OTEL_TRACES_SAMPLER" | "OTEL_TRACES_SAMPLER_ARG" => {
            "unset it and write the share of requests as traces.sample"
        }
        "OTEL_SERVICE_NAME" => "unset it and write traces.service_name",
        "OTEL_RESOURCE_ATTRIBUTES" => "unset it and write traces.attributes",
        "OTEL_SDK_DISABLED" | "OTEL_TRACES_EXPORTER" => {
            "unset it; traces are sent if the section traces is there, and only then"
        }
        _ => "unset it; the section traces has all settings of traces",
    }
}
