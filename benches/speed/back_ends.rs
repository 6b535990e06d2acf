use crate::load::{Load, Template};
use crate::mixes::{LoadedServer, Sizes};
use crate::setting::{ADD_IN, BACK_END_ID, BACK_END_SECRET, GRAPH, User};
use crate::signing::Signer;
use crate::table::Row;

/// The number of users whose tokens are in memory.
const USERS: usize = 1000;
/// The first of the users of these mixes. No other mix has so many users.
const FIRST_USER: usize = 20_000_000;

/// The names of the rows in printing order.
const NAMES: [&str; 3] = [
    "(c) bot-sso, downstream: an add-in's call to a bare API, token in memory",
    "(c) bot-sso, token-exchange, hot",
    "(c) bot-sso, token-exchange, cold, store full",
];

/// The mixes *downstream* and *token-exchange*: an add-in calls an API by bot-sso, and a back end exchanges its users' tokens.
pub struct BackEndMix<'s> {
    signer: &'s Signer,
    /// Calls of the bare API, for users whose tokens are in memory.
    pub downstream: Vec<Template>,
    /// Exchanges of the same users' tokens.
    pub hot: Vec<Template>,
}

impl<'s> BackEndMix<'s> {
    /// Brings the users' tokens into the memory of the bot-sso on `port`.
    pub fn prepare(signer: &'s Signer, port: u16) -> Self {
        let mix = Self::sign(signer);
        for templates in [&mix.downstream, &mix.hot] {
            Load { templates, from: 1, requests: templates.len() as u64, in_copies: false }.run(&[port]);
        }
        mix
    }

    /// The requests, of which none has been sent.
    pub fn sign(signer: &'s Signer) -> Self {
        let users = || (FIRST_USER..FIRST_USER + USERS).map(User);
        Self {
            signer,
            downstream: users().map(|user| downstream(&signer.user_token(user))).collect(),
            hot: users().map(|user| exchange(&signer.user_token(user))).collect(),
        }
    }

    /// Exchanges of tokens of users who have none in memory.
    pub fn cold(&self, round: usize, requests: usize) -> Vec<Template> {
        let first = FIRST_USER + USERS + round * requests;
        (first..first + requests).map(|number| exchange(&self.signer.user_token(User(number)))).collect()
    }

    /// Measures all rounds.
    pub fn measure(&self, server: &mut LoadedServer<'_>, sizes: Sizes) -> [Row; 3] {
        let mut rows = NAMES.map(Row::new);
        let [downstream, hot, cold] = &mut rows;
        for round in 0..sizes.rounds {
            server.measure(downstream, &self.downstream, sizes.back_end, false);
            server.measure(hot, &self.hot, sizes.back_end, false);
            let requests = self.cold(round, sizes.cold);
            server.measure(cold, &requests, requests.len() as u64, false);
        }
        rows
    }
}

fn downstream(token: &str) -> Template {
    Template::get(&format!("/api/add-ins/{ADD_IN}/downstream/me"), token)
}

/// A token exchange (RFC 8693) with the token of a user.
fn exchange(token: &str) -> Template {
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("audience", GRAPH),
            ("client_id", BACK_END_ID),
            ("client_secret", BACK_END_SECRET),
            ("subject_token", token),
        ])
        .finish();
    Template::form("/oauth2/token", &body)
}
