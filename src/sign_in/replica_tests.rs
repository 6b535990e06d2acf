//! The steps of one browser at two replicas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use url::Url;

use super::testing::{REFUSED_CODE, Replica, Replicas, Sent, ada};
use super::{
    BrowserSecret, CodeAnswer, CodeBearer, LoginAtProvider, NextStep, PageRealm, PageSignInDone, PageSignInRequest,
    PageStep, ProviderRefusal, SignInError, SignInReview, UserDecision,
};
use crate::cards::StatedIdentity;
use crate::domain::{Secret, SystemEntropy, UserKey};
use crate::exchange::WantedToken;

const ID: &str = "id";

impl Replicas {
    fn wanted(&self) -> WantedToken<'_> {
        WantedToken { bot: &self.bot, slot: &self.slot, connection: &self.connection }
    }

    fn bearer(&self) -> CodeBearer {
        let account = self.slot.account.clone();
        CodeBearer { sender: account.clone(), account, stated: StatedIdentity::default() }
    }

    async fn redeem(&self, replica: &Replica, code: &Secret) -> CodeAnswer {
        replica.redemption.redeem(self.wanted(), &self.bearer(), code.expose()).await.unwrap()
    }

    /// A browser whose user is identified, and the handle of its last step.
    async fn identify(&self) -> (BrowserSecret, String) {
        let (browser, sent) = self.begin().await;
        let handle = review_handle(self.there.back.callback(sent.answer(), Some(&browser), ID).await.unwrap());
        (browser, handle)
    }

    /// The code of a browser's sign-in that was completed at the first replica.
    async fn complete(&self) -> Secret {
        let (browser, handle) = self.identify().await;
        self.here.completion.decide(&handle, Some(&browser), UserDecision::Continue, ID).await.unwrap();
        shown_code(&self.here, &browser, &handle).await
    }

    async fn begin_on_page(&self) -> (BrowserSecret, Sent) {
        let request = PageSignInRequest {
            connection: self.connection.clone(),
            realm: PageRealm::App,
            redirect_uri: Url::parse("https://sso.example/page").unwrap(),
            return_to: "the door's text".to_owned(),
        };
        let browser = BrowserSecret::draw(&SystemEntropy);
        let url = self.here.pages.begin(request, &browser, None, ID).await.unwrap();
        (browser, Sent::with(&url))
    }

    async fn return_to_page(&self, replica: &Replica, browser: &BrowserSecret, sent: &Sent) -> PageSignInDone {
        let step = replica.pages.callback(&self.connection, sent.answer(), Some(browser), ID).await.unwrap();
        let PageStep::Done(done) = step else { panic!("the sign-in is complete") };
        done
    }

    async fn begin_at_directory(&self) -> (BrowserSecret, Sent) {
        let login = LoginAtProvider {
            connection: self.connection.clone(),
            redirect_uri: Url::parse("https://sso.example/login").unwrap(),
            asks_anew: false,
            return_to: String::new(),
        };
        let browser = BrowserSecret::draw(&SystemEntropy);
        let url = self.here.directories.begin(login, &browser, None, ID).await.unwrap();
        (browser, Sent::with(&url))
    }
}

fn review_handle(next: NextStep) -> String {
    let NextStep::Review(handle) = next else { panic!("the user is identified") };
    handle.expose().to_owned()
}

async fn shown_code(replica: &Replica, browser: &BrowserSecret, handle: &str) -> Secret {
    let review = replica.completion.review(handle, Some(browser), ID).await.unwrap();
    let SignInReview::Completed(completion) = review else { panic!("the sign-in is complete: {review:?}") };
    completion.code
}

#[tokio::test]
async fn a_browser_takes_each_step_at_another_replica_and_another_browser_gets_nothing() {
    let replicas = Replicas::start().await;
    let (here, there) = (&replicas.here, &replicas.there);
    let (browser, sent) = replicas.begin().await;
    let other = BrowserSecret::draw(&SystemEntropy);
    let refused = there.back.callback(sent.answer(), Some(&other), ID).await.unwrap_err();
    assert_eq!(refused.error, SignInError::OtherBrowser);

    let handle = review_handle(there.back.callback(sent.answer(), Some(&browser), ID).await.unwrap());
    assert_eq!(here.completion.review(&handle, Some(&other), ID).await.unwrap_err().error, SignInError::OtherBrowser);
    let question = here.completion.review(&handle, Some(&browser), ID).await.unwrap();
    assert!(matches!(question, SignInReview::Confirm { .. }), "{question:?}");
    here.completion.decide(&handle, Some(&browser), UserDecision::Continue, ID).await.unwrap();
    let code = shown_code(there, &browser, &handle).await;
    assert_eq!(code.expose(), shown_code(here, &browser, &handle).await.expose());

    assert!(matches!(replicas.redeem(there, &code).await, CodeAnswer::Redeemed { .. }));
    assert!(matches!(replicas.redeem(here, &code).await, CodeAnswer::RedeemedBefore));
    let token = here.vault.find(&replicas.slot, replicas.connection.revision).await.unwrap().unwrap();
    assert_eq!(token.user, ada());
    for replica in [here, there] {
        let review = replica.completion.review(&handle, Some(&browser), ID).await.unwrap();
        assert!(matches!(review, SignInReview::SignedIn(_)), "{review:?}");
        let repeated = replica.back.callback(sent.answer(), Some(&browser), ID).await.unwrap();
        assert_eq!(review_handle(repeated), handle);
    }
    assert_eq!(replicas.provider.redemptions(), 1);
}

#[tokio::test]
async fn a_return_that_two_replicas_get_at_once_is_redeemed_once_and_leads_to_one_page() {
    let replicas = Replicas::start().await;
    let (browser, sent) = replicas.begin().await;
    let returned = join_all([&replicas.here, &replicas.there].map(|replica| {
        let (browser, sent) = (&browser, &sent);
        async move { review_handle(replica.back.callback(sent.answer(), Some(browser), ID).await.unwrap()) }
    }));
    let handles = returned.await;
    assert_eq!(handles[0], handles[1]);
    assert_eq!(replicas.provider.redemptions(), 1);
}

#[tokio::test]
async fn a_code_that_the_provider_refuses_at_one_replica_is_not_sent_by_the_other_one() {
    let replicas = Replicas::start().await;
    let (browser, sent) = replicas.begin().await;
    let returned =
        join_all(
            [&replicas.here, &replicas.there].map(|replica| {
                let (browser, sent) = (&browser, &sent);
                async move {
                    replica.back.callback(sent.answer_with(REFUSED_CODE), Some(browser), ID).await.unwrap_err().error
                }
            }),
        );
    assert_eq!(returned.await, [SignInError::ProviderRefused(ProviderRefusal::Denied); 2]);
    assert_eq!(replicas.provider.redemptions(), 1);
}

#[tokio::test]
async fn a_browser_whose_page_had_expired_is_sent_with_the_same_request_by_both_replicas() {
    let replicas = Replicas::start().await;
    let (browser, sent) = replicas.begin().await;
    let returned = join_all([&replicas.here, &replicas.there].map(|replica| {
        let (browser, sent) = (&browser, &sent);
        async move { replica.back.callback(sent.expired(), Some(browser), ID).await.unwrap() }
    }));
    let urls: Vec<Url> = returned
        .await
        .into_iter()
        .map(|next| {
            let NextStep::Provider(url) = next else { panic!("the browser is sent again") };
            url
        })
        .collect();
    assert_eq!(urls[0], urls[1]);
    let sent_again = Sent::with(&urls[0]);
    assert_ne!(sent_again.code, sent.code, "a nonce of its own");
    review_handle(replicas.there.back.callback(sent_again.answer(), Some(&browser), ID).await.unwrap());
}

#[tokio::test]
async fn decisions_at_two_replicas_at_once_have_one_result() {
    let replicas = Replicas::start().await;
    let (browser, handle) = replicas.identify().await;
    let decide = |replica: &'static str, decision| {
        let replica = if replica == "here" { &replicas.here } else { &replicas.there };
        replica.completion.decide(&handle, Some(&browser), decision, ID)
    };
    let (one, other) = tokio::join!(decide("here", UserDecision::Continue), decide("there", UserDecision::Continue));
    one.unwrap();
    other.unwrap();
    let code = shown_code(&replicas.here, &browser, &handle).await;
    assert_eq!(code.expose(), shown_code(&replicas.there, &browser, &handle).await.expose());

    let (one, other) = tokio::join!(decide("here", UserDecision::Continue), decide("there", UserDecision::Cancel));
    one.unwrap();
    other.unwrap();
    for replica in [&replicas.here, &replicas.there] {
        let review = replica.completion.review(&handle, Some(&browser), ID).await.unwrap();
        assert!(matches!(review, SignInReview::Cancelled(_)), "{review:?}");
    }
    assert!(replicas.here.codes.find_waiting(&replicas.slot, &code).await.unwrap().is_none());
}

#[tokio::test]
async fn a_code_that_two_replicas_redeem_at_once_is_redeemed_by_one_and_right_at_both() {
    let replicas = Replicas::start().await;
    let code = replicas.complete().await;
    let (one, other) = tokio::join!(replicas.redeem(&replicas.here, &code), replicas.redeem(&replicas.there, &code));
    let is_redeemed = |answer: &CodeAnswer| matches!(answer, CodeAnswer::Redeemed { .. });
    let is_repeated = |answer: &CodeAnswer| matches!(answer, CodeAnswer::RedeemedBefore);
    assert!(
        (is_redeemed(&one) && is_repeated(&other)) || (is_repeated(&one) && is_redeemed(&other)),
        "{one:?} {other:?}"
    );
}

#[tokio::test]
async fn wrong_codes_at_two_replicas_count_together_also_at_once() {
    let replicas = Replicas::start().await;
    let code = replicas.complete().await;
    let wrong = if code.expose() == "999999" { "100000" } else { "999999" };
    let (slot, account) = (&replicas.slot, &replicas.slot.account);
    let both = [&replicas.here, &replicas.there];
    let counted = (0..10).map(|number| both[number % 2].codes.tries().count(account));
    let counted = join_all(counted).await.into_iter().filter(|tried| tried.as_ref().unwrap().is_some()).count();
    assert_eq!(counted, 5);
    for replica in both {
        assert!(replica.codes.check(slot, account, wrong).await.unwrap().is_none());
        assert!(replica.codes.check(slot, account, code.expose()).await.unwrap().is_none(), "no try is left");
    }
    replicas.provider.clock.set_back(Duration::from_mins(2));
    assert!(both[0].codes.tries().count(account).await.unwrap().is_none(), "at a replica whose clock is behind");
}

#[tokio::test]
async fn a_page_sign_in_that_two_replicas_get_back_at_once_is_redeemed_once_with_one_result() {
    let replicas = Replicas::start().await;
    let (browser, sent) = replicas.begin_on_page().await;
    let (one, other) = tokio::join!(
        replicas.return_to_page(&replicas.here, &browser, &sent),
        replicas.return_to_page(&replicas.there, &browser, &sent)
    );
    assert_eq!(one.handle.expose(), other.handle.expose());
    assert_eq!((one.user, other.user), (ada(), ada()));
    assert_eq!(replicas.provider.redemptions(), 1);
    let found = replicas.there.pages.find_done(&replicas.connection, one.handle.expose(), Some(&browser)).await;
    assert_eq!(found.unwrap().return_to, "the door's text");
}

#[tokio::test]
async fn a_sign_out_at_one_replica_ends_the_page_sign_in_of_a_browser_that_returns_to_another() {
    let replicas = Replicas::start().await;
    let (browser, sent) = replicas.begin_on_page().await;
    replicas.here.vault.raise_epoch(&ada()).await.unwrap();
    let there = &replicas.there.pages;
    let refused = there.callback(&replicas.connection, sent.answer(), Some(&browser), ID).await.unwrap_err();
    assert_eq!(refused.failure.error, SignInError::LinkUnknown);

    let (browser, sent) = replicas.begin_on_page().await;
    replicas.there.vault.raise_epoch(&UserKey::entra("another", "t")).await.unwrap();
    assert_eq!(replicas.return_to_page(&replicas.there, &browser, &sent).await.user, ada(), "she signs in anew");
}

#[tokio::test]
async fn a_completed_page_sign_in_is_answered_eight_times_by_all_replicas_together() {
    let replicas = Replicas::start().await;
    let (browser, sent) = replicas.begin_on_page().await;
    let done = replicas.return_to_page(&replicas.there, &browser, &sent).await;
    let mut admitted = 0;
    for number in 0..20 {
        let replica = if number % 2 == 0 { &replicas.here } else { &replicas.there };
        admitted += usize::from(replica.pages.admits_answer(&done.handle).await);
    }
    assert_eq!((admitted, replicas.here.pages.admits_answer(&Secret::from("another")).await), (8, true));
}

#[tokio::test]
async fn a_directory_sign_in_that_two_replicas_get_back_at_once_is_redeemed_once() {
    let replicas = Replicas::start().await;
    let (browser, sent) = replicas.begin_at_directory().await;
    let returned = join_all([&replicas.here, &replicas.there].map(|replica| {
        let (connection, browser, sent) = (Arc::clone(&replicas.connection), &browser, &sent);
        async move { replica.directories.callback(&connection, sent.answer(), Some(browser), ID).await.unwrap() }
    }));
    let identified = returned.await;
    assert_eq!(identified[0].handle.expose(), identified[1].handle.expose());
    assert_eq!((&identified[0].user, &identified[1].user), (&ada(), &ada()));
    assert_eq!(replicas.provider.redemptions(), 1);
}

#[tokio::test]
async fn a_code_that_the_provider_of_a_directory_refuses_is_sent_once() {
    let replicas = Replicas::start().await;
    let (browser, sent) = replicas.begin_at_directory().await;
    let returned = join_all([&replicas.here, &replicas.there].map(|replica| {
        let (connection, browser, answer) =
            (Arc::clone(&replicas.connection), &browser, sent.answer_with(REFUSED_CODE));
        async move { replica.directories.callback(&connection, answer, Some(browser), ID).await.unwrap_err() }
    }));
    let errors: Vec<SignInError> = returned.await.into_iter().map(|failed| failed.failure.error).collect();
    assert_eq!(errors, [SignInError::ProviderRefused(ProviderRefusal::Denied); 2]);
    assert_eq!(replicas.provider.redemptions(), 1);
}

#[tokio::test]
async fn a_sign_out_at_one_replica_ends_the_directory_sign_in_of_a_browser_that_returns_to_another() {
    let replicas = Replicas::start().await;
    let (here, there) = (&replicas.here, &replicas.there);
    let callback = async |replica: &Replica, browser: &BrowserSecret, sent: &Sent| {
        replica.directories.callback(&replicas.connection, sent.answer(), Some(browser), ID).await
    };
    let (browser, sent) = replicas.begin_at_directory().await;
    here.vault.raise_epoch(&ada()).await.unwrap();
    assert_eq!(callback(there, &browser, &sent).await.unwrap_err().failure.error, SignInError::StateUnknown);

    let (browser, sent) = replicas.begin_at_directory().await;
    let own = UserKey::of_directory("market", "ada");
    let identified = callback(there, &browser, &sent).await.unwrap();
    assert!(!there.directories.may_be_signed_out(&identified, &own).await.unwrap());
    let again = callback(here, &browser, &sent).await.unwrap();
    assert!(!here.directories.may_be_signed_out(&again, &own).await.unwrap(), "the moment is known everywhere");
    there.vault.raise_epoch(&own).await.unwrap();
    assert!(here.directories.may_be_signed_out(&again, &own).await.unwrap());
}
