//! The PostgreSQL frontend/backend protocol as pure state machines.
