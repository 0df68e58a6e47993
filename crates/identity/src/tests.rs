mod claims;
mod documents;
mod forged;
mod keys;
mod mint;
mod properties;
mod refresh;
