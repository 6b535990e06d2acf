//! What rooms share about an exchange: its identity, and who watches it.

mod key;
mod observer;

pub use key::ExchangeKey;
pub use observer::{
    ArrivedActivity, BotMessage, ExchangeEvent, ExchangeObservation, ExchangeObserver, ExchangeStep, ProviderCall,
    SkillCardOutcome, SkillMessage,
};
