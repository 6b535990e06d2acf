//! Methods of [`Activity`] for what the Agent 365 platform writes: activities for an agent, and events in an agent's life
//! (docs/protocols/agent-identity.md §4).

use super::activity::{Activity, ActivityError};
use super::json::Node;
use super::raw_members::find_member;

/// The roles of a recipient that is an agent, compared ignoring case.
const AGENT_ROLES: [&str; 2] = ["agenticUser", "agenticAppInstance"];
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
    pub version: Option<u64>,
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
    /// [`ActivityError::Ambiguous`] if a member occurs more than once, so that two readers may find two agents.
    pub fn read_agent_address(&self) -> Result<AgentAddress<'_>, ActivityError> {
        let is_lifecycle = self.is_unambiguously("type", "event")? && self.is_unambiguously("name", LIFECYCLE)?;
        let role = self.text_at(&["recipient", "role"])?;
        let is_agent = role.is_some_and(|role| AGENT_ROLES.iter().any(|known| known.eq_ignore_ascii_case(role)));
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
    /// As [`Activity::read_agent_address`].
    pub fn read_agent_lifecycle(&self, body: &[u8]) -> Result<AgentLifecycleEvent, ActivityError> {
        let ends = |kind: Option<&str>| {
            kind.is_some_and(|kind| ENDING_EVENTS.iter().any(|known| known.eq_ignore_ascii_case(kind)))
        };
        self.only_reading(&["value", "version"])?;
        Ok(AgentLifecycleEvent {
            agent_user_id: self.text_at(&["value", "agenticUserId"])?.map(str::to_owned),
            ends_access: ends(self.text_at(&["valueType"])?) || ends(self.text_at(&["value", "eventType"])?),
            version: find_member(body, "value").and_then(|value| find_member(value, "version")).and_then(read_number),
        })
    }

    fn is_unambiguously(&self, member: &'static str, text: &str) -> Result<bool, ActivityError> {
        Ok(self.text_at(&[member])?.is_some_and(|found| found.eq_ignore_ascii_case(text)))
    }

    /// The text at `path` that all readers find, or none of them; `None` if it is absent, empty or no text.
    fn text_at(&self, path: &[&'static str]) -> Result<Option<&str>, ActivityError> {
        Ok(self.only_reading(path)?.and_then(Node::as_str).filter(|text| !text.is_empty()))
    }

    /// The value at `path`, of which each step has one reading at most.
    fn only_reading(&self, path: &[&'static str]) -> Result<Option<Node<'_>>, ActivityError> {
        let mut found = self.root();
        for name in path {
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

/// A whole number, bare or in quotes. Versions may be larger than the numbers that [`Node`] keeps.
fn read_number(json: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(json).ok()?;
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    bare.bytes().all(|byte| byte.is_ascii_digit()).then(|| bare.parse().ok())?
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

    fn lifecycle(value: &str) -> AgentLifecycleEvent {
        let body = format!(r#"{{"type":"event","name":"agentLifecycle","value":{value},{REST}}}"#);
        Activity::parse(body.as_bytes()).unwrap().read_agent_lifecycle(body.as_bytes()).unwrap()
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
            (r#""type":"message","recipient":{"role":["agenticUser"]}"#, false),
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
        let expected = AgentLifecycleEvent { agent_user_id: Some("u".to_owned()), ends_access: true, version: Some(5) };
        assert_eq!(event, expected);
        let body = format!(r#"{{"type":"event","name":"agentLifecycle","valueType":"AgenticUserDisabled",{REST}}}"#);
        assert!(Activity::parse(body.as_bytes()).unwrap().read_agent_lifecycle(body.as_bytes()).unwrap().ends_access);
        assert!(!lifecycle(r#"{"eventType":"agenticUserEnabled"}"#).ends_access);
        for (version, read) in [
            ("18446744073709551615", Some(u64::MAX)),
            ("\"7\"", Some(7)),
            ("18446744073709551616", None),
            ("-1", None),
            ("5.0", None),
            ("\"\"", None),
            ("null", None),
        ] {
            assert_eq!(lifecycle(&format!(r#"{{"version":{version}}}"#)).version, read, "{version}");
        }
    }
}
