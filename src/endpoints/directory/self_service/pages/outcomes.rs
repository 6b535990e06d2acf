//! `Act`: a form that is sent to several replicas. `act.rs` has the type.

use super::act::{Act, ActOutcome};
use super::known_user::KnownUser;
use super::refusals::{ActFailure, log_outage};
use crate::accounts::{FormOutcome, FormTurn, FormUser};
use crate::domain::DirectoryUser;

impl Act {
    /// Does `work`, unless another replica has done it for the same form: then its outcome counts.
    pub(super) async fn complete_once<W>(
        self,
        body: &[u8],
        work: impl FnOnce(Self) -> W,
    ) -> Result<ActOutcome, ActFailure>
    where
        W: Future<Output = Result<ActOutcome, ActFailure>>,
    {
        let turn = self.door.parts.outcomes.begin(&self.view.directory.tenant, body).await;
        let begun = match turn.map_err(log_outage)? {
            FormTurn::Done(outcome) => return self.recall(outcome).await,
            FormTurn::Begun(begun) => begun,
        };
        let outcome = work(self).await?;
        begun.complete(&describe(&outcome)).await;
        Ok(outcome)
    }

    /// The outcome that another replica has kept. A user who is gone or disabled by now has none.
    async fn recall(&self, kept: FormOutcome) -> Result<ActOutcome, ActFailure> {
        Ok(match kept {
            FormOutcome::SignedIn(user) => ActOutcome::SignedIn(Box::new(self.find_user(&user).await?)),
            FormOutcome::Mailed => ActOutcome::Mailed,
            FormOutcome::Changed { user, sign_in } => {
                ActOutcome::Changed(Box::new(KnownUser::recall(self.find_user(&user).await?, sign_in)))
            }
            FormOutcome::LinkUsed { next } => ActOutcome::LinkUsed(next),
        })
    }

    async fn find_user(&self, user: &FormUser) -> Result<DirectoryUser, ActFailure> {
        let found = user.find(&self.door.parts.users, &self.view.directory.tenant).await;
        found.map_err(log_outage)?.ok_or(ActFailure::Ended)
    }
}

fn describe(outcome: &ActOutcome) -> FormOutcome {
    match outcome {
        ActOutcome::SignedIn(user) => FormOutcome::SignedIn(FormUser::of(user)),
        ActOutcome::Mailed => FormOutcome::Mailed,
        ActOutcome::Changed(known) => {
            FormOutcome::Changed { user: FormUser::of(&known.user), sign_in: known.describe_sign_in() }
        }
        ActOutcome::LinkUsed(next) => FormOutcome::LinkUsed { next: next.clone() },
    }
}
