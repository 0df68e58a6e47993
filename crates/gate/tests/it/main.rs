//! The promises that the gate keeps, each tried to be broken.

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod controls;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod guesses;
#[cfg(test)]
mod lending;
#[cfg(test)]
mod modes;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod property;
#[cfg(test)]
mod record;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod tokens;
