//! Evidence: a platform report, what it binds, and who endorses it.
