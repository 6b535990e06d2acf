//! What every door shares: who is calling, how much they may send, which request this is, the bodies of refusals, and the
//! form of a door's table.
//!
//! Owns caller authentication and the constant answers to callers who fail it. It deliberately knows no bot's dialogs,
//! no exchange and no storage of tokens.

mod bearer;
mod body;
mod caller_rates;
mod callers;
mod description;
mod door;
mod local;
mod operation;
mod peer;
mod problem;
mod refusal;
mod request_record;
mod service_url;

pub use bearer::bearer_of;
pub use body::{BodyLimits, read_body, require_plain_utf8};
pub use caller_rates::{CallerLimits, CallerRates};
pub use callers::{CallerPolicy, Callers, TokenServiceTrust};
pub use description::{Answer, BEARER, Description, NamedSchemas};
pub use door::{Door, LetterCase};
pub use operation::{Method, Operation};
pub use peer::Peer;
pub use problem::Problem;
pub use refusal::CallerRefusal;
pub use request_record::{RequestId, TrustedProxies, record_request};
