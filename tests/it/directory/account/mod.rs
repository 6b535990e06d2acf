//! Where a user is signed in, the sign-out everywhere of users themselves, and the export and erasure of what is kept of a person
//! (docs/directory.md §Where am I signed in, docs/operating.md §Export and erasure).

mod attacks;
mod erasure;
mod journey;
mod linked;
mod logout_everywhere;
mod page;
mod setting;
