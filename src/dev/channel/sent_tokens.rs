use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::dev::jwt::text_member;
use crate::dev::lock::lock_ignoring_poison;
use crate::dev::tenant::{TokenIssuer, place_of_activity};

/// How long ago a token expired that is sent as expired, in seconds. It is more than the clocks of two machines differ.
const EXPIRED_FOR: i64 = 3600;
/// An audience that no connection has.
const OTHER_AUDIENCE: &str = "api://another-app-of-the-local-stage";
/// Where the sign-in invokes carry a token.
const TOKEN_POINTERS: [&str; 2] = ["/value/token", "/value/authentication/token"];

/// What Direct Line does to the tokens of its clients' invokes on their way to the bot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::dev) enum TokenAlteration {
    /// Nothing.
    #[default]
    None,
    /// It sends a token that has expired, as of a client that has kept its token too long.
    Expired,
    /// It sends a token for another application, as of a site with a wrong scope.
    WrongAudience,
}

/// The tokens in invokes. The altered token is another one of the same user, signed by the tenant, so the check that it is
/// meant for refuses it and no other.
pub(in crate::dev) struct SentTokens {
    issuer: Arc<TokenIssuer>,
    alteration: Mutex<TokenAlteration>,
}

impl SentTokens {
    pub(in crate::dev) fn new(issuer: Arc<TokenIssuer>) -> Self {
        Self { issuer, alteration: Mutex::default() }
    }

    /// What is done at present.
    pub(in crate::dev) fn alteration(&self) -> TokenAlteration {
        *lock_ignoring_poison(&self.alteration)
    }

    /// Changes what is done from now on.
    pub(in crate::dev) fn alter(&self, alteration: TokenAlteration) {
        *lock_ignoring_poison(&self.alteration) = alteration;
    }

    /// Alters the token of `activity`, an invoke, and records where it is presented.
    pub(in crate::dev::channel) fn prepare(&self, activity: &mut Value) {
        let place = activity.pointer("/conversation/id").and_then(Value::as_str).zip(text_member(activity, "id"));
        let place = place.map(|(conversation, id)| place_of_activity(conversation, id));
        for pointer in TOKEN_POINTERS {
            let Some(Value::String(token)) = activity.pointer_mut(pointer) else { continue };
            if let Some(altered) = self.altered(token) {
                *token = altered;
            }
            if let Some(place) = place.clone() {
                self.issuer.issued.note_presented(place, token);
            }
        }
    }

    /// The token that is sent for `token`; `None` for the same one. What no tenant has issued stays.
    fn altered(&self, token: &str) -> Option<String> {
        let alteration = self.alteration();
        if alteration == TokenAlteration::None {
            return None;
        }
        let mut claims = self.issuer.issued.find(token)?;
        let members = claims.as_object_mut()?;
        if alteration == TokenAlteration::Expired {
            let expired_at = self.issuer.now_seconds() - EXPIRED_FOR;
            let issued_at = expired_at - EXPIRED_FOR;
            members.extend(
                [("iat", issued_at), ("nbf", issued_at), ("exp", expired_at)]
                    .map(|(name, time)| (name.to_owned(), json!(time))),
            );
        } else {
            members.insert("aud".to_owned(), json!(OTHER_AUDIENCE));
        }
        members.insert("uti".to_owned(), json!(self.issuer.entropy.hex_id()));
        self.issuer.issued.record(&claims);
        self.issuer.keys.sign(&claims).ok()
    }
}
