use std::borrow::Cow;

use percent_encoding::percent_decode;

/// The parameters that a form may have at most.
const MAX_PARAMETERS: usize = 64;

/// The parameters of a body, of type `application/x-www-form-urlencoded` as a rule, which may state each parameter once
/// (RFC 6749 §3.2). A parameter with an empty value counts as absent, but stating it again is still a repetition.
#[derive(Default)]
pub struct Form<'a> {
    /// In the order of the body.
    parameters: Vec<Parameter<'a>>,
}

struct Parameter<'a> {
    name: Cow<'a, str>,
    value: Cow<'a, str>,
}

/// Why a body is no form that this service reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A name or a value is not UTF-8 text, or has a NUL character.
    #[error("a parameter is no text")]
    NotText,
    /// The body has more than 64 parameters.
    #[error("there are too many parameters")]
    TooManyParameters,
}

impl<'a> Form<'a> {
    /// Reads `body`, whose size the caller has bounded.
    ///
    /// # Errors
    /// [`FormError`] if the body is no text or has too many parameters.
    pub fn parse(body: &'a [u8]) -> Result<Self, FormError> {
        let mut form = Self::default();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let equals = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = equals.and_then(|at| pair.split_at_checked(at)).unwrap_or((pair, b"="));
            let value = value.get(1..).unwrap_or_default();
            form.add(decode(name)?, decode(value)?)?;
        }
        Ok(form)
    }

    /// Adds a parameter, which is decoded already.
    pub(super) fn add(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), FormError> {
        if self.parameters.len() == MAX_PARAMETERS {
            return Err(FormError::TooManyParameters);
        }
        if name.contains('\0') || value.contains('\0') {
            return Err(FormError::NotText);
        }
        self.parameters.push(Parameter { name, value });
        Ok(())
    }

    /// The same parameters without a borrow of the body.
    #[must_use]
    pub fn into_owned(self) -> Form<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let parameters = self.parameters.into_iter();
        let parameters = parameters.map(|Parameter { name, value }| Parameter { name: own(name), value: own(value) });
        Form { parameters: parameters.collect() }
    }

    /// The first value of `name` that is not empty.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.list(name).next()
    }

    /// All values of `name` that are not empty.
    pub fn list<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s str> {
        let named = self.parameters.iter().filter(move |parameter| parameter.name == name);
        named.map(|parameter| &*parameter.value).filter(|value| !value.is_empty())
    }

    /// Whether the body states `name` more than once.
    #[must_use]
    pub fn is_repeated(&self, name: &str) -> bool {
        self.parameters.iter().filter(|parameter| parameter.name == name).nth(1).is_some()
    }

    /// The first parameter that the body states more than once, apart from those in `repeatable`.
    #[must_use]
    pub fn find_repeated(&self, repeatable: &[&str]) -> Option<&str> {
        let names = self.parameters.iter().map(|parameter| &*parameter.name).enumerate();
        let mut names = names.filter(|(_, name)| !repeatable.contains(name));
        let is_earlier =
            |(at, name): &(usize, &str)| self.parameters.iter().take(*at).any(|earlier| earlier.name == *name);
        names.find(is_earlier).map(|(_, name)| name)
    }
}

/// Decodes `+` and percent escapes once. An incomplete escape stands for itself, as in every form.
pub(super) fn decode(encoded: &[u8]) -> Result<Cow<'_, str>, FormError> {
    let decoded: Cow<'_, [u8]> = if encoded.contains(&b'+') {
        let blanks: Vec<u8> = encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        Cow::Owned(percent_decode(&blanks).collect())
    } else {
        percent_decode(encoded).into()
    };
    let text = match decoded {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| FormError::NotText)?,
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| FormError::NotText)?,
    };
    if text.contains('\0') { Err(FormError::NotText) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_decoded_once_and_an_empty_value_is_absent() {
        let form = Form::parse(b"a=1+2%2B3&&b=%2541&c=&d&a%5F=x=y").unwrap();
        assert_eq!(form.find("a"), Some("1 2+3"));
        assert_eq!(form.find("b"), Some("%41"));
        assert_eq!((form.find("c"), form.find("d"), form.find("e")), (None, None, None));
        assert_eq!(form.find("a_"), Some("x=y"));
        assert_eq!(form.find_repeated(&[]), None);
    }

    #[test]
    fn a_parameter_that_is_stated_twice_is_found_however_it_is_written() {
        for body in ["scope=a&scope=a", "scope=&scope=a", "scope=a&%73cope=b", "x=1&scope&scope"] {
            let form = Form::parse(body.as_bytes()).unwrap();
            assert_eq!(form.find_repeated(&["audience"]), Some("scope"), "{body}");
            assert_eq!(form.find_repeated(&["scope"]), None, "{body}");
        }
        let form = Form::parse(b"audience=a&audience=b&scope=c").unwrap();
        assert_eq!(form.list("audience").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(form.find_repeated(&["audience"]), None);
    }

    #[test]
    fn what_is_no_text_or_too_much_is_no_form() {
        for body in [&b"a=%ff"[..], b"\xff=1", b"a=%00", b"a=\0"] {
            assert_eq!(Form::parse(body).err(), Some(FormError::NotText), "{body:?}");
        }
        assert!(Form::parse("a=1&".repeat(64).as_bytes()).is_ok());
        assert_eq!(Form::parse("a=1&".repeat(65).as_bytes()).err(), Some(FormError::TooManyParameters));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..256)) {
            if let Ok(form) = Form::parse(&body) {
                let _ = (form.find("a"), form.find_repeated(&[]));
            }
        }

        #[test]
        fn what_a_client_writes_is_read_back(name in "[^\0]{1,12}", value in "[^\0]{1,40}") {
            let body = url::form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
            let form = Form::parse(body.as_bytes()).unwrap();
            prop_assert_eq!(form.find(&name), Some(value.as_str()));
        }
    }
}
