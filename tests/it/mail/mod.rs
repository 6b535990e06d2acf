//! Mail by a real mail server, aiosmtpd.

pub mod fixture;
mod transport;
