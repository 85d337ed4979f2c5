//! The `amesh` command.
