//! What rooms share about an exchange: its identity, and who watches it.

mod key;
mod observer;
mod stated_claims;

pub use key::ExchangeKey;
pub use observer::{
    ArrivedActivity, BotMessage, ExchangeEvent, ExchangeObservation, ExchangeObserver, ExchangeStep, ProviderCall,
    SkillCardOutcome, SkillMessage,
};
pub use stated_claims::StatedClaims;
