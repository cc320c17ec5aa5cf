//! The one program: sockets, workers, configuration, files, signals, logging, wiring.
