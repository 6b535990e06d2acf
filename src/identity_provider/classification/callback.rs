use super::b2c::BY_B2C_CODE;
use super::entra::hints;
use super::entra::numbers::BY_CODE;
use super::unknown_words::find_meaning;
use super::words::{BY_DESCRIPTION, BY_SUBERROR, find_error_word, is_same_word};
use super::{ExplainedMeaning, RefusalMeaning};
use crate::identity_provider::Diagnostics;
use crate::identity_provider::token_endpoint::codes_in_text;
use crate::observability::to_log_text;

/// At most this many characters of the provider's words are logged.
const MAX_WORD_CHARS: usize = 64;
/// At most this many characters of the provider's description are logged.
const MAX_DESCRIPTION_CHARS: usize = 300;
/// How many bytes of the description are searched for numbers.
const MAX_SEARCHED_BYTES: usize = 4 * 1024;

/// The error of an authorization response (RFC 6749 §4.1.2.1), as the browser brought it. A browser can forge all of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuthorizationError<'a> {
    /// `error`; `None` if the response has neither an error nor a code.
    pub error: Option<&'a str>,
    /// `error_description`.
    pub description: Option<&'a str>,
    /// `error_subcode` or `suberror` (Entra).
    pub subcode: Option<&'a str>,
    /// Whether the response holds a claims challenge (Entra).
    pub has_claims: bool,
}

/// What an authorization error means, and what the operator's log says about it.
#[derive(Clone, Debug)]
pub struct AuthorizationRefusal {
    /// The meaning, by which the page is chosen.
    pub meaning: RefusalMeaning,
    /// What the provider said and what to change.
    pub diagnostics: Box<Diagnostics>,
}

/// Classifies an authorization error by the tables that the token endpoint uses: the number decides first, then
/// `error_subcode`, `claims` and the description, and the error word last (docs/protocols/entra-obo.md §3).
///
/// Any kind of provider may send Microsoft's numbers, because Azure AD B2C and External ID can be configured as kind
/// `oidc`. They decide nothing but a page.
#[must_use]
pub fn classify_authorization_error(refused: &AuthorizationError<'_>) -> AuthorizationRefusal {
    let description = refused.description.unwrap_or_default();
    let mut end = description.len().min(MAX_SEARCHED_BYTES);
    while !description.is_char_boundary(end) {
        end -= 1;
    }
    let searched = description.get(..end).unwrap_or_default();
    let codes = codes_in_text(searched.as_bytes(), "AADSTS");
    // If there are several numbers, the last known one is the most specific.
    let row = codes.iter().rev().find_map(|code| BY_CODE.iter().find(|row| row.0 == *code));
    let by_code = row.map(|row| ExplainedMeaning { meaning: row.1, hint: row.2 });
    let ExplainedMeaning { meaning, hint } =
        by_code.or_else(|| find_b2c_meaning(searched)).unwrap_or_else(|| explain_words(refused, description));
    let shown = |text: &str| Some(to_log_text(text, MAX_WORD_CHARS)).filter(|text| !text.is_empty());
    let diagnostics = Diagnostics {
        error: refused.error.and_then(shown),
        suberror: refused.subcode.and_then(shown),
        aadsts: row.map(|row| row.0).or_else(|| codes.last().copied()),
        description: Some(to_log_text(description, MAX_DESCRIPTION_CHARS)).filter(|text| !text.is_empty()),
        hint,
        ..Diagnostics::default()
    };
    AuthorizationRefusal { meaning, diagnostics: Box::new(diagnostics) }
}

fn find_b2c_meaning(description: &str) -> Option<ExplainedMeaning> {
    let codes = codes_in_text(description.as_bytes(), "AADB2C");
    let row = codes.iter().rev().find_map(|code| BY_B2C_CODE.iter().find(|row| row.0 == *code))?;
    Some(ExplainedMeaning { meaning: row.1, hint: row.2 })
}

fn explain_words(refused: &AuthorizationError<'_>, description: &str) -> ExplainedMeaning {
    let find = |table: &[(&str, RefusalMeaning, &'static str)], word: &str| {
        let row = table.iter().find(|row| is_same_word(row.0, word))?;
        Some(ExplainedMeaning { meaning: row.1, hint: row.2 })
    };
    if let Some(explained) = refused.subcode.and_then(|subcode| find(&BY_SUBERROR, subcode)) {
        return explained;
    }
    if refused.has_claims {
        return ExplainedMeaning { meaning: RefusalMeaning::Interaction, hint: hints::CLAIMS_CHALLENGE };
    }
    if let Some(explained) = find(&BY_DESCRIPTION, description) {
        return explained;
    }
    let unknown = |hint| ExplainedMeaning { meaning: RefusalMeaning::Unknown, hint };
    let Some(error) = refused.error else {
        return unknown(
            "the identity provider sent the browser back with neither a code nor an error: check authorization_endpoint",
        );
    };
    match find_error_word(error) {
        Some(row) if row.meaning == RefusalMeaning::AccessRefused => ExplainedMeaning {
            meaning: row.meaning,
            hint: "the user or the identity provider refused access: see the provider's log, and whether the user may \
                use the application",
        },
        Some(row) => ExplainedMeaning { meaning: row.meaning, hint: row.other },
        None => ExplainedMeaning {
            meaning: find_meaning(error),
            hint: "the identity provider sent the browser back with an unknown error: see its documentation and log",
        },
    }
}
