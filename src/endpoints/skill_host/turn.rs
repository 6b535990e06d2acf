use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::web;
use bytes::Bytes;

use super::SkillHost;
use crate::bot_connector::{CONVERSATION_HEADER, ForwardedRequest, SkillConversation};
use crate::domain::Secret;
use crate::inbound::SkillPeer;
use crate::protocol::SkillAddress;

/// A request between a parent and its skill, and the conversation in which it is sent.
#[derive(Clone)]
pub(super) struct SkillTurn {
    pub(super) host: web::Data<SkillHost>,
    pub(super) peer: SkillPeer,
    pub(super) conversation: Arc<SkillConversation>,
    pub(super) correlation_id: String,
    /// The `serviceUrl` by which the skill knows this service.
    service_url: String,
}

impl SkillTurn {
    pub(super) fn new(
        host: &web::Data<SkillHost>,
        peer: SkillPeer,
        conversation: Arc<SkillConversation>,
        correlation_id: String,
    ) -> Self {
        let service_url = peer.skill.host_url(&host.public_url);
        Self { host: host.clone(), peer, conversation, correlation_id, service_url }
    }

    /// The same turn in `conversation`, a later state of its conversation.
    pub(super) fn in_conversation(&self, conversation: Arc<SkillConversation>) -> Self {
        Self { conversation, ..self.clone() }
    }

    /// How the skill knows the conversation.
    pub(super) fn skill_address(&self) -> SkillAddress<'_> {
        SkillAddress { conversation_id: &self.conversation.id, service_url: &self.service_url }
    }

    /// How the parent knows the conversation.
    pub(super) fn parent_address(&self) -> SkillAddress<'_> {
        SkillAddress {
            conversation_id: &self.conversation.parent_conversation_id,
            service_url: &self.conversation.parent_service_url,
        }
    }

    /// The request with `headers` for the skill, with `body`.
    pub(super) fn forwarded_to_skill(&self, headers: &HeaderMap, body: Bytes) -> ForwardedRequest {
        forwarded(headers, body).in_conversation(&self.conversation.id)
    }

    /// The request with `headers` for the parent, with `body`.
    pub(super) fn forwarded_to_parent(&self, headers: &HeaderMap, body: Bytes) -> ForwardedRequest {
        forwarded(headers, body).in_conversation(&self.conversation.parent_conversation_id)
    }

    /// A request that this service makes to the skill in the parent's name.
    pub(super) fn composed_for_skill(&self, bearer: &Secret, body: Bytes) -> ForwardedRequest {
        let headers: [(&str, &[u8]); 2] =
            [("accept", b"application/json"), (CONVERSATION_HEADER, self.conversation.id.as_bytes())];
        ForwardedRequest::new(headers.into_iter(), Bytes::new()).with_json(body).authorized_by(bearer)
    }
}

fn forwarded(headers: &HeaderMap, body: Bytes) -> ForwardedRequest {
    ForwardedRequest::new(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())), body)
}
