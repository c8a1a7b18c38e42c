//! Predicts launch measurements from ROM bytes.
