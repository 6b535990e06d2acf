//! Marks of the names in one object, by which two that are alike are suspected while the text is read. Comparing the names
//! themselves costs as much as a tenth of the parsing.

/// A number of a name. Equal names have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameMark(u8);

impl NameMark {
    /// The mark of `name`: its length, its first, middle and last byte, mixed so that the names in an activity have different
    /// marks.
    pub(super) fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        let (Some(first), Some(middle), Some(last)) = (bytes.first(), bytes.get(bytes.len() / 2), bytes.last()) else {
            return Self(0);
        };
        let [length, ..] = bytes.len().to_le_bytes();
        // One multiplication mixes all four bytes. With one for each byte the compiler writes slower vector code.
        let word = u32::from_le_bytes([*first, *middle, *last, length]);
        let [.., mark] = word.wrapping_mul(0x9766_99cd).to_le_bytes();
        Self(mark)
    }
}

/// The marks of the names in an object so far, one bit for each mark.
#[derive(Debug, Default)]
pub(super) struct SeenNames([u64; 4]);

impl SeenNames {
    /// Notes a name, and returns whether another one with the same mark was noted before.
    pub(super) fn has_alike(&mut self, NameMark(mark): NameMark) -> bool {
        let Some(word) = self.0.get_mut(usize::from(mark >> 6)) else { return true };
        let bit = 1 << (mark & 63);
        let is_noted = *word & bit != 0;
        *word |= bit;
        is_noted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_an_activity_have_different_marks() {
        let activity = "type id timestamp localTimestamp localTimezone callerId serviceUrl channelId from conversation \
                        recipient name value entities channelData locale text textFormat attachments replyToId \
                        deliveryMode attachmentLayout inputHint summary suggestedActions membersAdded membersRemoved";
        let user = "id name aadObjectId role tenantId agenticUserId agenticAppId agenticAppBlueprintId properties";
        for names in [activity, user, "id tenantId conversationType isGroup name", "id connectionName token state"] {
            let mut seen = SeenNames::default();
            for name in names.split(' ') {
                assert!(!seen.has_alike(NameMark::of(name)), "{name}");
                assert!(seen.has_alike(NameMark::of(name)), "{name}");
            }
        }
        assert_eq!(NameMark::of(""), NameMark(0));
    }
}
