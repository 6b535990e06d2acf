use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::ErrorInternalServerError;
use actix_web::middleware::Next;
use actix_web::rt;

/// Lets a request run to its end although its client hangs up. A server drops the work of a connection that breaks, and
/// a code would be redeemed without its event, or a sign-out would end the tokens and not the codes
/// (docs/architecture.md §The same browser gets the same answer).
pub(in crate::app) async fn run_to_end<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    // A task ends without a result only if it panics.
    rt::spawn(next.call(request)).await.unwrap_or_else(|error| Err(ErrorInternalServerError(error)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use std::sync::Arc;

    use actix_web::dev::Service as _;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service};
    use actix_web::{App, HttpResponse, web};
    use tokio::sync::Notify;

    use super::run_to_end;

    #[actix_web::test]
    async fn a_request_goes_on_after_its_client_has_hung_up() {
        let (begun, may_go_on, ended) = <(Arc<Notify>, Arc<Notify>, Arc<Notify>)>::default();
        let steps = [begun.clone(), may_go_on.clone(), ended.clone()];
        let handler = web::to(move || {
            let [begun, may_go_on, ended] = steps.clone();
            async move {
                begun.notify_one();
                may_go_on.notified().await;
                ended.notify_one();
                HttpResponse::Ok().finish()
            }
        });
        let app = init_service(App::new().wrap(from_fn(run_to_end)).default_service(handler)).await;
        let mut call = Box::pin(app.call(TestRequest::get().to_request()));
        tokio::select! {
            _ = &mut call => panic!("the handler waits"),
            () = begun.notified() => {}
        }
        drop(call);
        may_go_on.notify_one();
        ended.notified().await;
    }
}
