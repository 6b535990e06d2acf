use serde_json::Value;

/// An HTTP answer that was read completely.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("not JSON ({error}): {} {:?}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The `failureDetail` of an invoke response, empty if there is none.
    pub fn detail(&self) -> String {
        self.json()["failureDetail"].as_str().unwrap_or("").to_owned()
    }

    pub fn correlation_id(&self) -> String {
        self.detail().rsplit(' ').next().unwrap_or("").to_owned()
    }
}
