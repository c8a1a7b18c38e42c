//! Builds images: ROM, artefact, manifest, reference values.
