use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::form::decode;
use super::reading::ClientReading;

/// Base64 with or without its padding (RFC 7617 §2 has it; some clients leave it out).
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The longest credentials that are read, in base64 characters.
const MAX_CHARACTERS: usize = 4096;

/// Reads the credentials of a Basic `Authorization` header, which has the scheme already taken off, in both ways that clients
/// write them: form-encoded (RFC 6749 §2.3.1), and as they are. The two readings are the same for most credentials.
/// `None` if there is no colon, or if the text is no base64 or no UTF-8.
pub(super) fn read_basic(credentials: &str) -> Option<BasicReadings> {
    if credentials.len() > MAX_CHARACTERS {
        return None;
    }
    let bytes = STANDARD.decode(credentials).or_else(|_| LENIENT.decode(credentials)).ok()?;
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
    let (client_id, secret) = text.split_once(':')?;
    let raw = ClientReading { client_id: client_id.to_owned().into(), secret: secret.to_owned().into() };
    let (id, key) = (decode(client_id.as_bytes()), decode(secret.as_bytes()));
    let decoded = id.and_then(|id| Ok(ClientReading { client_id: id, secret: key? }.into_owned())).ok();
    Some(BasicReadings { decoded: decoded.filter(|decoded| *decoded != raw), raw })
}

/// The two readings of the same credentials.
pub(super) struct BasicReadings {
    /// `None` if it is the same as `raw`, or if the text is no form encoding.
    pub(super) decoded: Option<ClientReading<'static>>,
    pub(super) raw: ClientReading<'static>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<BasicReadings> {
        read_basic(&STANDARD.encode(text))
    }

    #[test]
    fn credentials_are_read_form_encoded_and_as_they_are() {
        let readings = read("my%2Dapp:a%2Bb+c:d%25").unwrap();
        let decoded = readings.decoded.unwrap();
        assert_eq!((&*decoded.client_id, &*decoded.secret), ("my-app", "a+b c:d%"));
        assert_eq!((&*readings.raw.client_id, &*readings.raw.secret), ("my%2Dapp", "a%2Bb+c:d%25"));
        let plain = read("orders:abc").unwrap();
        assert!(plain.decoded.is_none() && plain.raw.secret == "abc");
    }

    #[test]
    fn padding_may_be_left_out_and_nonsense_is_refused() {
        assert!(read_basic("YTpi").is_some() && read_basic("YTpiYw").is_some() && read_basic("YTpiYw==").is_some());
        for nonsense in ["", "YWJj", "*", "YTpi YTpi", "/zr/", &"YTpi".repeat(2000)] {
            assert!(read_basic(nonsense).is_none(), "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _ = read_basic(&text);
        }

        #[test]
        fn a_secret_is_found_by_one_of_the_readings_however_it_is_encoded(id in "[^:\0]{1,10}", secret in "[^\0]{1,20}") {
            let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let encoded = read(&format!("{}:{}", encode(&id), encode(&secret))).unwrap();
            let decoded = encoded.decoded.unwrap_or(encoded.raw);
            prop_assert_eq!((&*decoded.client_id, &*decoded.secret), (id.as_str(), secret.as_str()));
            let raw = read(&format!("{id}:{secret}")).unwrap().raw;
            prop_assert_eq!((&*raw.client_id, &*raw.secret), (id.as_str(), secret.as_str()));
        }
    }
}
