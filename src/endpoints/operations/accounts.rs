use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::persons::ShownAccount;
use super::{Operations, described};
use crate::domain::{ChannelId, UserKey};
use crate::exchange::OwnedAccount;
use crate::inbound::{Answer, Method, Operation, Problem, RequestId, read_segment};

/// The places of the channel and of the account's id among the segments of the path.
const CHANNEL: usize = 3;
const ACCOUNT: usize = 4;

/// `GET /admin/accounts/{channel}/{account_id}`.
pub(super) const FIND: Operation = Operation {
    method: Method::Get,
    path: "/admin/accounts/{channel}/{account_id}",
    route: |route| route.to(find),
    description: || {
        described("FindAccount", "The persons who own an account of a channel, at each bot.")
            .note("Tokens and pins show it. An account that was never signed in belongs to no person.")
            .path_parameter("channel", "The channel, as in activities: `msteams`, `directline` …; percent-encoded.")
            .path_parameter("account_id", "`from.id` of the channel's activities; percent-encoded.")
            .answer(200, Answer::json::<FoundAccounts>("The accounts that belong to a person; none if there is none."))
            .error(400, "The path holds no channel, or no account id.")
    },
};

/// The accounts with one id in one channel.
#[derive(Serialize, ToSchema)]
struct FoundAccounts {
    /// The accounts, in the order of the bots.
    accounts: Vec<FoundAccount>,
}

/// An account and its persons.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FoundAccount {
    /// The account.
    account: ShownAccount,
    /// The keys of its persons: one of Entra, and at most one of each other issuer.
    user_keys: Vec<String>,
}

async fn find(http: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    find_and_reply(&http, &operations).await.unwrap_or_else(Problem::respond)
}

async fn find_and_reply(http: &HttpRequest, operations: &Operations) -> Result<HttpResponse, Problem> {
    operations.bearers.find_role(http.headers())?;
    let named = read_segment(http, CHANNEL).zip(read_segment(http, ACCOUNT));
    let (channel, subject) = named.ok_or(Problem::BadAccount)?;
    let found = operations.parts.owners.find(&ChannelId::new(&channel), &subject).await.map_err(|error| {
        tracing::error!(correlation_id = RequestId::find(http), %error, "the persons of an account cannot be found: call again");
        Problem::ServiceUnavailable
    })?;
    Ok(HttpResponse::Ok().json(FoundAccounts { accounts: found.iter().map(FoundAccount::of).collect() }))
}

impl FoundAccount {
    fn of(owned: &OwnedAccount) -> Self {
        let user_keys = owned.users.iter().map(UserKey::to_string).collect();
        Self { account: ShownAccount::of(&owned.account), user_keys }
    }
}
