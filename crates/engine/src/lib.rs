//! How a command runs: the gate, sessions, dispatch, effects and propagation, transactions, pub/sub.
