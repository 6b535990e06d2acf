use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use super::problem::Problem;

/// Longest token taken, in bytes (bot-auth-and-skills §2 rule 5).
const TOKEN_LIMIT: usize = 16 * 1024;

/// The one bearer token of a request: exactly one `Authorization` header, the scheme in any case, exactly one space
/// (bot-auth-and-skills §2 rule 4).
///
/// # Errors
/// [`Problem::MissingAuthorization`] or [`Problem::InvalidAuthorization`].
pub fn bearer_of(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next().ok_or(Problem::MissingAuthorization)?;
    if values.next().is_some() {
        return Err(Problem::InvalidAuthorization);
    }
    let text = value.to_str().map_err(|_| Problem::InvalidAuthorization)?;
    let (scheme, token) = text.split_once(' ').ok_or(Problem::InvalidAuthorization)?;
    // All bytes are looked at, whatever is found: that is done many at a time.
    let separates = |found: bool, byte: u8| found | matches!(byte, b' ' | b'\t' | b',');
    let is_one_token = !token.is_empty() && token.len() <= TOKEN_LIMIT && !token.bytes().fold(false, separates);
    if scheme.eq_ignore_ascii_case("bearer") && is_one_token { Ok(token) } else { Err(Problem::InvalidAuthorization) }
}
