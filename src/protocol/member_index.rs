//! An index of the members of an activity that the gateway reads. Each of them is looked for in every request, most of them
//! several times, among many members that the gateway never reads.

use super::json::{JsonDocument, Node};
use super::members::{Member, NameReading, Place};

/// The values of indexed members.
///
/// A place is plain if all readers find the same indexed members in it: each of them occurs at most once, exactly as it is
/// named here. Only for plain places the index replaces a search.
#[derive(Clone, Debug)]
pub(super) struct MemberIndex {
    /// Where the values of the members are in the document; 0 for an absent member.
    values: [u32; Member::COUNT],
    /// The places that are not plain, one bit for each.
    odd_places: u8,
    /// Whether each value that was indexed has the kind of its member.
    fits: bool,
}

impl MemberIndex {
    /// Indexes the members of the activity `document`.
    pub(super) fn of(document: &JsonDocument<'_>) -> Self {
        let mut index = Self { values: [0; Member::COUNT], odd_places: 0, fits: true };
        index.fill(document, Place::Root, document.root());
        for place in Place::INSIDE {
            let holder = place.holder().filter(|holder| index.is_plain(holder.place()));
            match holder.map(|holder| index.find(document, holder)) {
                Some(Some(object)) => index.fill(document, place, object),
                Some(None) => {}
                // Two readers may find two objects.
                None => index.odd_places |= place.bit(),
            }
        }
        index
    }

    fn fill(&mut self, document: &JsonDocument<'_>, place: Place, object: Node<'_>) {
        let names = place.names();
        for (name, value) in object.entries() {
            let row = match names.read(name) {
                NameReading::NotIndexed => continue,
                NameReading::Exact(row) => row,
                NameReading::OtherSpelling => {
                    self.odd_places |= place.bit();
                    continue;
                }
            };
            self.fits &= row.kind.is_none_or(|kind| kind.fits(document.node_at(value)));
            match self.values.get_mut(row.member as usize) {
                Some(known) if *known == 0 => *known = value,
                _ => self.odd_places |= place.bit(),
            }
        }
    }

    /// Whether `place` is plain.
    pub(super) const fn is_plain(&self, place: Place) -> bool {
        self.odd_places & place.bit() == 0
    }

    /// The value of `member`, if its place is plain.
    pub(super) fn find<'d>(&self, document: &'d JsonDocument<'d>, member: Member) -> Option<Node<'d>> {
        let value = self.values.get(member as usize).copied().filter(|value| *value != 0)?;
        Some(document.node_at(value))
    }

    /// Whether all places are plain but for `value`, which does not address the activity.
    pub(super) const fn is_addressed_plainly(&self) -> bool {
        self.odd_places & !Place::Value.bit() == 0
    }

    /// Whether, in addition, each value that was indexed has the kind of its member.
    pub(super) const fn is_addressed_well(&self) -> bool {
        self.is_addressed_plainly() && self.fits
    }

    /// An index without a plain place.
    #[cfg(test)]
    pub(super) const fn of_nothing() -> Self {
        Self { values: [0; Member::COUNT], odd_places: u8::MAX, fits: false }
    }
}
