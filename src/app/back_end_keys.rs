use std::collections::HashMap;

use crate::config::{BackEndProof, BackEndSection, Configuration};
use crate::domain::SharedClock;
use crate::token_validation::{ClientAssertionValidator, ClientKeys};

/// The address under which this service is known as an authorization server: `server.public_url` without its slash.
pub(super) fn issuer(config: &Configuration) -> String {
    config.server.public_url.origin().ascii_serialization()
}

/// Builds the check of the assertions by which back ends with a `jwks_file` authenticate.
pub(super) fn build_assertion_validator(config: &Configuration, clock: SharedClock) -> ClientAssertionValidator {
    ClientAssertionValidator::new(read_keys(&config.back_ends), &issuer(config), clock)
}

/// Replaces the keys by those of `sections`. A back end that is not among them is refused from now on.
pub(super) fn replace_keys<'a>(
    validator: &ClientAssertionValidator,
    sections: impl IntoIterator<Item = &'a BackEndSection>,
) {
    validator.replace(read_keys(sections));
}

fn read_keys<'a>(sections: impl IntoIterator<Item = &'a BackEndSection>) -> HashMap<String, ClientKeys> {
    let mut by_client = HashMap::new();
    for section in sections {
        let BackEndProof::Keys(jwks) = &section.proof else { continue };
        if let Some(keys) = ClientKeys::parse(jwks) {
            by_client.insert(section.back_end.client_id.clone(), keys);
        } else {
            tracing::error!(
                path = format!("back_ends.{}.jwks_file", section.back_end.name),
                hint = "write public keys for signatures: RSA of 2048 bits or more, or EC on P-256 or P-384",
                "no key of the set can be used: the back end is refused"
            );
        }
    }
    by_client
}
