use actix_web::{HttpRequest, HttpResponse, web};

use super::ServiceRole;
use super::access::ReadableUser;
use super::answers::{TokenAnswer, ok};
use super::refusal::Refused;
use crate::domain::TokenSlot;
use crate::exchange::{ObtainedIdToken, ObtainedToken, TokenPlace};
use crate::inbound::RequestId;
use crate::observability::{AuditEntry, AuditEvent, conceal};

/// A kind of token, as log and audit stream name it.
#[derive(Clone, Copy)]
enum TokenKind {
    Access,
    Id,
}

impl TokenKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Id => "id_token",
        }
    }

    /// What stands before the user's id in the path.
    const fn beginning(self) -> &'static str {
        match self {
            Self::Access => "auth/sso/accesstoken/",
            Self::Id => "auth/sso/idtoken/",
        }
    }
}

/// `GET /api/apps/{app}/auth/sso/accesstoken/{userId}`: the user's access token, refreshed if it has ended.
pub(super) async fn answer_access_token(http: HttpRequest, door: web::Data<ServiceRole>) -> HttpResponse {
    read_and_reply(&http, &door, TokenKind::Access).await
}

/// `GET /api/apps/{app}/auth/sso/idtoken/{userId}`: the user's ID token alone, as a JSON string.
pub(super) async fn answer_id_token(http: HttpRequest, door: web::Data<ServiceRole>) -> HttpResponse {
    read_and_reply(&http, &door, TokenKind::Id).await
}

async fn read_and_reply(http: &HttpRequest, door: &ServiceRole, kind: TokenKind) -> HttpResponse {
    let readable = match door.find_readable(http, kind.beginning()).await {
        Ok(readable) => readable,
        Err(refused) => return refused.respond(),
    };
    let reading = Reading { http, door, readable, kind };
    match reading.run().await {
        Ok(answer) => {
            reading.note_given();
            answer
        }
        Err(refused) => {
            reading.note_refused(refused);
            refused.respond()
        }
    }
}

/// The reading of one token that the caller may read.
struct Reading<'a> {
    http: &'a HttpRequest,
    door: &'a ServiceRole,
    readable: ReadableUser<'a>,
    kind: TokenKind,
}

impl Reading<'_> {
    async fn run(&self) -> Result<HttpResponse, Refused> {
        let slot = self.slot();
        let place = TokenPlace { slot: &slot, connection: self.readable.called.connection };
        match self.kind {
            TokenKind::Access => match self.door.tokens.get(place).await {
                ObtainedToken::Token(token) => {
                    let now = self.door.clock.now();
                    Ok(ok().json(TokenAnswer::new(&token.access_token, token.expires_at, now)))
                }
                ObtainedToken::UserNeeded => Err(self.name_missing().await),
                ObtainedToken::Unavailable(outage) => Err(outage.into()),
            },
            TokenKind::Id => match self.door.tokens.get_id_token(place).await {
                ObtainedIdToken::Token(id_token) => Ok(ok().json(id_token.raw.expose())),
                ObtainedIdToken::NotGiven => Err(Refused::NoIdToken),
                ObtainedIdToken::UserNeeded => Err(self.name_missing().await),
                ObtainedIdToken::Unavailable(outage) => Err(outage.into()),
            },
        }
    }

    /// Why there is no token: the person has signed in and the sign-in has come to its end, or has not signed in.
    async fn name_missing(&self) -> Refused {
        let ReadableUser { called, user, .. } = &self.readable;
        match self.door.users.has_signed_in(&called.app.id, user).await {
            Ok(true) => Refused::ReauthRequired,
            Ok(false) => Refused::NotLinked,
            Err(error) => Refused::failed("a user of an app cannot be read", &error),
        }
    }

    fn slot(&self) -> TokenSlot {
        self.readable.called.slot_of(&self.readable.user)
    }

    fn note_given(&self) {
        let (slot, correlation_id) = (self.slot(), RequestId::find(self.http));
        tracing::info!(
            correlation_id,
            bot = slot.account.holder.as_str(),
            connection = slot.connection.as_str(),
            user = %conceal(&self.readable.user),
            on_behalf_of = self.readable.on_behalf_of,
            token = self.kind.name(),
            "an app read a user's token"
        );
        let entry = AuditEntry::new(AuditEvent::TokenReadByApp).slot(&slot).user(&self.readable.user);
        entry.correlation_id(&correlation_id).detail(self.kind.name()).write();
    }

    fn note_refused(&self, refused: Refused) {
        let (slot, correlation_id) = (self.slot(), RequestId::find(self.http));
        tracing::info!(
            correlation_id,
            bot = slot.account.holder.as_str(),
            connection = slot.connection.as_str(),
            user = %conceal(&self.readable.user),
            token = self.kind.name(),
            code = refused.code(),
            "an app got no token of a user"
        );
    }
}
