//! Users' actions that may carry a sign-in: universal actions of Adaptive Cards, and message extensions
//! (docs/protocols/sign-in-invokes.md).

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::activity::{Activity, ActivityError};
use super::invoke::SignInState;
use super::json::Node;
use super::members::Member;
use super::raw_members::{Fate, find_member, members_of, rewrite};
use super::spelling::is_read_as;
use crate::domain::SignInInvoke;

/// The member of `value` that holds a client's token.
const AUTHENTICATION: &str = "authentication";
/// The member of `authentication` that names the connection.
const CONNECTION_NAME: &str = "connectionName";
/// The member of `authentication` that is the client's token.
const TOKEN: &str = "token";
/// The member of `value` that may hold a magic code.
const STATE: &str = "state";
/// Longest `authentication.id` that is used, in bytes; a longer one counts as absent.
const MAX_ID_BYTES: usize = 256;

/// The invokes of users' actions whose `value` may hold a token for a sign-in, or a magic code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// `adaptiveCard/action`
    Card,
    /// `composeExtension/query`
    Query,
    /// `composeExtension/queryLink`
    Link,
}

impl ActionKind {
    const ALL: [Self; 3] = [Self::Card, Self::Query, Self::Link];

    /// Reads the kind of `activity`; `None` if it is no such invoke. Type and name are compared ignoring ASCII case.
    #[must_use]
    pub fn from_activity(activity: &Activity<'_>) -> Option<Self> {
        activity.find_invoke(&Self::ALL, Self::canonical_name)
    }

    /// The kinds that some reader of the same bytes takes `activity` for ([`Activity::may_be`]).
    pub fn possible_kinds(activity: &Activity<'_>) -> impl Iterator<Item = Self> {
        activity.possible_invokes(&Self::ALL, Self::canonical_name)
    }

    /// The family, by which the answers differ.
    #[must_use]
    pub const fn family(self) -> ActionFamily {
        match self {
            Self::Card => ActionFamily::Card,
            Self::Query | Self::Link => ActionFamily::Extension,
        }
    }

    /// The value of `sign_in_invokes` that lists this kind.
    #[must_use]
    pub const fn setting(self) -> SignInInvoke {
        match self {
            Self::Card => SignInInvoke::AdaptiveCard,
            Self::Query | Self::Link => SignInInvoke::MessageExtension,
        }
    }

    const fn canonical_name(self) -> &'static str {
        match self {
            Self::Card => "adaptiveCard/action",
            Self::Query => "composeExtension/query",
            Self::Link => "composeExtension/queryLink",
        }
    }
}

/// The families of users' actions, by the form of their answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionFamily {
    /// `adaptiveCard/action`
    Card,
    /// Every invoke of a message extension: `composeExtension/…`
    Extension,
}

impl ActionFamily {
    /// Whether the answers have the form of an Adaptive Card's action.
    #[must_use]
    pub const fn is_of_card(self) -> bool {
        matches!(self, Self::Card)
    }

    /// The family that some reader of the same bytes takes `activity` for ([`Activity::may_be`]): the first one, if readers
    /// find several.
    #[must_use]
    pub fn find_possible(activity: &Activity<'_>) -> Option<Self> {
        let mut names = activity.readings(Member::Name).filter_map(Node::as_str);
        names.find_map(|name| Self::from_name(name, is_read_as)).filter(|_| activity.may_be_of("invoke"))
    }

    /// The family of an invoke whose `name` is this text for a reader that compares names by `is_same`.
    fn from_name(name: &str, is_same: fn(&str, &str) -> bool) -> Option<Self> {
        let (group, action) = name.split_once('/')?;
        if is_same(group, "composeExtension") {
            return Some(Self::Extension);
        }
        (is_same(group, "adaptiveCard") && is_same(action, "action")).then_some(Self::Card)
    }
}

/// The connections that some reader finds as `value.authentication.connectionName` of an action.
pub fn possible_action_connections<'a>(activity: &'a Activity<'_>) -> impl Iterator<Item = &'a str> {
    activity.value_readings(Member::Authentication).flat_map(|authentication| texts(authentication, CONNECTION_NAME))
}

/// Reads `value.authentication.connectionName` of an action of `family`, which all readers find alike.
///
/// # Errors
/// [`ActivityError`] names what is missing, too long or ambiguous.
pub fn read_action_connection<'a>(activity: &'a Activity<'_>, family: ActionFamily) -> Result<&'a str, ActivityError> {
    activity.require_legible_members()?;
    let name = activity.name().filter(|_| activity.is("invoke")).unwrap_or("");
    if ActionFamily::from_name(name, str::eq_ignore_ascii_case) != Some(family) {
        return Err(ActivityError::Ambiguous("name"));
    }
    let authentication = activity.value().map_or(Ok(None), |value| find_single(value, AUTHENTICATION))?;
    let connection = authentication.map_or(Ok(None), |object| find_single_text(object, CONNECTION_NAME))?;
    connection.ok_or(ActivityError::Missing(CONNECTION_NAME))
}

/// What the `value` of an action holds for a sign-in. Member names are read ignoring ASCII case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarriedSignIn<'v> {
    /// The token in `authentication`, unless absent, empty or not a string.
    pub token: Option<CarriedToken<'v>>,
    /// `state`, if it is six digits.
    pub code: Option<&'v str>,
}

/// The `authentication` of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarriedToken<'v> {
    /// `id`, unless absent, empty or too long. A card's `authentication` block gives all users the same.
    pub id: Option<&'v str>,
    /// `connectionName`, unless absent or empty: not every client repeats it.
    pub connection_name: Option<&'v str>,
    /// `token`.
    pub token: &'v str,
}

impl CarriedToken<'_> {
    /// Whether some reader finds a token in `activity` beside a connection name that `is_named` accepts, or a token that
    /// `fits`. Takes time in proportion to the length of the activity.
    pub fn may_be(activity: &Activity<'_>, is_named: impl Fn(&str) -> bool, fits: impl Fn(&str) -> bool) -> bool {
        activity.value_readings(Member::Authentication).any(|authentication| {
            let mut names = texts(authentication, CONNECTION_NAME);
            let mut tokens = texts(authentication, TOKEN).peekable();
            tokens.peek().is_some() && (names.any(&is_named) || tokens.any(&fits))
        })
    }
}

impl<'v> CarriedSignIn<'v> {
    /// Whether some reader finds a magic code in `activity`.
    #[must_use]
    pub fn may_have_code(activity: &Activity<'_>) -> bool {
        activity.state_readings().any(|state| read_code(state).is_some())
    }

    /// Reads what all readers of `activity`, an action of `kind`, find alike.
    ///
    /// # Errors
    /// [`ActivityError`] names what is missing, too long or ambiguous.
    pub fn read(activity: &'v Activity<'_>, kind: ActionKind) -> Result<Self, ActivityError> {
        activity.require_legible_members()?;
        let mut kinds = ActionKind::possible_kinds(activity);
        if ActionKind::from_activity(activity) != Some(kind) || kinds.next() != Some(kind) || kinds.next().is_some() {
            return Err(ActivityError::Ambiguous("name"));
        }
        let Some(value) = activity.value() else { return Ok(Self::default()) };
        let code = find_single(value, STATE)?.and_then(read_code);
        let Some(authentication) = find_single(value, AUTHENTICATION)? else { return Ok(Self { token: None, code }) };
        let id = find_single_text(authentication, "id")?.filter(|id| id.len() <= MAX_ID_BYTES);
        let connection_name = find_single_text(authentication, CONNECTION_NAME)?;
        let token = find_single_text(authentication, TOKEN)?;
        let token = token.map(|token| CarriedToken { id, connection_name, token });
        Ok(Self { token, code })
    }
}

fn read_code(state: Node<'_>) -> Option<&str> {
    matches!(SignInState::read(state), Some(SignInState::Code(_))).then(|| state.as_str()).flatten()
}

/// The texts that some reader takes for the member `name`, without empty ones.
fn texts<'v>(object: Node<'v>, name: &'static str) -> impl Iterator<Item = &'v str> {
    object.readings(name).filter_map(Node::as_str).filter(|text| !text.is_empty())
}

/// The one member that any reader takes for `name`.
fn find_single<'v>(object: Node<'v>, name: &'static str) -> Result<Option<Node<'v>>, ActivityError> {
    let mut readings = object.readings(name);
    let first = readings.next();
    if readings.next().is_some() { Err(ActivityError::Ambiguous(name)) } else { Ok(first) }
}

fn find_single_text<'v>(object: Node<'v>, name: &'static str) -> Result<Option<&'v str>, ActivityError> {
    Ok(find_single(object, name)?.and_then(Node::as_str).filter(|text| !text.is_empty()))
}

/// Which members of `value` bot-sso has used, so that the bot does not get them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsedMembers {
    /// `authentication`: its token was exchanged.
    pub authentication: bool,
    /// `state`: it was a magic code of bot-sso.
    pub state: bool,
}

/// The activity in well-formed `body` without the `used` members of its `value`. All other bytes stay as they are. `None`
/// if `value` is no object.
#[must_use]
pub fn without_value_members(body: &Bytes, used: UsedMembers) -> Option<Bytes> {
    // A byte-order mark may come first.
    let object = body.get(body.iter().position(|byte| *byte == b'{')?..)?;
    let value = find_member(object, "value")?;
    let start = value.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
    let is_used =
        |name: &str| used.authentication && is_read_as(name, AUTHENTICATION) || used.state && is_read_as(name, STATE);
    let fates = members_of(value).map(|member| if is_used(&member.name()) { Fate::Removed } else { Fate::Kept });
    let kept = rewrite(value, fates)?;
    Some(Bytes::from([body.get(..start)?, &kept, body.get(start + value.len()..)?].concat()))
}

/// The body of a refused action of an Adaptive Card. The HTTP status is always 200
/// (docs/protocols/sign-in-invokes.md §1).
#[derive(Debug, Serialize, ToSchema)]
#[schema(description = "The body of a refused action of an Adaptive Card. The HTTP status is always 200.")]
#[serde(rename_all = "camelCase")]
pub struct CardActionResponse {
    /// The outcome of the action.
    status_code: u16,
    /// What `value` is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Left out where the type says everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value: Option<CardActionError>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CardActionError {
    /// The outcome of the action once more, as text.
    code: String,
    /// Why the action was refused: one fixed sentence for each reason, and a correlation id.
    message: String,
}

impl CardActionResponse {
    /// A refusal with this outcome. The client answers 412 with a button for the user to sign in.
    #[must_use]
    pub fn refused(status: u16, message: String) -> Self {
        let kind = match status {
            412 => "application/vnd.microsoft.error.preconditionFailed",
            _ => "application/vnd.microsoft.error",
        };
        Self { status_code: status, kind, value: Some(CardActionError { code: status.to_string(), message }) }
    }

    /// The refusal of a magic code: the client lets the user try again.
    #[must_use]
    pub const fn invalid_code() -> Self {
        Self { status_code: 401, kind: "application/vnd.microsoft.error.invalidAuthCode", value: None }
    }

    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and integers cannot fail to serialise.
        serde_json::to_vec(self).unwrap_or_else(|_| b"{}".to_vec())
    }
}
