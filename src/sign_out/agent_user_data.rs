//! `AgentLifecycle`: what is kept of one agent user. `agent_lifecycle.rs` has the type.

use serde_json::json;

use super::AgentLifecycle;
use crate::domain::{BotName, CountFuture, DataSubject, ExportFuture, PersonalData};

impl PersonalData for AgentLifecycle {
    fn name(&self) -> &'static str {
        "agentUserVersions"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let mut exported = Vec::new();
            for bot in self.bots() {
                if let Some(version) = self.order.find(bot, &person.user).await? {
                    exported.push(json!({ "bot": bot.as_str(), "version": version.to_string() }));
                }
            }
            Ok(exported)
        })
    }

    /// An outdated event that arrives afterwards signs the agent user out once more, and does nothing else.
    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move {
            let mut count = 0;
            for bot in self.bots() {
                count += usize::from(self.order.remove(bot, &person.user).await?);
            }
            Ok(count)
        })
    }
}

impl AgentLifecycle {
    fn bots(&self) -> impl Iterator<Item = &BotName> {
        self.sign_out.registrations.bots().map(|bot| &bot.name)
    }
}
