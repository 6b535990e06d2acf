use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, HeaderBuilder, RefOr, Required, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema, openapi};

use crate::protocol::ErrorResponse;

/// The name of the bearer authentication in the `OpenAPI` document.
pub const BEARER: &str = "bearer";

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";

/// Named schemas, as the document's `components` lists them.
pub type NamedSchemas = Vec<(String, RefOr<Schema>)>;

/// The description of one operation in the `OpenAPI` document.
#[must_use]
pub struct Description {
    id: String,
    operation: OperationBuilder,
    schemas: NamedSchemas,
}

impl Description {
    /// A description with an operation id, which must be unique in the document.
    pub fn new(id: &str, summary: &str) -> Self {
        let operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary));
        Self { id: id.to_owned(), operation, schemas: Vec::new() }
    }

    /// The operation id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Adds a longer text.
    pub fn note(self, text: &str) -> Self {
        Self { operation: self.operation.description(Some(text)), ..self }
    }

    /// Requires a bearer if the configuration says so.
    pub fn optional_bearer(self) -> Self {
        let required = SecurityRequirement::new(BEARER, Vec::<String>::new());
        Self { operation: self.operation.security(SecurityRequirement::default()).security(required), ..self }
    }

    /// Requires a bearer.
    pub fn bearer(self) -> Self {
        let requirement = SecurityRequirement::new(BEARER, Vec::<String>::new());
        Self { operation: self.operation.security(requirement), ..self }
    }

    /// Adds a parameter of the path.
    pub fn path_parameter(self, name: &str, text: &str) -> Self {
        self.parameter(name, ParameterIn::Path, Required::True, text)
    }

    /// Adds a required query parameter.
    pub fn query(self, name: &str, text: &str) -> Self {
        self.parameter(name, ParameterIn::Query, Required::True, text)
    }

    /// Adds an optional query parameter.
    pub fn optional_query(self, name: &str, text: &str) -> Self {
        self.parameter(name, ParameterIn::Query, Required::False, text)
    }

    /// Adds an optional query parameter that may be repeated.
    pub fn query_list(self, name: &str, text: &str) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(Required::False);
        let parameter = parameter.description(Some(text)).schema(Some(Vec::<String>::schema()));
        Self { operation: self.operation.parameter(parameter), ..self }
    }

    /// Adds an optional cookie.
    pub fn cookie(self, name: &str, text: &str) -> Self {
        self.parameter(name, ParameterIn::Cookie, Required::False, text)
    }

    fn parameter(self, name: &str, place: ParameterIn, required: Required, text: &str) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
        let parameter = parameter.description(Some(text)).schema(Some(String::schema()));
        Self { operation: self.operation.parameter(parameter), ..self }
    }

    /// Adds a JSON request body.
    pub fn json_body<T: ToSchema>(self, required: bool, text: &str) -> Self {
        self.body::<T>(JSON, required, text)
    }

    /// Adds a request body with the form of a page.
    pub fn form_body<T: ToSchema>(self, text: &str) -> Self {
        self.body::<T>(FORM, true, text)
    }

    fn body<T: ToSchema>(mut self, content_type: &str, required: bool, text: &str) -> Self {
        let required = if required { Required::True } else { Required::False };
        let content = ContentBuilder::new().schema(Some(schema_reference::<T>(&mut self.schemas))).build();
        let body = RequestBodyBuilder::new().description(Some(text)).required(Some(required));
        Self { operation: self.operation.request_body(Some(body.content(content_type, content).build())), ..self }
    }

    /// Adds the answer with this status.
    pub fn answer(mut self, status: u16, answer: Answer) -> Self {
        self.schemas.extend(answer.schemas.clone());
        Self { operation: self.operation.response(status.to_string(), answer.into_response()), ..self }
    }

    /// Adds the answer with any status that is not listed.
    pub fn other_answer(self, text: &str) -> Self {
        let response = ResponseBuilder::new().description(text);
        Self { operation: self.operation.response("default", response), ..self }
    }

    /// Adds an answer with this status and an [`ErrorResponse`].
    pub fn error(self, status: u16, text: &str) -> Self {
        self.answer(status, Answer::error(text))
    }

    /// Adds the answers to a request body that is refused.
    pub fn body_errors(self) -> Self {
        self.error(408, "The body did not arrive in time.")
            .error(413, "The body is larger than `server.body_limit_bytes`.")
            .error(415, "The body is not plain UTF-8.")
    }

    /// The finished operation under the heading `tag`, and the schemas that it refers to.
    #[must_use]
    pub fn into_parts(self, tag: &str) -> (openapi::path::Operation, NamedSchemas) {
        (self.operation.tag(tag).build(), self.schemas)
    }
}

/// The description of one answer in the document. An answer may have several content types and schemas.
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

    /// A JSON answer of type `T`.
    pub fn json<T: ToSchema>(text: &str) -> Self {
        Self::empty(text).or_json::<T>()
    }

    /// A text answer.
    pub fn text(text: &str) -> Self {
        Self::empty(text).or_text()
    }

    /// An HTML page.
    pub fn html(text: &str) -> Self {
        Self::empty(text).or(HTML)
    }

    /// A JSON answer of type [`ErrorResponse`].
    pub fn error(text: &str) -> Self {
        Self::json::<ErrorResponse<'_>>(text)
    }

    /// Adds a JSON body of type `T`.
    pub fn or_json<T: ToSchema>(mut self) -> Self {
        self.json.push(schema_reference::<T>(&mut self.schemas));
        self
    }

    /// Adds a JSON body whose schema `wrap` derives from that of `T`: a list, a map.
    pub fn or_json_of<T: ToSchema>(mut self, wrap: fn(RefOr<Schema>) -> RefOr<Schema>) -> Self {
        self.json.push(wrap(schema_reference::<T>(&mut self.schemas)));
        self
    }

    /// Adds a JSON string as body.
    pub fn or_json_text(mut self) -> Self {
        self.json.push(String::schema());
        self
    }

    /// Adds a body of any JSON.
    pub fn or_any_json(mut self) -> Self {
        self.json.push(serde_json::Value::schema());
        self
    }

    /// Adds a text body.
    pub fn or_text(self) -> Self {
        self.or(TEXT)
    }

    /// Adds a script as body.
    pub fn or_script(self) -> Self {
        self.or(SCRIPT)
    }

    /// Adds a body in the text formats of metrics.
    pub fn or_metrics(self) -> Self {
        self.or("text/plain; version=0.0.4; charset=utf-8")
            .or("application/openmetrics-text; version=1.0.0; charset=utf-8")
    }

    fn or(self, content_type: &str) -> Self {
        let content = ContentBuilder::new().schema(Some(String::schema())).build();
        Self { response: self.response.content(content_type, content), ..self }
    }

    /// Adds a header.
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

/// A reference to the schema of `T`. Adds the schema of `T`, and all schemas that it refers to, to `schemas`.
fn schema_reference<T: ToSchema>(schemas: &mut NamedSchemas) -> RefOr<Schema> {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
    openapi::Ref::from_schema_name(T::name()).into()
}
