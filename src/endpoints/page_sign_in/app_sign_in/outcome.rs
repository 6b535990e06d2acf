//! How a complete sign-in reaches the app's front end, by [`AppSignIn`].

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::addresses::{OwnParameter, ReturnAddress};
use super::linked_users::LinkedUser;
use super::pages::PopupPage;
use super::{AppSignIn, SignInApp};
use crate::domain::RedirectToken;
use crate::endpoints::page_sign_in::replies::REFERRER_POLICY;
use crate::inbound::{begin_page, finish_page, redirect_browser};
use crate::pages::{PageFrame, PageSources};
use crate::sign_in::{PageSignInDone, PageSignInFailure, SignInError, SignInFailure};

impl AppSignIn {
    /// Issues what the app's front end gets, and leads the browser back. A repeated return gets a token or a code of its own:
    /// the earlier ones may never have arrived. But that ends after a few, and with the next sign-out of the person.
    pub(super) async fn lead_back(
        &self,
        http: &HttpRequest,
        place: &SignInApp<'_>,
        done: &PageSignInDone,
    ) -> Result<HttpResponse, PageSignInFailure> {
        let ended = || PageSignInFailure::from(SignInError::StateUnknown);
        let address = ReturnAddress::from_text(&done.return_to).ok_or_else(ended)?;
        let linked = LinkedUser::from_text(&done.note).ok_or_else(ended)?;
        if !address.is_permitted(&place.app.login_origins) {
            return Err(SignInError::LinkUnknown.into());
        }
        let failed = |failure| PageSignInFailure { failure, return_to: Some(done.return_to.clone()) };
        if !self.door.steps.admits_answer(&done.handle).await {
            return Err(failed(SignInError::StateUnknown.into()));
        }
        let led = match (&address.popup_origin, place.app.redirect_token) {
            (Some(origin), _) => self.tell_opener(place, done, &linked, origin).await,
            (None, RedirectToken::Code) => self.send_code(place, done, &linked, &address).await,
            (None, RedirectToken::Query) => self.send_token(place, done, &linked, &address).await,
        };
        let response = led.map_err(failed)?;
        // What was issued has the number of sign-outs at that time, so this is counted afterwards: a sign-out before that
        // keeps it from the browser, and one after that ends it.
        let sign_outs = self.tokens.count_sign_outs(&place.app.id, &done.user).await;
        if sign_outs.map_err(|error| failed(error.into()))? != linked.sign_outs {
            return Err(failed(SignInError::StateUnknown.into()));
        }
        tracing::info!(
            correlation_id = self.door.correlation_id(http),
            bot = place.connection.holder.as_str(),
            is_popup = address.popup_origin.is_some(),
            "an app's front end was told of a sign-in"
        );
        Ok(response)
    }

    /// The page of a window that the front end has opened: it tells exactly `origin`, and closes.
    async fn tell_opener(
        &self,
        place: &SignInApp<'_>,
        done: &PageSignInDone,
        linked: &LinkedUser,
        origin: &str,
    ) -> Result<HttpResponse, SignInFailure> {
        let issued = self.tokens.issue(&place.app.id, &linked.user_id, &done.user).await?;
        let frame = PageFrame::draw(self.door.entropy.as_ref());
        let policy = frame.content_policy(&PageSources::default());
        let page = PopupPage::new(frame, &done.account_name, origin, &issued.token, linked.is_new_user);
        Ok(finish_page(begin_page(StatusCode::OK, REFERRER_POLICY), &policy, &page))
    }

    /// Sends the browser back with a code that the app redeems with its service token.
    async fn send_code(
        &self,
        place: &SignInApp<'_>,
        done: &PageSignInDone,
        linked: &LinkedUser,
        address: &ReturnAddress,
    ) -> Result<HttpResponse, SignInFailure> {
        let (app, is_new_user) = (&place.app.id, linked.is_new_user);
        let code = self.tokens.issue_code(app, &linked.user_id, &done.user, is_new_user).await?;
        Ok(send_back(address, OwnParameter { name: "code", value: code.expose() }, is_new_user))
    }

    /// Sends the browser back with our token itself.
    async fn send_token(
        &self,
        place: &SignInApp<'_>,
        done: &PageSignInDone,
        linked: &LinkedUser,
        address: &ReturnAddress,
    ) -> Result<HttpResponse, SignInFailure> {
        let issued = self.tokens.issue(&place.app.id, &linked.user_id, &done.user).await?;
        let ours = OwnParameter { name: "access_token", value: issued.token.expose() };
        Ok(send_back(address, ours, linked.is_new_user))
    }
}

fn send_back(address: &ReturnAddress, ours: OwnParameter<'_>, is_new_user: bool) -> HttpResponse {
    let is_new_user = OwnParameter { name: "is_new_user", value: if is_new_user { "true" } else { "false" } };
    redirect_browser(StatusCode::FOUND, address.with_parameters(&[ours, is_new_user]).as_str())
}
