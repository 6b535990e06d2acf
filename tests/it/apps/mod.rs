//! The service role of apps: functions read the tokens of users who have signed in to the app, whom the operator sees.

mod attacks;
mod base44;
mod ends;
mod fixture;
mod log_lines;
mod operator;
mod pages;
mod parallel_reads;
mod reading;
mod renewal;
