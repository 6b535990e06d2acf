use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Values that any text may have.
const FREE_VALUES: usize = 512;
/// Bytes of text for each further value. Real documents have some twenty.
const BYTES_PER_VALUE: usize = 32;
/// Objects that any text may have.
const FREE_OBJECTS: usize = 16;
/// Bytes of text for each further object. The smallest public key has some 250.
const BYTES_PER_OBJECT: usize = 128;

/// Reads JSON from outside into a type whose values take more memory than their text. Text that has many more values
/// than real documents of its length is refused: a `serde_json::Value` takes 32 bytes, and a map at least 600.
///
/// # Errors
/// If the text is no such JSON.
pub fn read_bounded_json<'t, T: Deserialize<'t>>(text: &'t [u8]) -> serde_json::Result<T> {
    let shape: JsonShape = serde_json::from_slice(text)?;
    if shape.is_bounded(text.len()) {
        serde_json::from_slice(text)
    } else {
        Err(serde_json::Error::custom("too many values"))
    }
}

/// As [`read_bounded_json`], for a document that has to be an object. A derived reader also takes an array of the members'
/// values in the order of the type, which no other program reads as this document.
///
/// # Errors
/// If the text is no such JSON.
pub fn read_bounded_object<'t, T: Deserialize<'t>>(text: &'t [u8]) -> serde_json::Result<T> {
    if is_object_text(text) { read_bounded_json(text) } else { Err(serde_json::Error::custom("not an object")) }
}

/// Whether a JSON text is that of an object.
#[must_use]
pub fn is_object_text(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'{')
}

/// How many values a JSON text has. Reading it is as strict as reading a `serde_json::Value`, and keeps nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonShape {
    /// All values, containers included.
    pub values: usize,
    /// The objects among them.
    pub objects: usize,
}

impl<'de> Deserialize<'de> for JsonShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

impl JsonShape {
    /// A value that holds no others.
    pub const SCALAR: Self = Self { values: 1, objects: 0 };

    /// Whether a text of `bytes` bytes may have so many values.
    #[must_use]
    pub const fn is_bounded(self, bytes: usize) -> bool {
        self.values <= FREE_VALUES + bytes / BYTES_PER_VALUE && self.objects <= FREE_OBJECTS + bytes / BYTES_PER_OBJECT
    }

    /// The two together.
    #[must_use]
    pub const fn with(self, inner: Self) -> Self {
        Self { values: self.values + inner.values, objects: self.objects + inner.objects }
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = JsonShape;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<JsonShape, E> {
        Ok(JsonShape::SCALAR)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<JsonShape, E> {
        Ok(JsonShape::SCALAR)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<JsonShape, E> {
        Ok(JsonShape::SCALAR)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<JsonShape, E> {
        Ok(JsonShape::SCALAR)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<JsonShape, E> {
        Ok(JsonShape::SCALAR)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<JsonShape, E> {
        Ok(JsonShape::SCALAR)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<JsonShape, A::Error> {
        let mut shape = JsonShape::SCALAR;
        while let Some(inner) = items.next_element()? {
            shape = shape.with(inner);
        }
        Ok(shape)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<JsonShape, A::Error> {
        let mut shape = JsonShape { values: 1, objects: 1 };
        while entries.next_key::<IgnoredAny>()?.is_some() {
            shape = shape.with(entries.next_value()?);
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn text_with_too_many_values_or_objects_for_its_length_is_refused() {
        let array = |element: &str, count: usize| format!("[{}]", vec![element; count].join(","));
        let is_read = |text: String| read_bounded_json::<Value>(text.as_bytes()).is_ok();
        for (element, few, many) in [("0", 500, 600), ("{}", 16, 20), ("[]", 500, 600), ("{\"\":0}", 16, 20)] {
            assert!(is_read(array(element, few)), "{element}");
            assert!(!is_read(array(element, many)) && !is_read(array(element, 100 * many)), "{element}");
        }
        let text = "x".repeat(BYTES_PER_VALUE);
        assert!(is_read(array(&format!("\"{text}\""), 10_000)));
        let key = format!("{{\"n\":\"{}\"}}", "x".repeat(BYTES_PER_OBJECT));
        assert!(is_read(array(&key, 1_000)));
    }

    #[test]
    fn counting_is_as_strict_as_reading() {
        for text in ["[1e999]", r#"["\ud800"]"#, r#"{"\ud800":0}"#, "[1,]", "", "{} {}"] {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<JsonShape>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_array_of_members_is_no_object() {
        #[derive(serde::Deserialize)]
        struct Set {
            keys: Vec<u8>,
        }
        for (text, is_read) in [("{\"keys\":[22]}", true), (" \n{\"keys\":[22]}", true), ("[[22]]", false), ("", false)]
        {
            assert_eq!(read_bounded_object::<Set>(text.as_bytes()).map(|set| set.keys).is_ok(), is_read, "{text}");
        }
    }
}
