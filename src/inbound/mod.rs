//! The parts that all doors share: caller authentication, limits on requests, request ids, the bodies of refusals, and the form
//! of a door's table of operations.
//!
//! Owns caller authentication and the constant answers to callers that fail it. It deliberately knows no bot's dialogs,
//! no token exchange and no storage of tokens.

mod agent_365;
mod bearer;
mod body;
mod browsers;
mod callers;
mod client;
mod client_authentication;
mod completion;
mod description;
mod door;
mod expected_bearer;
mod guess_limit;
mod hints;
mod limits;
mod operation;
mod operator_bearers;
mod page_module;
mod path_segments;
mod peer;
mod problem;
mod refusal;
mod relayed_head;
mod request_record;
mod retry_after;
mod service_url;
mod skill_callers;

pub use bearer::{read_bearer, read_bearer_in};
pub use body::{BodyLimits, BodyRead, read_body, require_plain_utf8};
pub use browsers::{
    BrowserCookie, CrossOriginPolicy, FormGuard, FormToken, SsoCookie, begin_page, find_cookie, find_origin,
    find_parameter, finish_page, list_methods, redirect_browser,
};
pub use callers::{CallerPolicy, Callers, TokenServiceTrust};
pub use client::{ClientNetwork, TrustedProxies, read_forwarded_hop};
pub use client_authentication::{
    AppAuthenticator, AppRefusal, ApplicationAuthenticator, ClientAssertionUses, ClientAuthenticationError,
    ClientAuthenticator, ClientGuesses, ClientRefusal, ClientSecrets, Form, FormError, ParameterBodyError,
    PresentedClient, PresentedSecret, TooManyCredentials, announces_form, read_client, read_parameters,
};
pub use completion::{ChangeLost, perform_change, run_to_end};
pub use description::{Answer, BEARER, Description, NamedSchemas};
pub use door::{Door, LetterCase};
pub use expected_bearer::ExpectedBearer;
pub use guess_limit::{CountedGuess, FormGuesses, GuessLimit, OperatorCall, SampledLines};
#[cfg(test)]
pub use hints::list_hints;
pub use limits::{CallerLimits, CallerRates, KeyedRate, RateExceeded, RateLimit, SharedLimits};
pub use operation::{Method, Operation};
pub use operator_bearers::{OperatorBearers, OperatorRole};
#[cfg(test)]
pub use page_module::page_module_testing;
pub use page_module::{
    PageModule, PageModulePaths, Release, Releases, build_operations as build_page_module_operations,
};
pub use path_segments::{decode_percent, read_segment};
pub use peer::{AdmittedCaller, Peer};
pub use problem::{APPLICATION_JSON, Problem, refuse_activity};
pub use refusal::CallerRefusal;
pub use relayed_head::begin_relayed_answer;
pub use request_record::{AnsweredByBot, RecordRequests, RequestCounts, RequestId};
pub use retry_after::{UNKNOWN_WAIT_SECONDS, choose_retry_after};
pub use skill_callers::SkillPeer;
