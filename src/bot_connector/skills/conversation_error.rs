use std::sync::Arc;

use crate::records::RecordError;

/// A skill conversation could not be read or kept. The text is for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SkillConversationError {
    /// The store failed, or the record is not readable.
    #[error(transparent)]
    Record(Arc<RecordError>),
    /// Other replicas changed the conversation each time that this one was about to.
    #[error("other replicas changed the skill conversation all the time")]
    Contended,
    /// The write panicked.
    #[error("the write of a skill conversation panicked")]
    Interrupted,
}

impl From<RecordError> for SkillConversationError {
    fn from(error: RecordError) -> Self {
        Self::Record(Arc::new(error))
    }
}
