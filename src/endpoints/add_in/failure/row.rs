/// What one failure of this door is told as (docs/office-add-ins.md §Errors). Each failure has one row, and all answers and
/// the table of the document are made from the rows.
#[derive(Debug)]
pub struct FailureRow {
    /// What happened, for the document.
    pub happened: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// `type`, by which panes tell failures apart.
    pub kind: &'static str,
    /// `error`, in the words of OAuth.
    pub error: &'static str,
    /// `suberror`, where the failure always has the same.
    pub suberror: Option<&'static str>,
    /// The sentence for developers.
    pub message: &'static str,
    /// How the failure is told where an add-in has the inline convention.
    pub inline: Inline,
    /// The challenge in `WWW-Authenticate`.
    pub challenge: Challenge,
    /// What the pane does, for the document.
    pub pane: &'static str,
}

/// How a failure is told in the inline convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inline {
    /// By the HTTP status, as in the status convention: the identity provider was not asked, or the failure is not the pane's.
    ByStatus,
    /// In a 200, as the identity provider said it; with this number if it gave none.
    Number(u32),
}

/// The challenge with which an answer says what the caller lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// None.
    None,
    /// A bearer (RFC 6750 §3).
    Bearer,
    /// Another bearer (RFC 6750 §3.1).
    InvalidToken,
    /// A bearer with the add-in's scope (RFC 6750 §3.1).
    InsufficientScope,
    /// A bearer with the claims that the challenge holds (docs/protocols/entra-obo.md §2).
    InsufficientClaims,
    /// The user's consent to the scopes that the challenge holds.
    Consent,
}

impl FailureRow {
    /// The cells of the row in the document's table.
    #[must_use]
    pub fn to_cells(&self) -> [String; 4] {
        let by_status = format!("{} `{}`", self.status, self.kind);
        let inline = match self.inline {
            Inline::ByStatus => "the same".to_owned(),
            Inline::Number(number) => {
                let suberror = self.suberror.map_or_else(String::new, |suberror| format!(", `{suberror}`"));
                format!("200, `error` `{}`{suberror}, `AADSTS{number}`", self.error)
            }
        };
        [self.happened.to_owned(), by_status, inline, self.pane.to_owned()]
    }
}
