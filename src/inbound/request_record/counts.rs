use std::collections::HashMap;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};

use super::RequestId;
use crate::inbound::door::{Door, PublishedPath};
use crate::observability::{Count, Counters, Metrics, StatusCounts};

/// The label of what no operation answers.
const NONE: &str = "none";

/// Counts the answers of one listener by operation, and the callers that it refuses. The series are made when the
/// listener is built: a request looks its path up and makes none.
pub struct RequestCounts {
    paths: HashMap<&'static str, PathCounts>,
    unpublished: StatusCounts,
    counters: Arc<Counters>,
}

struct PathCounts {
    methods: Vec<MethodCounts>,
    /// Answers to methods that the path does not have.
    others: StatusCounts,
}

struct MethodCounts {
    method: &'static str,
    answers: StatusCounts,
}

impl RequestCounts {
    /// Counts the operations of `doors` in `metrics`.
    #[must_use]
    pub fn new(metrics: &Metrics, doors: &[&Door]) -> Self {
        let mut paths = HashMap::new();
        for door in doors {
            let label = door.name.to_ascii_lowercase().replace([' ', '-'], "_");
            for operation in door.operations {
                let path = paths
                    .entry(operation.path)
                    .or_insert_with(|| PathCounts { methods: Vec::new(), others: metrics.requests(&label, NONE) });
                let answers = metrics.requests(&label, (operation.description)().id());
                path.methods.push(MethodCounts { method: operation.method.as_str(), answers });
            }
        }
        Self { paths, unpublished: metrics.requests(NONE, NONE), counters: Arc::clone(metrics.counters()) }
    }

    fn find(&self, request: &HttpRequest) -> &StatusCounts {
        let published = request.app_data::<PublishedPath>().and_then(|path| self.paths.get(path.0));
        let Some(path) = published else { return &self.unpublished };
        let find = |method: &str| path.methods.iter().find(|counts| counts.method == method);
        let method = request.method();
        // A HEAD without an operation of its own is answered by GET's.
        let counted = find(method.as_str()).or_else(|| find("GET").filter(|_| method == Method::HEAD));
        counted.map_or(&path.others, |counts| &counts.answers)
    }

    /// Counts the answer to `request`, if its listener counts.
    pub(super) fn add(request: &HttpRequest, status: u16) {
        if let Some(counts) = request.app_data::<web::Data<Self>>() {
            counts.find(request).add(status);
        }
    }

    /// Counts that the caller of `request` was refused, if its listener counts.
    pub(in crate::inbound) fn add_refused_caller(request: &HttpRequest) {
        if let Some(counts) = request.app_data::<web::Data<Self>>() {
            counts.counters.add(Count::CallerRefused);
        }
    }
}

/// Gives each request its id and counts its answer, and logs none: for listeners that are called every few seconds.
///
/// # Errors
/// The errors of the inner service.
pub async fn count_request(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    RequestId::draw_for(&request);
    let response = next.call(request).await?;
    RequestCounts::add(response.request(), response.status().as_u16());
    Ok(response)
}
