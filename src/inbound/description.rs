use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, HeaderBuilder, RefOr, Required, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema, openapi};

use crate::protocol::ErrorResponse;

/// The document's name for a bearer in `Authorization`.
pub const BEARER: &str = "bearer";

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";

/// Types with their names, as the document lists them.
pub type NamedSchemas = Vec<(String, RefOr<Schema>)>;

/// What the `OpenAPI` document says of one operation.
#[must_use]
pub struct Description {
    operation: OperationBuilder,
    schemas: NamedSchemas,
}

impl Description {
    /// An operation with an id that no other one of the document has.
    pub fn new(id: &str, summary: &str) -> Self {
        let operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary));
        Self { operation, schemas: Vec::new() }
    }

    /// What else is to be known of it.
    pub fn note(self, text: &str) -> Self {
        Self { operation: self.operation.description(Some(text)), ..self }
    }

    /// A bearer is required.
    pub fn bearer(self) -> Self {
        let requirement = SecurityRequirement::new(BEARER, Vec::<String>::new());
        Self { operation: self.operation.security(requirement), ..self }
    }

    /// A parameter of the path.
    pub fn path_parameter(self, name: &str, text: &str) -> Self {
        self.parameter(name, ParameterIn::Path, Required::True, text)
    }

    /// A parameter that the query must have.
    pub fn query(self, name: &str, text: &str) -> Self {
        self.parameter(name, ParameterIn::Query, Required::True, text)
    }

    /// A parameter that it may have.
    pub fn optional_query(self, name: &str, text: &str) -> Self {
        self.parameter(name, ParameterIn::Query, Required::False, text)
    }

    /// A parameter that it may have several times.
    pub fn query_list(self, name: &str, text: &str) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(Required::False);
        let parameter = parameter.description(Some(text)).schema(Some(Vec::<String>::schema()));
        Self { operation: self.operation.parameter(parameter), ..self }
    }

    /// A cookie that the browser brings back.
    pub fn cookie(self, name: &str, text: &str) -> Self {
        self.parameter(name, ParameterIn::Cookie, Required::False, text)
    }

    fn parameter(self, name: &str, place: ParameterIn, required: Required, text: &str) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
        let parameter = parameter.description(Some(text)).schema(Some(String::schema()));
        Self { operation: self.operation.parameter(parameter), ..self }
    }

    /// A JSON body of the request.
    pub fn json_body<T: ToSchema>(self, required: bool, text: &str) -> Self {
        self.body::<T>(JSON, required, text)
    }

    /// A form that a page sends.
    pub fn form_body<T: ToSchema>(self, text: &str) -> Self {
        self.body::<T>(FORM, true, text)
    }

    fn body<T: ToSchema>(mut self, content_type: &str, required: bool, text: &str) -> Self {
        let required = if required { Required::True } else { Required::False };
        let content = ContentBuilder::new().schema(Some(named::<T>(&mut self.schemas))).build();
        let body = RequestBodyBuilder::new().description(Some(text)).required(Some(required));
        Self { operation: self.operation.request_body(Some(body.content(content_type, content).build())), ..self }
    }

    /// An answer with this status.
    pub fn answer(mut self, status: u16, answer: Answer) -> Self {
        self.schemas.extend(answer.schemas.clone());
        Self { operation: self.operation.response(status.to_string(), answer.into_response()), ..self }
    }

    /// An answer with any status that is not named.
    pub fn other_answer(self, text: &str) -> Self {
        let response = ResponseBuilder::new().description(text);
        Self { operation: self.operation.response("default", response), ..self }
    }

    /// An answer with the error form.
    pub fn error(self, status: u16, text: &str) -> Self {
        self.answer(status, Answer::error(text))
    }

    /// The answers to a body that cannot be taken.
    pub fn body_errors(self) -> Self {
        self.error(408, "The body did not arrive in time.")
            .error(413, "The body is larger than `server.body_limit_bytes`.")
            .error(415, "The body is not plain UTF-8.")
    }

    /// The operation under the heading `tag`, and the types that it names.
    #[must_use]
    pub fn into_parts(self, tag: &str) -> (openapi::path::Operation, NamedSchemas) {
        (self.operation.tag(tag).build(), self.schemas)
    }
}

/// What the document says of one answer. Several forms may share a status.
#[must_use]
pub struct Answer {
    response: ResponseBuilder,
    json: Vec<RefOr<Schema>>,
    schemas: NamedSchemas,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(text: &str) -> Self {
        Self { response: ResponseBuilder::new().description(text), json: Vec::new(), schemas: Vec::new() }
    }

    /// An answer of this type.
    pub fn json<T: ToSchema>(text: &str) -> Self {
        Self::empty(text).or_json::<T>()
    }

    /// An answer as text.
    pub fn text(text: &str) -> Self {
        Self::empty(text).or_text()
    }

    /// A page.
    pub fn html(text: &str) -> Self {
        Self::empty(text).or(HTML)
    }

    /// An error with its code and message.
    pub fn error(text: &str) -> Self {
        Self::json::<ErrorResponse<'_>>(text)
    }

    /// The same status may bring this type.
    pub fn or_json<T: ToSchema>(mut self) -> Self {
        self.json.push(named::<T>(&mut self.schemas));
        self
    }

    /// The same status may bring something that `wrap` makes of this type: a list, a map.
    pub fn or_json_of<T: ToSchema>(mut self, wrap: fn(RefOr<Schema>) -> RefOr<Schema>) -> Self {
        self.json.push(wrap(named::<T>(&mut self.schemas)));
        self
    }

    /// The same status may bring a JSON string.
    pub fn or_json_text(mut self) -> Self {
        self.json.push(String::schema());
        self
    }

    /// The same status may bring any JSON.
    pub fn or_any_json(mut self) -> Self {
        self.json.push(serde_json::Value::schema());
        self
    }

    /// The same status may bring text.
    pub fn or_text(self) -> Self {
        self.or(TEXT)
    }

    fn or(self, content_type: &str) -> Self {
        let content = ContentBuilder::new().schema(Some(String::schema())).build();
        Self { response: self.response.content(content_type, content), ..self }
    }

    /// The answer has this header.
    pub fn header(self, name: &str, text: &str) -> Self {
        let header = HeaderBuilder::new().schema(Some(String::schema())).description(Some(text)).build();
        Self { response: self.response.header(name, header), ..self }
    }

    fn into_response(self) -> openapi::Response {
        let mut forms = self.json.into_iter();
        let schema = match (forms.next(), forms.next()) {
            (None, _) => return self.response.build(),
            (Some(only), None) => only,
            (Some(first), Some(second)) => {
                let any = AnyOfBuilder::new().item(first).item(second);
                RefOr::T(Schema::AnyOf(forms.fold(any, AnyOfBuilder::item).build()))
            }
        };
        self.response.content(JSON, ContentBuilder::new().schema(Some(schema)).build()).build()
    }
}

/// A reference to `T`, which is put on the list with everything that it names.
fn named<T: ToSchema>(schemas: &mut NamedSchemas) -> RefOr<Schema> {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
    openapi::Ref::from_schema_name(T::name()).into()
}
