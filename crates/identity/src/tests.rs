mod claims;
mod documents;
mod forged;
mod keys;
mod mint;
mod notices;
mod properties;
mod refresh;
