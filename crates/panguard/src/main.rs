//! panguard: between AI coding agents and the systems they reach.

fn main() {}
