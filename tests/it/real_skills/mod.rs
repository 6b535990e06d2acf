//! Unmodified SDK bots that call each other through the skill host.

mod consent;
mod fixture;
mod hostile;
mod own_instance;
mod silent;
