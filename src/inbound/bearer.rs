use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName};

use super::problem::Problem;
use crate::domain::any_byte;

/// Longest accepted token, in bytes (docs/protocols/bot-auth-and-skills.md §2 rule 5).
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// The scheme and the space after it.
const SCHEME: &[u8] = b"Bearer ";

/// The bearer token of a request, of which only the header's scheme and the length have been checked.
#[derive(Clone, Copy)]
pub(super) struct UncheckedBearer<'h>(&'h [u8]);

impl<'h> UncheckedBearer<'h> {
    /// The bytes that stand for the token.
    pub(super) const fn bytes(self) -> &'h [u8] {
        self.0
    }

    /// The token, if its bytes are those of one token: visible ASCII without a comma.
    ///
    /// # Errors
    /// [`Problem::InvalidAuthorization`].
    pub(super) fn check(self) -> Result<&'h str, Problem> {
        let text = std::str::from_utf8(self.0).ok().filter(|_| is_visible_without_comma(self.0));
        text.ok_or(Problem::InvalidAuthorization)
    }
}

/// Reads the bearer token of a request. Accepts exactly one `Authorization` header with the scheme in any letter case
/// and exactly one space (docs/protocols/bot-auth-and-skills.md §2 rule 4).
///
/// # Errors
/// [`Problem::MissingAuthorization`] or [`Problem::InvalidAuthorization`].
pub fn read_bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    read_bearer_in(headers, &AUTHORIZATION)
}

/// Reads the bearer token in the header `name`, by the rules of [`read_bearer`].
///
/// # Errors
/// As [`read_bearer`].
pub fn read_bearer_in<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, Problem> {
    find_bearer_in(headers, name)?.check()
}

/// Finds the bearer token of a request, by the rules of [`read_bearer`] except those for the token's bytes.
///
/// # Errors
/// As [`read_bearer`].
pub(super) fn find_bearer(headers: &HeaderMap) -> Result<UncheckedBearer<'_>, Problem> {
    find_bearer_in(headers, &AUTHORIZATION)
}

fn find_bearer_in<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<UncheckedBearer<'h>, Problem> {
    let mut values = headers.get_all(name);
    let value = values.next().ok_or(Problem::MissingAuthorization)?;
    if values.next().is_some() {
        return Err(Problem::InvalidAuthorization);
    }
    let (scheme, token) = value.as_bytes().split_at_checked(SCHEME.len()).ok_or(Problem::InvalidAuthorization)?;
    if scheme.eq_ignore_ascii_case(SCHEME) && (1..=MAX_TOKEN_BYTES).contains(&token.len()) {
        Ok(UncheckedBearer(token))
    } else {
        Err(Problem::InvalidAuthorization)
    }
}

fn is_visible_without_comma(bytes: &[u8]) -> bool {
    !any_byte(bytes, |byte| u8::from(!(0x21..=0x7e).contains(&byte)) | u8::from(byte == b','))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(value: &[u8]) -> Result<String, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).map_err(|_| Problem::BadArgument)?);
        read_bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn exactly_one_bearer_token_after_one_space_is_accepted() {
        assert_eq!(read(b"Bearer a.b.c").as_deref(), Ok("a.b.c"));
        assert_eq!(read(b"bEARER a.b.c").as_deref(), Ok("a.b.c"));
        let refused: [&[u8]; 12] = [
            b"",
            b"Bearer",
            b"Bearer ",
            b"Bearer  a",
            b"Bearer a b",
            b"Bearer a,b",
            b"Bearer\ta",
            b"Bearer a\t",
            b"Basic a",
            b"Bearer: a",
            b"Bearer \xc3\xa9",
            b"xBearer a",
        ];
        for value in refused {
            assert_eq!(read(value), Err(Problem::InvalidAuthorization), "{value:?}");
        }
        let long = |length: usize| [b"Bearer ".to_vec(), vec![b'a'; length]].concat();
        assert!(read(&long(MAX_TOKEN_BYTES)).is_ok() && read(&long(MAX_TOKEN_BYTES + 1)).is_err());
    }
}
