//! Question in; permit, refusal or ticket out.
