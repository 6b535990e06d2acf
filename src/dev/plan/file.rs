//! The tables of a stage file as they are written (docs/playground.md §The stage file).

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dev::tenant::{CONTOSO_ID, FABRIKAM_ID, UserScenario};
use crate::domain::{PERSONAL_ACCOUNTS_TENANT, Sdk};

/// The whole file. A list that is absent is the stage's own.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StageFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bots: Option<Vec<BotLines>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connections: Option<Vec<ConnectionLines>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) users: Option<Vec<UserLines>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BotLines {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_secret: Option<String>,
    #[serde(
        default,
        deserialize_with = "read_sdk",
        serialize_with = "write_sdk",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) sdk: Option<Sdk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after_exchange: Option<AfterExchangeWord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) sign_in_invokes: Vec<InvokeWord>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AfterExchangeWord {
    Notify,
    Forward,
    None,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InvokeWord {
    AdaptiveCard,
    MessageExtension,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionLines {
    pub(super) bot: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_exchange_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<Vec<String>>,
    #[serde(default)]
    pub(super) v1_tokens: bool,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserLines {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) principal_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) oid: Option<String>,
    #[serde(default)]
    pub(super) tenant: TenantWord,
    #[serde(default = "signs_in")]
    pub(super) story: UserScenario,
}

/// The tenant that issues a user's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TenantWord {
    #[default]
    Contoso,
    Fabrikam,
    /// The tenant of personal accounts.
    Personal,
}

impl AfterExchangeWord {
    /// The words, for the gateway's configuration.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Forward => "forward",
            Self::None => "none",
        }
    }

    pub(super) fn of(text: &str) -> Option<Self> {
        [Self::Notify, Self::Forward, Self::None].into_iter().find(|word| word.text() == text)
    }
}

impl InvokeWord {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::AdaptiveCard => "adaptive_card",
            Self::MessageExtension => "message_extension",
        }
    }

    pub(super) fn of(text: &str) -> Option<Self> {
        [Self::AdaptiveCard, Self::MessageExtension].into_iter().find(|word| word.text() == text)
    }
}

impl TenantWord {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Contoso => CONTOSO_ID,
            Self::Fabrikam => FABRIKAM_ID,
            Self::Personal => PERSONAL_ACCOUNTS_TENANT,
        }
    }

    /// The home tenant of a guest of this tenant.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Contoso => Self::Fabrikam,
            Self::Fabrikam | Self::Personal => Self::Contoso,
        }
    }

    /// The domain of the principal names of its own users.
    pub(super) const fn domain(self) -> &'static str {
        match self {
            Self::Contoso => "contoso.example",
            Self::Fabrikam => "fabrikam.example",
            Self::Personal => "outlook.example",
        }
    }

    /// The word for the tenant with this id.
    pub(super) fn of(tid: &str) -> Self {
        let known = [Self::Contoso, Self::Fabrikam, Self::Personal];
        known.into_iter().find(|word| word.id() == tid).unwrap_or_default()
    }
}

const fn signs_in() -> UserScenario {
    UserScenario::SignsIn
}

/// Reads a value of the configuration key `bots.*.sdk`. The error has the form of serde's own, which names all words.
fn read_sdk<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Sdk>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let found = Sdk::ALL.into_iter().find(|sdk| sdk.name() == text);
    found.map(Some).ok_or_else(|| {
        let known = Sdk::ALL.map(Sdk::name).join("`, `");
        D::Error::custom(format!("unknown variant `{text}`, expected one of `{known}`"))
    })
}

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to the field")]
fn write_sdk<S: Serializer>(sdk: &Option<Sdk>, serializer: S) -> Result<S::Ok, S::Error> {
    sdk.map(Sdk::name).serialize(serializer)
}
