//! What each room that keeps records of persons does at a sign-out, an export and an erasure.

mod personal_data;
mod sign_out;

pub use personal_data::{DataSubject, ExportFuture, PersonalData};
pub use sign_out::{CountFuture, EndFuture, EndedAtSignOut, KeysFuture, LinkedKeys};
