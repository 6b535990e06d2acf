//! The service role of apps: functions read the tokens of users who have signed in to the app, whom the operator sees.

mod attacks;
mod base44;
mod ends;
mod fixture;
mod operator;
mod pages;
mod reading;
