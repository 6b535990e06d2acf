//! Methods of [`Activity`] for what the Agent 365 platform writes: activities for an agent, and events in an agent's life
//! (docs/protocols/agent-identity.md §4).

use super::activity::{Activity, ActivityError};
use super::json::Node;
use super::raw_members::members_of;
use super::spelling::is_read_as;
use crate::domain::VersionNumber;

/// The role of a recipient that is an agent user, compared ignoring case.
const AGENT_USER_ROLE: &str = "agenticUser";
/// The roles of a recipient that is an agent, compared ignoring case.
const AGENT_ROLES: [&str; 2] = [AGENT_USER_ROLE, "agenticAppInstance"];
/// What precedes the object id in the `id` of a user of Entra.
const USER_ID_PREFIX: &str = "8:orgid:";
/// The name of an event in an agent's life.
const LIFECYCLE: &str = "agentLifecycle";
/// The events after which an agent user may not act any more, compared ignoring case.
const ENDING_EVENTS: [&str; 2] = ["AgenticUserDisabled", "AgenticUserDeleted"];

/// The members of an activity that say which agent it is for. All readers find these values or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentAddress<'a> {
    /// Whether the recipient is an agent, or the activity is an event in an agent's life.
    pub is_for_agent: bool,
    /// Whether the activity is an event in an agent's life.
    pub is_lifecycle: bool,
    /// `recipient.tenantId`
    pub recipient_tenant: Option<&'a str>,
    /// `conversation.tenantId`
    pub conversation_tenant: Option<&'a str>,
    /// `channelData.tenant.id`
    pub channel_tenant: Option<&'a str>,
    /// `value.tenantId` of an event in an agent's life.
    pub lifecycle_tenant: Option<&'a str>,
    /// `recipient.agenticAppBlueprintId`
    pub blueprint_id: Option<&'a str>,
    /// `value.agentIdentityBlueprintId` of an event in an agent's life.
    pub lifecycle_blueprint_id: Option<&'a str>,
    /// `recipient.agenticAppId`
    pub agent_app_id: Option<&'a str>,
}

/// An event in the life of an agent user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentLifecycleEvent {
    /// The object id of the agent user; `None` if the event names none.
    pub agent_user_id: Option<String>,
    /// Whether the agent user may not act any more: it was disabled or deleted.
    pub ends_access: bool,
    /// The version of the agent user's state, which increases with each event; `None` if the event has none.
    pub version: Option<VersionNumber>,
}

impl Activity<'_> {
    /// Whether some reader takes this for an event in an agent's life.
    #[must_use]
    pub fn may_be_agent_lifecycle(&self) -> bool {
        self.may_be("event", LIFECYCLE)
    }

    /// Reads for which agent this activity is.
    ///
    /// # Errors
    /// [`ActivityError::Ambiguous`] if a member occurs more than once, so that two readers may find two agents;
    /// [`ActivityError::WrongKind`] if a member that says who is meant is no text.
    pub fn read_agent_address(&self) -> Result<AgentAddress<'_>, ActivityError> {
        let is_lifecycle = self.is_unambiguously("type", "event")? && self.is_unambiguously("name", LIFECYCLE)?;
        let role = self.text_at(&["recipient", "role"])?;
        let is_agent = role.is_some_and(|role| AGENT_ROLES.iter().any(|known| known.eq_ignore_ascii_case(role)));
        // A bot may read a number as a text, so these too have to be texts.
        for (party, name) in [("recipient", "agenticUserId"), ("from", "agenticUserId"), ("from", "agenticAppId")] {
            self.text_at(&[party, name])?;
        }
        let of_lifecycle = |name| if is_lifecycle { self.text_at(&["value", name]) } else { Ok(None) };
        Ok(AgentAddress {
            is_for_agent: is_agent || is_lifecycle,
            is_lifecycle,
            recipient_tenant: self.text_at(&["recipient", "tenantId"])?,
            conversation_tenant: self.text_at(&["conversation", "tenantId"])?,
            channel_tenant: self.text_at(&["channelData", "tenant", "id"])?,
            lifecycle_tenant: of_lifecycle("tenantId")?,
            blueprint_id: self.text_at(&["recipient", "agenticAppBlueprintId"])?,
            lifecycle_blueprint_id: of_lifecycle("agentIdentityBlueprintId")?,
            agent_app_id: self.text_at(&["recipient", "agenticAppId"])?,
        })
    }

    /// Reads the event in an agent's life that this activity is. `body` is what it was parsed from.
    ///
    /// # Errors
    /// As [`Activity::read_agent_address`]; also if the event names two agent users, or a version that is no number.
    pub fn read_agent_lifecycle(&self, body: &[u8]) -> Result<AgentLifecycleEvent, ActivityError> {
        let ends = |kind: Option<&str>| {
            kind.is_some_and(|kind| ENDING_EVENTS.iter().any(|known| known.eq_ignore_ascii_case(kind)))
        };
        Ok(AgentLifecycleEvent {
            agent_user_id: self.find_agent_user()?.map(str::to_owned),
            ends_access: ends(self.text_at(&["valueType"])?) || ends(self.text_at(&["value", "eventType"])?),
            version: self.read_version(body)?,
        })
    }

    /// The object id of the agent user that an event is about: the event itself names the user, or one of its parties, or
    /// its recipient is the user (docs/protocols/agent-identity.md §4).
    fn find_agent_user(&self) -> Result<Option<&str>, ActivityError> {
        let mut found: Option<&str> = None;
        for party in ["value", "recipient", "from"] {
            let Some(named) = self.text_at(&[party, "agenticUserId"])? else { continue };
            if found.is_some_and(|found| !found.eq_ignore_ascii_case(named)) {
                return Err(ActivityError::Ambiguous("agenticUserId"));
            }
            found = Some(named);
        }
        let role = self.text_at(&["recipient", "role"])?;
        if found.is_some() || !role.is_some_and(|role| role.eq_ignore_ascii_case(AGENT_USER_ROLE)) {
            return Ok(found);
        }
        let object_id = self.text_at(&["recipient", "aadObjectId"])?;
        let from_id = self.text_at(&["recipient", "id"])?.and_then(|id| id.strip_prefix(USER_ID_PREFIX));
        Ok(object_id.or(from_id))
    }

    /// The version in `body`, bare or in quotes. [`Node`] does not keep large numbers, so the bytes are read.
    fn read_version(&self, body: &[u8]) -> Result<Option<VersionNumber>, ActivityError> {
        let text = match self.only_reading(&["value", "version"])? {
            None | Some(Node::Null) => return Ok(None),
            Some(Node::String(text)) => Some(text),
            Some(Node::Number(_)) => find_reading(body, "value")
                .and_then(|value| find_reading(value, "version"))
                .and_then(|number| std::str::from_utf8(number).ok()),
            Some(_) => None,
        };
        let version = text.and_then(VersionNumber::parse);
        version.map(Some).ok_or(ActivityError::WrongKind("version"))
    }

    fn is_unambiguously(&self, member: &'static str, text: &str) -> Result<bool, ActivityError> {
        let found = self.only_reading(&[member])?.and_then(Node::as_str);
        Ok(found.is_some_and(|found| found.eq_ignore_ascii_case(text)))
    }

    /// The text at `path` that all readers find, or none of them; `None` if it is absent, `null` or empty.
    fn text_at(&self, path: &[&'static str]) -> Result<Option<&str>, ActivityError> {
        match self.only_reading(path)? {
            None | Some(Node::Null | Node::String("")) => Ok(None),
            Some(Node::String(text)) => Ok(Some(text)),
            Some(_) => Err(ActivityError::WrongKind(path.last().copied().unwrap_or_default())),
        }
    }

    /// The value at `path`, of which each step has one reading at most.
    fn only_reading(&self, path: &[&'static str]) -> Result<Option<Node<'_>>, ActivityError> {
        let (mut found, mut reached) = (self.root(), "");
        for name in path {
            if !matches!(found, Node::Object(_) | Node::Null) {
                return Err(ActivityError::WrongKind(reached));
            }
            reached = name;
            let mut readings = found.readings(name);
            let Some(first) = readings.next() else { return Ok(None) };
            if readings.next().is_some() {
                return Err(ActivityError::Ambiguous(name));
            }
            found = first;
        }
        Ok(Some(found))
    }
}

/// The value of the first member of the object in well-formed `json` that some reader takes for `name`. A byte-order mark
/// may come first.
fn find_reading<'b>(json: &'b [u8], name: &str) -> Option<&'b [u8]> {
    let object = json.get(json.iter().position(|byte| *byte == b'{')?..)?;
    members_of(object).find_map(|member| is_read_as(&member.name(), name).then_some(member.value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const REST: &str = r#""channelId":"agents","serviceUrl":"https://c.example/""#;

    fn address<T>(members: &str, read: impl Fn(&AgentAddress<'_>) -> T) -> Result<T, ActivityError> {
        let body = format!("{{{members},{REST}}}");
        Activity::parse(body.as_bytes()).unwrap().read_agent_address().map(|address| read(&address))
    }

    fn try_lifecycle(members: &str) -> Result<AgentLifecycleEvent, ActivityError> {
        let body = format!(r#"{{"type":"event","name":"agentLifecycle",{members},{REST}}}"#);
        Activity::parse(body.as_bytes()).unwrap().read_agent_lifecycle(body.as_bytes())
    }

    fn lifecycle(value: &str) -> AgentLifecycleEvent {
        try_lifecycle(&format!(r#""value":{value}"#)).unwrap()
    }

    #[test]
    fn an_activity_is_for_an_agent_by_its_recipients_role_or_as_an_event_in_an_agents_life() {
        for (members, is_for_agent) in [
            (r#""type":"message","recipient":{"role":"agenticUser"}"#, true),
            (r#""type":"message","recipient":{"role":"AGENTICAPPINSTANCE"}"#, true),
            (r#""type":"Event","name":"AgentLifecycle""#, true),
            (r#""type":"message","name":"agentLifecycle""#, false),
            (r#""type":"message","recipient":{"role":"bot"}"#, false),
            (r#""type":"message","recipient":{"role":"user"}"#, false),
            (r#""type":"message","recipient":{"id":"x"}"#, false),
            (r#""type":"message""#, false),
        ] {
            assert_eq!(address(members, |address| address.is_for_agent).unwrap(), is_for_agent, "{members}");
        }
    }

    #[test]
    fn an_agent_that_two_readers_may_read_differently_is_no_address() {
        for members in [
            r#""type":"message","recipient":{"role":"bot","role":"agenticUser"}"#,
            r#""type":"message","recipient":{"role":"bot","Role":"agenticUser"}"#,
            r#""type":"message","recipient":{"role":"agenticUser"},"Recipient":{}"#,
            r#""type":"message","conversation":{"tenantId":"a","tenantid":"b"}"#,
            r#""type":"message","channelData":{"tenant":{"id":"a"},"tenant":{"id":"b"}}"#,
            r#""type":"message","type":"event","name":"agentLifecycle""#,
            r#""type":"event","name":"agentLifecycle","value":{"tenantId":"a","TENANTID":"b"}"#,
        ] {
            assert!(matches!(address(members, |_| ()), Err(ActivityError::Ambiguous(_))), "{members}");
        }
    }

    #[test]
    fn a_lifecycle_event_says_whose_access_ends_and_in_which_order() {
        let event = lifecycle(r#"{"agenticUserId":"u","tenantId":"t","eventType":"agenticUserDeleted","version":5}"#);
        let version = VersionNumber::parse("5");
        let expected = AgentLifecycleEvent { agent_user_id: Some("u".to_owned()), ends_access: true, version };
        assert_eq!(event, expected);
        let body = format!(r#"{{"type":"event","name":"agentLifecycle","valueType":"AgenticUserDisabled",{REST}}}"#);
        assert!(Activity::parse(body.as_bytes()).unwrap().read_agent_lifecycle(body.as_bytes()).unwrap().ends_access);
        assert!(!lifecycle(r#"{"eventType":"agenticUserEnabled"}"#).ends_access);
        for (member, number) in [
            (r#""version":18446744073709551615"#, Some("18446744073709551615")),
            (r#""version":"7""#, Some("7")),
            (r#""version":18446744073709551616"#, Some("18446744073709551616")),
            (r#""version":-1"#, Some("-1")),
            (r#""version":5.0"#, Some("5")),
            (r#""version":"\u0035e0""#, Some("5")),
            (r#""Ver\u0073ion":6"#, Some("6")),
            (r#""version":null"#, None),
            (r#""other":1"#, None),
        ] {
            let version = lifecycle(&format!("{{{member}}}")).version;
            assert_eq!(version, number.and_then(VersionNumber::parse), "{member}");
        }
        for version in [r#""""#, r#""abc""#, "true", "[4]", r#"{"n":4}"#] {
            let read = try_lifecycle(&format!(r#""value":{{"version":{version}}}"#));
            assert!(matches!(read, Err(ActivityError::WrongKind("version"))), "{version}");
        }
    }

    #[test]
    fn the_agent_user_of_an_event_is_named_by_the_event_or_by_one_of_its_parties() {
        for (members, user) in [
            (r#""value":{"agenticUserId":"u"}"#, Some("u")),
            (r#""value":{},"recipient":{"agenticUserId":"u"}"#, Some("u")),
            (r#""from":{"id":"System","AgenticUserId":"u"}"#, Some("u")),
            (r#""value":{"agenticUserId":null},"recipient":{"agenticUserId":"u"}"#, Some("u")),
            (r#""value":{"agenticUserId":"u"},"recipient":{"agenticUserId":"U"}"#, Some("U")),
            (r#""recipient":{"role":"AgenticUser","id":"8:orgid:u"}"#, Some("u")),
            (r#""recipient":{"role":"agenticUser","id":"8:orgid:x","aadObjectId":"u"}"#, Some("u")),
            (r#""recipient":{"role":"agenticAppInstance","id":"8:orgid:u"}"#, None),
            (r#""recipient":{"id":"8:orgid:u"}"#, None),
            (r#""value":null,"recipient":null"#, None),
        ] {
            assert_eq!(try_lifecycle(members).unwrap().agent_user_id.as_deref(), user, "{members}");
        }
        for members in [
            r#""value":{"agenticUserId":"u"},"recipient":{"agenticUserId":"v"}"#,
            r#""recipient":{"agenticUserId":"u"},"from":{"agenticUserId":"v"}"#,
            r#""value":{"agenticUserId":7},"recipient":{"agenticUserId":"v"}"#,
            r#""value":"u","recipient":{"agenticUserId":"v"}"#,
            r#""recipient":7"#,
            r#""value":{"agenticUserId":"u"},"from":[]"#,
        ] {
            assert!(try_lifecycle(members).is_err(), "{members}");
        }
    }

    #[test]
    fn an_address_that_is_no_text_is_none() {
        for members in [
            r#""recipient":{"role":["agenticUser"]}"#,
            r#""recipient":{"role":"agenticUser","agenticAppId":7}"#,
            r#""recipient":{"role":"agenticUser","agenticUserId":{}}"#,
            r#""recipient":{"role":"agenticUser","AgenticUserId":7}"#,
            r#""recipient":{"role":"agenticUser","agenticAppBlueprintId":true}"#,
            r#""recipient":7"#,
            r#""recipient":"agenticUser""#,
            r#""recipient":{"role":"agenticUser"},"from":[]"#,
            r#""recipient":{"role":"agenticUser"},"from":{"agenticUserId":7}"#,
            r#""recipient":{"role":"agenticUser"},"conversation":"x""#,
            r#""recipient":{"role":"agenticUser"},"channelData":1"#,
            r#""recipient":{"role":"agenticUser"},"channelData":{"tenant":[]}"#,
        ] {
            let members = format!(r#""type":"message",{members}"#);
            assert!(matches!(address(&members, |_| ()), Err(ActivityError::WrongKind(_))), "{members}");
        }
    }
}
