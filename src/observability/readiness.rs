use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// The longest time that one check may take. Probes of orchestrators wait a second by default.
const CHECK_TIMEOUT: Duration = Duration::from_millis(800);

/// The state of one part of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It works.
    Ok,
    /// It does not, for this reason; the text names no secret and nothing from outside.
    Failing(&'static str),
}

type Probe = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Health> + Send>> + Send + Sync>;

/// One check of readiness.
pub struct Check {
    name: String,
    is_required: bool,
    probe: Probe,
}

impl Check {
    /// A check without which the process is not ready.
    #[must_use]
    pub fn required<F>(name: impl Into<String>, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Health> + Send + 'static,
    {
        Self { name: name.into(), is_required: true, probe: Box::new(move || Box::pin(probe())) }
    }

    /// A check that is shown and does not decide.
    #[must_use]
    pub fn informative<F>(name: impl Into<String>, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Health> + Send + 'static,
    {
        Self { is_required: false, ..Self::required(name, probe) }
    }

    async fn run(&self) -> CheckResult {
        let health = tokio::time::timeout(CHECK_TIMEOUT, (self.probe)()).await;
        let health = health.unwrap_or(Health::Failing("it did not answer in time"));
        CheckResult { name: self.name.clone(), is_required: self.is_required, health }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// The name of the check.
    pub name: String,
    /// Whether the process is not ready without it.
    pub is_required: bool,
    /// The state that it found.
    pub health: Health,
}

/// The checks that decide whether the process can do its work (docs/operating.md §Health).
#[derive(Default)]
pub struct Readiness {
    checks: Vec<Check>,
}

impl Readiness {
    /// Makes these checks whenever it is asked.
    #[must_use]
    pub fn new(checks: Vec<Check>) -> Self {
        Self { checks }
    }

    /// Makes all checks at the same time, and returns their results in the order of the checks.
    pub async fn check(&self) -> Vec<CheckResult> {
        futures_util::future::join_all(self.checks.iter().map(Check::run)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_check_that_hangs_fails_after_a_moment_and_holds_up_no_other() {
        let readiness = Readiness::new(vec![
            Check::required("hangs", std::future::pending),
            Check::informative("works", async || Health::Ok),
        ]);
        let result = |name: &str, is_required, health| CheckResult { name: name.to_owned(), is_required, health };
        let expected =
            [result("hangs", true, Health::Failing("it did not answer in time")), result("works", false, Health::Ok)];
        assert_eq!(readiness.check().await, expected);
    }
}
