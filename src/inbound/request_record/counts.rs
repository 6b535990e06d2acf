use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpMessage, HttpRequest, web};

use super::RequestId;
use crate::domain::ExchangeStep;
use crate::inbound::door::{Door, PublishedPath};
use crate::observability::{Count, Counters, Metrics, StatusCounts};
use crate::protocol::TokenExchangeState;

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
    /// The door's label.
    door: String,
    methods: Vec<MethodCounts>,
    /// Answers to methods that the path does not have.
    others: StatusCounts,
}

struct MethodCounts {
    method: &'static str,
    /// The operation's id.
    operation: String,
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
                let path = paths.entry(operation.path).or_insert_with(|| PathCounts {
                    door: label.clone(),
                    methods: Vec::new(),
                    others: metrics.requests(&label, NONE),
                });
                let description = (operation.description)();
                let answers = metrics.requests(&label, description.id());
                let (method, operation) = (operation.method.as_str(), description.id().to_owned());
                path.methods.push(MethodCounts { method, operation, answers });
            }
        }
        Self { paths, unpublished: metrics.requests(NONE, NONE), counters: Arc::clone(metrics.counters()) }
    }

    fn find(&self, request: &HttpRequest) -> &StatusCounts {
        let Some(path) = self.find_path(request) else { return &self.unpublished };
        path.find_method(request).map_or(&path.others, |counts| &counts.answers)
    }

    fn find_path(&self, request: &HttpRequest) -> Option<&PathCounts> {
        request.app_data::<PublishedPath>().and_then(|path| self.paths.get(path.0))
    }

    /// Counts the answer to `request`, if its listener counts.
    pub(super) fn add(request: &HttpRequest, status: u16) {
        if let Some(counts) = request.app_data::<web::Data<Self>>() {
            counts.find(request).add(status);
        }
    }

    /// Tells the observer of exchanges what happened in `request`, if its listener has one.
    pub(in crate::inbound) fn tell<'e>(
        request: &'e HttpRequest,
        correlation_id: &'e str,
        step: impl FnOnce() -> ExchangeStep<'e>,
    ) {
        if let Some(counts) = request.app_data::<web::Data<Self>>() {
            counts.counters.observation.tell(correlation_id, step);
        }
    }

    /// Tells the observer of exchanges of the answer to `request`, if there is one.
    pub(super) fn tell_answer(request: &HttpRequest, status: u16, took: Duration) {
        let counts = request.app_data::<web::Data<Self>>().filter(|counts| counts.counters.observation.wants_answers());
        let Some(counts) = counts else { return };
        let Some(path) = counts.find_path(request) else { return };
        let Some(method) = path.find_method(request) else { return };
        let extensions = request.extensions();
        let correlation_id = extensions.get::<RequestId>().map_or("", |id| id.0.as_str());
        counts.counters.observation.tell(correlation_id, || ExchangeStep::OperationAnswered {
            door: &path.door,
            operation: &method.operation,
            connection: find_connection(request.query_string()),
            status,
            took,
        });
    }

    /// Calls `tell` with the door and the operation that answer `request`, if there are any.
    pub(super) fn with_operation(request: &HttpRequest, tell: impl FnOnce(&str, &str)) {
        let path = request.app_data::<web::Data<Self>>().and_then(|counts| counts.find_path(request));
        if let Some(path) = path
            && let Some(method) = path.find_method(request)
        {
            tell(&path.door, &method.operation);
        }
    }

    /// Counts that the caller of `request` was refused, if its listener counts.
    pub(in crate::inbound) fn add_refused_caller(request: &HttpRequest) {
        if let Some(counts) = request.app_data::<web::Data<Self>>() {
            counts.counters.add(Count::CallerRefused);
        }
    }
}

impl PathCounts {
    /// The operation that answers `request`. A HEAD without an operation of its own is answered by GET's.
    fn find_method(&self, request: &HttpRequest) -> Option<&MethodCounts> {
        let method = request.method();
        let find = |name: &str| self.methods.iter().find(|counts| counts.method == name);
        find(method.as_str()).or_else(|| find("GET").filter(|_| method == Method::HEAD))
    }
}

/// The connection that a query names, by itself or in the `state` of an operation that offers a sign-in. The `state` of a
/// browser names none.
fn find_connection(query: &str) -> Option<Cow<'_, str>> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find_map(|(name, value)| match &*name.to_ascii_lowercase() {
        "connectionname" => Some(value),
        "state" => Some(Cow::Owned(TokenExchangeState::decode(&value).ok()?.connection_name)),
        _ => None,
    })
}
