//! Claims: what ran, on which input, with which output; COSE_Sign1 over deterministic CBOR.
