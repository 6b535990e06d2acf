//! Interactive sign-in: the path by which a user signs in in a browser, because no silent exchange was possible.
//!
//! Owns the steps of a browser from a card's link to the identity provider and back, and the magic codes that prove
//! that the person who signed in in the browser is the person in the chat. It deliberately knows no HTTP, no page and
//! no activity.

mod browser_sign_ins;
mod browser_steps;
mod code_redemption;
mod code_tries;
mod departures;
mod directory_sign_in;
mod flow;
mod identification;
mod magic_code;
mod page_sign_in;
mod provider_logouts;
mod provider_sessions;
mod signed_in_tokens;

#[cfg(test)]
mod magic_code_tests;
#[cfg(test)]
mod replica_tests;
#[cfg(test)]
mod testing;

pub use browser_sign_ins::{BrowserRecordLookup, BrowserSignIns, BrowserStep};
pub use code_redemption::{CodeAnswer, CodeBearer, CodeError, CodeRedemption};
pub use directory_sign_in::{DirectorySignIn, IdentifiedAtProvider, LoginAtProvider};
#[cfg(test)]
pub use flow::list_hints;
pub use flow::{
    AuthorizationCodes, BrowserFlow, BrowserSecret, Completion, DisplayNames, NextStep, ProviderAccess, ProviderAnswer,
    ProviderParameters, ProviderRefusal, SignInCompletion, SignInError, SignInFailure, SignInReturn, SignInReview,
    SignInStart, UserDecision,
};
pub use identification::{IdTokenValidators, IdentificationError};
pub use magic_code::{CodeGrant, CodeRecord, MagicCodeError, MagicCodes, RightCode};
pub use page_sign_in::{
    AfterPageSignIn, NoteFuture, PageBrowsers, PageRealm, PageSignIn, PageSignInDone, PageSignInFailure,
    PageSignInRequest, PageStep,
};
pub use provider_logouts::{ProviderLogout, ProviderLogoutError, ProviderLogouts};
pub use provider_sessions::ProviderSessions;
pub use signed_in_tokens::{SignedInTokens, SignedInTokensError};
