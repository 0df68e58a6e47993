use aws_lc_rs::rand;

/// 128 random bits in hex.
///
/// # Errors
/// If the system has no randomness.
pub fn hex() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system has no randomness"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
