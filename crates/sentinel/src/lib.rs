//! The Sentinel state machine, its commands and its state file.
