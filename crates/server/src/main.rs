//! The `redan` program.
fn main() {}
