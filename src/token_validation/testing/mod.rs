//! What the tests of this room need: an issuer of real tokens.

mod issuer;

pub(super) use issuer::*;
