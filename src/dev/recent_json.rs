use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

/// The latest values of a list, within a number of them and a sum of bytes. They are kept as JSON texts, which take as many
/// bytes as a client has sent; parsed, they would take many times as many.
#[derive(Debug)]
pub(super) struct RecentJson {
    texts: VecDeque<String>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
}

impl RecentJson {
    /// An empty list of at most `most` values with `most_bytes` bytes.
    pub(super) const fn new(most: usize, most_bytes: usize) -> Self {
        Self { texts: VecDeque::new(), bytes: 0, most, most_bytes }
    }

    /// Adds a value, in the place of the oldest ones if there is no room. A value that has no room by itself is left out.
    pub(super) fn push(&mut self, value: &impl Serialize) {
        let Ok(text) = serde_json::to_string(value) else { return };
        if text.len() > self.most_bytes {
            return;
        }
        while self.texts.len() >= self.most || self.bytes + text.len() > self.most_bytes {
            let Some(oldest) = self.texts.pop_front() else { break };
            self.bytes -= oldest.len();
        }
        self.bytes += text.len();
        self.texts.push_back(text);
    }

    /// Removes all values.
    pub(super) fn clear(&mut self) {
        self.texts.clear();
        self.bytes = 0;
    }

    /// The values, oldest first.
    pub(super) fn values(&self) -> impl Iterator<Item = Value> {
        self.texts.iter().filter_map(|text| serde_json::from_str(text).ok())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RecentJson;

    #[test]
    fn the_oldest_values_make_room_within_the_number_and_the_bytes() {
        let mut few = RecentJson::new(3, 1000);
        (0..5).for_each(|number| few.push(&number));
        assert_eq!(few.values().collect::<Vec<_>>(), [2, 3, 4]);
        let mut large = RecentJson::new(100, 10);
        large.push(&"1234");
        large.push(&"56");
        assert_eq!(large.values().collect::<Vec<_>>(), ["1234", "56"]);
        large.push(&"78");
        assert_eq!(large.values().collect::<Vec<_>>(), ["56", "78"]);
        assert_eq!(large.bytes, 8);
    }

    #[test]
    fn a_value_without_room_leaves_the_others_in_place() {
        let mut values = RecentJson::new(3, 10);
        values.push(&json!([1]));
        values.push(&"0123456789");
        assert_eq!(values.values().collect::<Vec<_>>(), [json!([1])]);
    }
}
