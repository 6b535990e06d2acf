use std::future::ready;
use std::task::{Context, Poll};

use actix_service::{Service, Transform};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use futures_util::future::{Either, LocalBoxFuture};

/// A middleware that only some listeners have.
///
/// Unlike the framework's `Condition` it leaves the type of the body as it is, so that a request of a listener without
/// the middleware passes no layer for it.
pub(in crate::app) struct Optional<M>(pub(in crate::app) Option<M>);

impl<S, M, B> Transform<S, ServiceRequest> for Optional<M>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    M: Transform<S, ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error, InitError = ()>,
    M::Transform: 'static,
    M::Future: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = actix_web::Error;
    type InitError = ();
    type Transform = OptionalService<M::Transform, S>;
    type Future = LocalBoxFuture<'static, Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        match &self.0 {
            Some(middleware) => {
                let wrapped = middleware.new_transform(service);
                Box::pin(async move { Ok(OptionalService::Wrapped(wrapped.await?)) })
            }
            None => Box::pin(ready(Ok(OptionalService::Bare(service)))),
        }
    }
}

/// A service with the middleware or without it.
pub(in crate::app) enum OptionalService<W, S> {
    Wrapped(W),
    Bare(S),
}

impl<W, S> Service<ServiceRequest> for OptionalService<W, S>
where
    W: Service<ServiceRequest, Response = S::Response, Error = S::Error>,
    S: Service<ServiceRequest>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<W::Future, S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self {
            Self::Wrapped(service) => service.poll_ready(context),
            Self::Bare(service) => service.poll_ready(context),
        }
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match self {
            Self::Wrapped(service) => Either::Left(service.call(request)),
            Self::Bare(service) => Either::Right(service.call(request)),
        }
    }
}
