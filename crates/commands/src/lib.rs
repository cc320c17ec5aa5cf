//! What each command does: const rows with their handlers, a folder per data type.
