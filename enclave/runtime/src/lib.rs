//! WASI 0.2 host for one component, with limits.
