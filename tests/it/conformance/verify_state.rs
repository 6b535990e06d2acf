//! verify_state
