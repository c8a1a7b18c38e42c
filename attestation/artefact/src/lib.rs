//! The engine's tuning and the reproducible step from component to native artefact.
