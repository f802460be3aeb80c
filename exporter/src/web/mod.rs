//! The HTTP server without what it serves: listening, TLS, authentication, answers.

pub mod address;
