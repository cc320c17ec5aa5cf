//! The propagation log and the PSYNC state machines of both sides.
