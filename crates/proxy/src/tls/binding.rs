use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

/// The `tls-server-end-point` channel binding of a server's certificate in DER (RFC 5929 §4.1): its hash, by
/// the hash function of the signature on it, where MD5 and SHA-1 count as SHA-256.
///
/// `None` if the signature has no one hash function (Ed25519), or one that is in its parameters (RSA-PSS):
/// then there is no channel binding to be had, and SCRAM goes without.
pub(crate) fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let hash = hash(signature_algorithm(certificate)?)?;
    Some(digest(hash, certificate).as_ref().to_vec())
}

/// The OID of the signature, in DER without its tag and length.
///
/// `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OID, … }, … }`
/// (RFC 5280 §4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    let (certificate, _) = element(SEQUENCE, certificate)?;
    let (_, after_tbs) = element(SEQUENCE, certificate)?;
    let (algorithm, _) = element(SEQUENCE, after_tbs)?;
    let (oid, _) = element(OBJECT_IDENTIFIER, algorithm)?;
    Some(oid)
}

/// Cuts one DER element with this tag: its content, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    if first != tag {
        return None;
    }
    rest.split_at_checked(length)
}

/// The hash function that a signature algorithm has in its name.
fn hash(oid: &[u8]) -> Option<&'static Algorithm> {
    // 1.2.840.113549.1.1 (PKCS #1) and 1.2.840.10045.4 (X9.62 signatures).
    const PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    match (oid.strip_prefix(PKCS1), oid.strip_prefix(ECDSA)) {
        // md5, sha1 and sha256 WithRSAEncryption; ecdsa-with-SHA1 and -SHA256.
        (Some([4 | 5 | 11]), _) | (_, Some([1] | [3, 2])) => Some(&SHA256),
        (Some([12]), _) | (_, Some([3, 3])) => Some(&SHA384),
        (Some([13]), _) | (_, Some([3, 4])) => Some(&SHA512),
        _ => None,
    }
}
