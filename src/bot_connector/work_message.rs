use crate::domain::{Entropy, RecordKey};

const ID_BYTES: usize = 16;

/// The id of a question, which its replica draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct QuestionId([u8; ID_BYTES]);

/// What replicas tell each other about their work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkMessage {
    /// A replica wants to know who works at the thing `name`.
    Asked { id: QuestionId, name: RecordKey },
    /// The replica that tells this works at the thing of the question.
    Working { id: QuestionId },
    /// The same replica no longer does.
    Ended { id: QuestionId },
}

impl QuestionId {
    pub(super) fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; ID_BYTES];
        entropy.fill(&mut bytes);
        Self(bytes)
    }
}

impl WorkMessage {
    /// The form in which the message is told. Replicas of several versions read it.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let (kind, id, name) = match self {
            Self::Asked { id, name } => (b'?', id, Some(name)),
            Self::Working { id } => (b'w', id, None),
            Self::Ended { id } => (b'e', id, None),
        };
        let name = name.as_ref().map_or(&[][..], |name| &name.0);
        [&[kind], &id.0[..], name].concat()
    }

    /// The message in `note`; `None` if this version does not know it.
    pub(super) fn parse(note: &[u8]) -> Option<Self> {
        let (kind, rest) = note.split_first()?;
        let (id, rest) = rest.split_first_chunk::<ID_BYTES>()?;
        let id = QuestionId(*id);
        match kind {
            b'?' => Some(Self::Asked { id, name: RecordKey(rest.try_into().ok()?) }),
            b'w' => Some(Self::Working { id }),
            b'e' => Some(Self::Ended { id }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemEntropy;

    #[test]
    fn a_message_is_read_as_it_was_told_and_an_unknown_one_is_not() {
        let (id, name) = (QuestionId::draw(&SystemEntropy), RecordKey([7; 32]));
        for message in [WorkMessage::Asked { id, name }, WorkMessage::Working { id }, WorkMessage::Ended { id }] {
            assert_eq!(WorkMessage::parse(&message.to_bytes()), Some(message));
        }
        for unknown in [&b""[..], b"w", b"?0123456789abcdef", b"x0123456789abcdef"] {
            assert_eq!(WorkMessage::parse(unknown), None, "{unknown:?}");
        }
    }
}
