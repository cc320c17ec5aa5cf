//! Criterion benches of the hot path, one file per crate in `benches/`.
//!
//! Run with `cargo bench --package redan-benches`. They say which part of a turn got slower; how the whole
//! server compares with real ones is `cargo xtask bench`.
