//! Self-service of directories' users: the acts, which pages and management share.

pub mod pages;
pub mod service;
