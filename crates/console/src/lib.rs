//! What people and their tools reach: health, readiness, metrics.
