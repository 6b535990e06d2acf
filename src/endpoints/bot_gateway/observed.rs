//! What the gateway tells the observer of exchanges. Methods of [`Inbound`].

use super::admitted::Inbound;
use super::disposition::Disposition;
use crate::domain::{ArrivedActivity, ExchangeStep};
use crate::exchange::Reason;
use crate::inbound::AdmittedCaller;
use crate::protocol::Activity;

impl Inbound<'_> {
    /// Tells that `activity` has arrived and will be handled by `disposition`.
    pub(super) fn tell_arrival(&self, activity: &Activity<'_>, disposition: &Disposition<'_>) {
        self.observation.tell(&self.correlation_id, || ExchangeStep::ActivityArrived {
            activity: ArrivedActivity {
                caller: caller_name(self.caller),
                bot: self.bot.name.as_str(),
                channel: &self.channel_id,
                conversation: &self.conversation_id,
                activity_id: self.activity_id.as_deref(),
                name: activity.name().unwrap_or_else(|| activity.kind()),
                connection: disposition.connection(),
            },
        });
    }

    /// Tells the answer: its status, the reason of a refused exchange, and whether it is an earlier duplicate's.
    pub(super) fn tell_answer(&self, status: u16, reason: Option<Reason>, is_shared: bool) {
        self.observation.tell(&self.correlation_id, || ExchangeStep::ActivityAnswered {
            status,
            reason: reason.map(Reason::code),
            is_shared,
            took: self.begun.elapsed(),
        });
    }
}

const fn caller_name(caller: AdmittedCaller<'_>) -> &'static str {
    match caller {
        AdmittedCaller::Channel => "channel",
        AdmittedCaller::Platform { .. } => "agent_365",
        AdmittedCaller::Parent { .. } => "parent",
        AdmittedCaller::Anonymous => "anonymous",
    }
}
