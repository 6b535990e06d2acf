use std::borrow::Cow;

use actix_web::{HttpRequest, web};

use super::{DirectoryPages, frame::PageError};
use crate::inbound::{announces_form, read_body};

/// The fields that a form may have at most.
const MAX_FIELDS: usize = 512;
/// The field with the form's token.
const FORM_TOKEN: &str = "form_token";

/// The fields of a form that the operator has sent, empty ones as well: a row of a list may be empty.
pub(super) struct Fields(Vec<Field>);

struct Field {
    name: String,
    value: String,
}

impl DirectoryPages {
    /// Reads the form that does `action`, and checks its token.
    pub(super) async fn read_form(
        &self,
        http: &HttpRequest,
        payload: web::Payload,
        action: &str,
    ) -> Result<Fields, PageError> {
        if !announces_form(http.headers()) {
            return Err(PageError::NoForm);
        }
        let body = read_body(http, payload, self.access.limits).await.map_err(PageError::Body)?;
        let pairs = url::form_urlencoded::parse(&body).take(MAX_FIELDS + 1);
        let owned =
            |(name, value): (Cow<'_, str>, Cow<'_, str>)| Field { name: name.into_owned(), value: value.into_owned() };
        let fields = Fields(pairs.map(owned).collect());
        let is_ours = self.guard.check(http, action, fields.find(FORM_TOKEN).unwrap_or_default());
        if fields.0.len() <= MAX_FIELDS && is_ours { Ok(fields) } else { Err(PageError::ForeignForm) }
    }
}

impl Fields {
    /// The value of a field that the form has once.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let mut values = self.list(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The values of a field that the form may have several times.
    pub(super) fn list<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s str> {
        self.0.iter().filter(move |field| field.name == name).map(|field| field.value.as_str())
    }
}
