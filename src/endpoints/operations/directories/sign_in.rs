use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::templates::SignInPage;
use super::{DirectoryPages, LIST_PATH, PageResult};
use crate::inbound::{Answer, CountedGuess, Description, FormGuesses, Method, Operation, redirect_browser};
use crate::pages::PageSources;

/// Where the sign-in form is sent.
pub const SIGN_IN_PATH: &str = "/admin/sign-in";
const SIGN_OUT_PATH: &str = "/admin/sign-out";
/// What the tokens of the forms are bound to.
const SIGN_IN_FORM: &str = "operator sign-in";
pub(super) const SIGN_OUT_FORM: &str = "operator sign-out";

/// `POST /admin/sign-in`.
pub(super) const SIGN_IN: Operation = Operation {
    method: Method::Post,
    path: SIGN_IN_PATH,
    route: |route| route.to(sign_in),
    description: || {
        Description::new("SignOperatorIn", "Signs the operator in, for an hour.")
            .form_body::<SignInForm>("The form of the page.")
            .answer(303, Answer::empty("To the list of directories, with a cookie."))
            .answer(401, Answer::html("The token is wrong."))
            .answer(
                403,
                Answer::html("The form is not one that this browser has opened, or the request names another host."),
            )
            .answer(415, Answer::html("The body is no form."))
            .answer(429, Answer::error("Too many wrong tokens of this client.").header("Retry-After", "Seconds."))
    },
};

/// `POST /admin/sign-out`.
pub(super) const SIGN_OUT: Operation = Operation {
    method: Method::Post,
    path: SIGN_OUT_PATH,
    route: |route| route.to(sign_out),
    description: || {
        Description::new("SignOperatorOut", "Signs the operator out in this browser.")
            .form_body::<GuardedForm>("The form of the page.")
            .answer(303, Answer::empty("To the sign-in form."))
            .answer(
                403,
                Answer::html("The form is not one that this browser has opened, or the request names another host."),
            )
            .answer(415, Answer::html("The body is no form."))
    },
};

#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes the form, which is read by name")]
struct SignInForm {
    /// `operations.admin_token`.
    admin_token: String,
    /// The token of the form.
    form_token: String,
}

/// A form with no other field.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes the form, which is read by name")]
struct GuardedForm {
    /// The token of the form.
    form_token: String,
}

async fn sign_in(http: HttpRequest, payload: web::Payload, pages: web::Data<DirectoryPages>) -> HttpResponse {
    pages.sign_in(&http, payload).await.unwrap_or_else(|error| pages.refuse(&http, error))
}

async fn sign_out(http: HttpRequest, payload: web::Payload, pages: web::Data<DirectoryPages>) -> HttpResponse {
    pages.sign_out(&http, payload).await.unwrap_or_else(|error| pages.refuse(&http, error))
}

impl DirectoryPages {
    async fn sign_in(&self, http: &HttpRequest, payload: web::Payload) -> PageResult {
        let fields = self.read_form(http, payload, SIGN_IN_FORM).await?;
        let token = fields.find("admin_token").unwrap_or_default();
        if !self.access.admin_token.is(token) {
            return Ok(self.refuse_token(http).await);
        }
        let mut response = redirect_browser(StatusCode::SEE_OTHER, LIST_PATH);
        // A new value for each sign-in: one that somebody has put into the browser before opens nothing.
        self.operators.begin(&mut response, &self.draw_secret(), token);
        tracing::info!("the operator has signed in to the pages about directories");
        Ok(response)
    }

    async fn sign_out(&self, http: &HttpRequest, payload: web::Payload) -> PageResult {
        self.read_form(http, payload, SIGN_OUT_FORM).await?;
        let mut response = redirect_browser(StatusCode::SEE_OTHER, LIST_PATH);
        self.operators.end(http, &mut response);
        Ok(response)
    }

    /// Counts a wrong token and answers it.
    async fn refuse_token(&self, http: &HttpRequest) -> HttpResponse {
        let guesses = http.extensions().get::<FormGuesses>().cloned();
        if let Some(guesses) = guesses
            && let Err(problem) = guesses.count().await
        {
            return problem.respond();
        }
        let mut response = self.show_sign_in(http, StatusCode::UNAUTHORIZED, "This is not the admin token.");
        response.extensions_mut().insert(CountedGuess);
        response
    }

    /// The sign-in form.
    pub(super) fn show_sign_in(&self, http: &HttpRequest, status: StatusCode, problem: &str) -> HttpResponse {
        let (token, frame) = (self.issue_token(http, SIGN_IN_FORM), self.draw_frame());
        let policy = frame.content_policy(&PageSources::default());
        let page = SignInPage { frame, form_token: &token.value, problem };
        self.show(status, &policy, &page, &token)
    }
}
