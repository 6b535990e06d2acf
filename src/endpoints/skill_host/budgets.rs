use std::sync::Arc;

use dashmap::DashMap;

use super::answer_budget::AnswerBudget;
use super::uploads::Uploads;
use crate::domain::SkillName;

/// The budgets of one skill for what is larger than activities. They bound the memory of this process, so each replica has its
/// own.
#[derive(Default)]
pub(super) struct SkillBudget {
    pub(super) answers: AnswerBudget,
    pub(super) uploads: Uploads,
}

/// The budgets of all skills. Each skill has its own, so a skill or a parent that is slow takes nothing from other skills.
#[derive(Default)]
pub(super) struct SkillBudgets {
    /// Only configured skills are looked up, so their number is bounded.
    by_skill: DashMap<SkillName, Arc<SkillBudget>>,
}

impl SkillBudgets {
    pub(super) fn get(&self, skill: &SkillName) -> Arc<SkillBudget> {
        if let Some(known) = self.by_skill.get(skill) {
            return Arc::clone(&known);
        }
        Arc::clone(&self.by_skill.entry(skill.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_skill_that_uses_up_its_budget_takes_nothing_from_another_one() {
        let budgets = SkillBudgets::default();
        let reserve =
            async |skill: &str, bytes| budgets.get(&SkillName::new(skill)).answers.reserve(bytes, Instant::now()).await;
        let all = reserve("weather", 8 * 1024 * 1024).await.unwrap();
        assert!(reserve("weather", 1).await.is_none());
        assert!(reserve("calendar", 8 * 1024 * 1024).await.is_some());
        drop(all);
        assert!(reserve("weather", 1).await.is_some());
    }
}
