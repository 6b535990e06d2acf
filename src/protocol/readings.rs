//! Methods of [`Node`] and [`Activity`] for what other readers may find in the same bytes. The bot behind the gateway has
//! another JSON parser. Some parsers take the first of two equal members and some the last, and some ignore letter case.
//! A sign-in invoke must not pass the gateway as something else, so every reading counts.

use super::activity::{Activity, MAX_NAME_BYTES};
use super::json::{JsonError, Node};
use super::members::Member;
use super::spelling::{is_read_as, read_lengths};

/// Two readers may find two values, or one that another does not find.
struct SeveralReadings;

impl<'d> Node<'d> {
    /// The values of all members that some reader takes for the member `name`: every occurrence, in any letter case.
    pub fn readings(self, name: &'static str) -> impl Iterator<Item = Node<'d>> {
        self.values_of(read_lengths(name), move |key| is_read_as(key, name))
    }
}

impl Activity<'_> {
    /// The values that some reader finds as `member`, which is one of the activity itself.
    pub(super) fn readings(&self, member: Member) -> impl Iterator<Item = Node<'_>> {
        let indexed = self.find_only_reading(member);
        let scanned = indexed.is_err().then(|| self.root().readings(member.name()));
        indexed.ok().flatten().into_iter().chain(scanned.into_iter().flatten())
    }

    /// The values that some reader finds as `member`, which is one of `value`.
    pub(super) fn value_readings(&self, member: Member) -> impl Iterator<Item = Node<'_>> {
        let indexed = self.find_only_reading(member);
        let scan = move || self.readings(Member::Value).flat_map(move |value| value.readings(member.name()));
        let scanned = indexed.is_err().then(scan);
        indexed.ok().flatten().into_iter().chain(scanned.into_iter().flatten())
    }

    /// The value of `member`, which is one of `value`, in any ASCII letter case.
    ///
    /// # Errors
    /// [`JsonError::TwoSpellings`] if there are two.
    pub(super) fn get_any_case(&self, member: Member) -> Result<Option<Node<'_>>, JsonError> {
        let search = |_| self.object(member.place()).map_or(Ok(None), |object| object.get_any_case(member.name()));
        self.find_only_reading(member).or_else(search)
    }

    /// The only value that readers find as `member`, if any.
    fn find_only_reading(&self, member: Member) -> Result<Option<Node<'_>>, SeveralReadings> {
        let is_plain = self.index.is_plain(member.place());
        if is_plain { Ok(self.index.find(&self.document, member)) } else { Err(SeveralReadings) }
    }

    /// Whether some reader takes this for an activity of the type `kind` with the name `name`. Without a `type` that a
    /// reader can use, the name alone tells what was meant.
    #[must_use]
    pub fn may_be(&self, kind: &str, name: &str) -> bool {
        self.readings(Member::Name).filter_map(Node::as_str).any(|text| is_read_as(text, name)) && self.may_be_of(kind)
    }

    /// Whether some reader finds the type `kind` here, or no reader finds a usable one.
    pub(super) fn may_be_of(&self, kind: &str) -> bool {
        let mut types = self.readings(Member::Type).filter_map(Node::as_str);
        types.any(|text| is_read_as(text, kind)) || !self.has_usable_type()
    }

    fn has_usable_type(&self) -> bool {
        let is_usable = |kind: &str| (1..=MAX_NAME_BYTES).contains(&kind.len());
        self.readings(Member::Type).filter_map(Node::as_str).any(is_usable)
    }

    /// The one of `kinds` whose name this invoke has; names are compared ignoring ASCII case.
    pub(super) fn find_invoke<K: Copy>(&self, kinds: &[K], name_of: fn(K) -> &'static str) -> Option<K> {
        if !self.is("invoke") {
            return None;
        }
        let name = self.name()?;
        kinds.iter().copied().find(|kind| name.eq_ignore_ascii_case(name_of(*kind)))
    }

    /// Those of `kinds` that some reader of the same bytes takes this for ([`Activity::may_be`]).
    pub(super) fn possible_invokes<K: Copy>(
        &self,
        kinds: &'static [K],
        name_of: fn(K) -> &'static str,
    ) -> impl Iterator<Item = K> {
        kinds.iter().copied().filter(move |kind| self.may_be("invoke", name_of(*kind)))
    }

    /// All that some reader takes for the `connectionName` of `value`.
    pub fn connection_name_readings(&self) -> impl Iterator<Item = Node<'_>> {
        self.value_readings(Member::ConnectionName)
    }

    /// All that some reader takes for the `state` of `value`.
    pub fn state_readings(&self) -> impl Iterator<Item = Node<'_>> {
        self.value_readings(Member::State)
    }

    /// Whether all readers find the same user id.
    #[must_use]
    pub fn states_one_user_id(&self) -> bool {
        if self.index.is_addressed_plainly() {
            return matches!(self.get(Member::FromId), None | Some(Node::Null | Node::String(_)));
        }
        let mut senders = self.root().readings("from");
        let sender = senders.next();
        let mut ids = sender.into_iter().flat_map(|sender| sender.readings("id"));
        // A bot may read a number as a text.
        let id = match ids.next() {
            None | Some(Node::Null) => "",
            Some(Node::String(id)) => id,
            Some(_) => return false,
        };
        ids.next().is_none() && senders.next().is_none() && id == self.from_id()
    }

    /// Whether all readers find the same user, with the same Entra identity. What is no text is no identity, and a bot may
    /// read it as one.
    #[must_use]
    pub fn states_one_user(&self) -> bool {
        fn single<'d>(object: Option<Node<'d>>, name: &'static str) -> (bool, Option<Node<'d>>) {
            let mut readings = object.into_iter().flat_map(move |object| object.readings(name));
            let first = readings.next();
            (readings.next().is_none(), first)
        }
        if self.index.is_addressed_plainly() {
            return !self.from_id().is_empty() && self.require_address_kinds().is_ok();
        }
        let root = Some(self.root());
        let (one_sender, from) = single(root, "from");
        let (one_conversation, conversation) = single(root, "conversation");
        let (one_channel_data, channel_data) = single(root, "channelData");
        let (one_tenant, tenant) = single(channel_data, "tenant");
        let is_single = |object, name| single(object, name).0;
        (one_sender && one_conversation && one_channel_data && one_tenant)
            && (is_single(from, "id") && is_single(from, "aadObjectId"))
            && (is_single(conversation, "tenantId") && is_single(tenant, "id"))
            && !self.from_id().is_empty()
            && self.require_address_kinds().is_ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const REST: &str = r#""channelId":"c","serviceUrl":"https://c.example/""#;

    fn may_be_failure(members: &str) -> bool {
        let body = format!("{{{members},{REST}}}");
        Activity::parse(body.as_bytes()).unwrap().may_be("invoke", "signin/failure")
    }

    #[test]
    fn an_activity_may_be_whatever_any_reader_finds_in_it() {
        for members in [
            r#""type":"invoke","name":"signin/failure""#,
            r#""type":"message","type":"invoke","name":"signin/failure""#,
            r#""type":"invoke","type":"message","name":"signin/failure","name":"x""#,
            r#""Type":"INVOKE","nAME":"SignIn/Failure""#,
            r#""type":"message","TYPE":"invoke","name":7,"Name":"signin/failure""#,
            r#""\u0074ype":"\u0069nvoke","name":"signin\/failure""#,
            "\"type\":\"invo\u{212a}e\",\"name\":\"\u{17f}ignin/failure\"",
            r#""name":"signin/failure""#,
            r#""type":7,"Type":null,"name":"signin/failure""#,
            r#""type":"","name":"signin/failure""#,
            "\"type\":\"\u{130}\",\"Type\":\"invo\u{212a}e\",\"name\":\"S\u{131}gnin/failure\"",
        ] {
            assert!(may_be_failure(members), "{members}");
        }
        for members in [
            r#""type":"message","name":"signin/failure""#,
            r#""type":"invoke","name":"signin/failure2""#,
            r#""type":"invoke","value":{"name":"signin/failure"}"#,
            r#""type":"invoke","name":["signin/failure"]"#,
            r#""type":"invoke","name":"signin/failure\u0000""#,
        ] {
            assert!(!may_be_failure(members), "{members}");
        }
    }

    #[test]
    fn the_caller_is_authenticated_by_members_that_all_readers_read_alike() {
        let parse = |members: &str| {
            let body = format!("{{\"type\":\"message\",{members}}}");
            Activity::parse(body.as_bytes()).map(|activity| activity.service_url().map(str::to_owned))
        };
        for members in [r#""channelId":"c","ServiceUrl":"u""#, r#""channelId":"c","serviceUrl":"u","SERVICEURL":"u""#] {
            assert_eq!(parse(members).unwrap().as_deref(), Some("u"), "{members}");
        }
        for members in [
            r#""channelId":"c","serviceUrl":"u","serviceUrl":"v""#,
            r#""channelId":"c","serviceUrl":"u","ServiceUrl":null"#,
            r#""channelId":"c","ChannelId":"d""#,
            r#""channelId":"""#,
            r#""serviceUrl":"u""#,
        ] {
            assert!(parse(members).is_err(), "{members}");
        }
    }
}
