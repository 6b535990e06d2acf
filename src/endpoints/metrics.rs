//! The door of metrics, on the operator's listeners.
//!
//! Owns the path, the optional bearer and the choice of the text format. It deliberately knows no metric.

use std::sync::Arc;

use actix_web::http::header::{ACCEPT, HeaderMap, VARY};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::inbound::{Answer, Description, Door, ExpectedBearer, LetterCase, Method, Operation, Problem};
use crate::observability::{Metrics, MetricsFormat};

/// The media type of `OpenMetrics`.
const OPEN_METRICS: &str = "application/openmetrics-text";

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Metrics",
    description: "Numbers for the monitoring system.",
    bearer: "For metrics: `operations.metrics_token`, if it is set.",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

const OPERATIONS: &[Operation] = &[Operation {
    method: Method::Get,
    path: "/metrics",
    route: |route| route.to(answer),
    description: || {
        let text = "The text format of Prometheus 0.0.4, or OpenMetrics 1.0 if `Accept` names it.";
        Description::new("GetMetrics", "The metrics of the process.")
            .optional_bearer()
            .answer(200, Answer::empty(text).or_metrics())
            .error(401, "`operations.metrics_token` is set, and the bearer is absent or another one.")
            .error(503, "The metrics cannot be rendered.")
    },
}];

/// The state of this door.
pub struct MetricsPage {
    metrics: Arc<Metrics>,
    bearer: Option<ExpectedBearer>,
}

impl MetricsPage {
    /// Shows `metrics`, to callers with `bearer` alone if there is one.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, bearer: Option<ExpectedBearer>) -> Self {
        Self { metrics, bearer }
    }
}

/// Adds this door's path.
pub fn configure(config: &mut web::ServiceConfig, page: web::Data<MetricsPage>) {
    config.app_data(page);
    DOOR.add_routes(config);
}

/// `GET /metrics`.
async fn answer(http: HttpRequest, page: web::Data<MetricsPage>) -> HttpResponse {
    // The listener's guard logs refusals, since it counts them.
    if let Some(Err(problem)) = page.bearer.as_ref().map(|bearer| bearer.check(http.headers())) {
        return problem.respond();
    }
    let (metrics, format) = (Arc::clone(&page.metrics), choose_format(http.headers()));
    // Rendering reads the sizes of files.
    match web::block(move || metrics.render(format)).await {
        Ok(Ok(text)) => {
            HttpResponse::Ok().content_type(format.content_type()).insert_header((VARY, "Accept")).body(text)
        }
        _ => Problem::ServiceUnavailable.respond(),
    }
}

/// `OpenMetrics` if the caller names it without refusing it, else the format of Prometheus, which every reader knows.
fn choose_format(headers: &HeaderMap) -> MetricsFormat {
    let named = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let is_wanted = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|media_type| media_type.eq_ignore_ascii_case(OPEN_METRICS));
        let is_refused =
            |part: &str| part.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0);
        is_named && !parts.any(is_refused)
    };
    if named.into_iter().any(is_wanted) { MetricsFormat::OpenMetrics } else { MetricsFormat::Prometheus }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn open_metrics_is_chosen_where_the_caller_names_it() {
        for (accept, format) in [
            ("", MetricsFormat::Prometheus),
            ("*/*", MetricsFormat::Prometheus),
            ("text/plain;version=0.0.4", MetricsFormat::Prometheus),
            (
                "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                MetricsFormat::OpenMetrics,
            ),
            ("text/plain;q=0.5, Application/OpenMetrics-Text; version=1.0.0; q=0.9", MetricsFormat::OpenMetrics),
            ("application/openmetrics-text;q=0, text/plain", MetricsFormat::Prometheus),
        ] {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_str(accept) {
                headers.insert(ACCEPT, value);
            }
            assert_eq!(choose_format(&headers), format, "{accept}");
        }
    }
}
