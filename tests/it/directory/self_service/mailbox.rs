//! The messages that the application writes into its outbox.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::harness::waiting::wait_for;

/// The folder of messages.
pub struct Mailbox {
    folder: tempfile::TempDir,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl Mailbox {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Where it lies.
    pub fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The section of the configuration.
    pub fn section(&self) -> String {
        format!("[mail]\nfrom = \"sso@contoso.example\"\noutbox = \"{}\"\n", self.folder.path().display())
    }

    /// The messages to `address`, the oldest first.
    pub fn list(&self, address: &str) -> Vec<Message> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<_> = files.filter(|file| file.path().extension().is_some_and(|end| end == "eml")).collect();
        files.sort_by_key(|file| (file.metadata().unwrap().modified().unwrap(), file.file_name()));
        let messages = files.iter().map(|file| Message::read(&std::fs::read_to_string(file.path()).unwrap()));
        messages.filter(|message| message.to.contains(address)).collect()
    }

    /// Waits until `address` has `count` messages, and returns the newest.
    pub async fn wait_for(&self, address: &str, count: usize) -> Message {
        let newest = async || {
            let messages = self.list(address);
            (messages.len() >= count).then(|| messages.last().unwrap().clone())
        };
        wait_for(&format!("message {count} to {address}"), newest).await
    }
}

impl Message {
    fn read(text: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").unwrap();
        let head = head.replace("\n ", " ");
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
            line.map(|line| line[name.len() + 1..].trim().to_owned()).unwrap_or_default()
        };
        let text = match header("content-transfer-encoding").as_str() {
            "base64" => String::from_utf8(STANDARD.decode(body.replace('\n', "")).unwrap()).unwrap(),
            "quoted-printable" => unquoted(body),
            _ => body.to_owned(),
        };
        Self { to: header("to"), subject: header("subject"), text }
    }

    /// The address of the link in the message.
    pub fn link(&self) -> String {
        let found = self.text.split_whitespace().find(|word| word.starts_with("http") && word.contains("/link/"));
        found.unwrap_or_else(|| panic!("no link in {}", self.text)).to_owned()
    }
}

fn unquoted(body: &str) -> String {
    let joined = body.replace("=\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let [first, after @ ..] = rest {
        let digits = (*first == b'=').then(|| after.get(..2)).flatten();
        let decoded = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap()
}
