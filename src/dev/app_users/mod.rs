//! The users of the stage's apps with a service role: links them at the gateway, signs them in there, and has the page to
//! which they come back.
//!
//! Owns the steps that an operator and a browser would take at the gateway and at the tenant's login page. It deliberately
//! knows the gateway by its addresses alone, as any program does.

mod links;
mod page;
mod preparation;
mod visitor;

pub(in crate::dev) use links::AppUserLinks;
pub(in crate::dev) use page::routes;
pub(in crate::dev) use preparation::Preparation;
