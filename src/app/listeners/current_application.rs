use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use actix_http::Request;
use actix_service::{Service, ServiceFactory};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

/// Counts the applications that a listener has served. Its workers compare it before each request.
#[derive(Debug, Default)]
pub(in crate::app) struct Generation(AtomicU64);

impl Generation {
    /// Lets each worker build its application anew before its next request. What the application is built from must have been
    /// replaced before.
    pub(in crate::app) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    fn number(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Builds the application of one worker; `None` if it cannot be built, which is logged.
pub(super) type BuildApplication<S> = Rc<dyn Fn() -> LocalBoxFuture<'static, Option<S>>>;

/// The application of the present generation. A request goes on in the application in which it began, also a stream that it
/// was upgraded to; connections stay open.
pub(super) struct CurrentApplication<S> {
    pub(super) build: BuildApplication<S>,
    pub(super) generation: Arc<Generation>,
}

impl<S: Service<Request> + 'static> ServiceFactory<Request> for CurrentApplication<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Config = ();
    type Service = CurrentService<S>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<CurrentService<S>, ()>>;

    fn new_service(&self, _config: ()) -> Self::Future {
        let (build, generation) = (self.build.clone(), self.generation.clone());
        Box::pin(async move {
            // Read first: what is replaced meanwhile is built into a later application.
            let number = generation.number();
            let current = build().await.ok_or(())?;
            Ok(CurrentService { build, generation, number: Cell::new(number), current: RefCell::new(current) })
        })
    }
}

/// The service of one worker.
pub(super) struct CurrentService<S> {
    build: BuildApplication<S>,
    generation: Arc<Generation>,
    /// The generation of `current`.
    number: Cell<u64>,
    current: RefCell<S>,
}

impl<S> CurrentService<S> {
    fn follow_generation(&self) {
        let number = self.generation.number();
        if number == self.number.get() {
            return;
        }
        self.number.set(number);
        // No part of an application waits for anything while it is built.
        if let Some(built) = (self.build)().now_or_never().flatten() {
            drop(self.current.replace(built));
        } else {
            tracing::error!("a worker goes on with the configuration before: restart to apply the new one");
        }
    }
}

impl<S: Service<Request>> Service<Request> for CurrentService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.current.borrow().poll_ready(context)
    }

    fn call(&self, request: Request) -> S::Future {
        self.follow_generation();
        self.current.borrow().call(request)
    }
}
