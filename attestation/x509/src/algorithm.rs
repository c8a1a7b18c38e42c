//! Signature algorithms, each with one meaning and its exact bytes.

use core::fmt;

use crate::X509Error;

/// `AlgorithmIdentifier` of RSASSA-PSS with SHA-384, MGF1 with SHA-384 and 48 bytes of salt (RFC 4055, section 3.1), the
/// trailer field left to its default.
const PSS_SHA384: &[u8] = b"\x30\x41\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A\x30\x34\
    \xA0\x0F\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\
    \xA1\x1C\x30\x1A\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\
    \xA2\x03\x02\x01\x30";
/// The same with the default trailer field spelled out, which DER forbids and AMD's older certificates do.
const PSS_SHA384_TRAILER: &[u8] = b"\x30\x46\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A\x30\x39\
    \xA0\x0F\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\
    \xA1\x1C\x30\x1A\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\
    \xA2\x03\x02\x01\x30\xA3\x03\x02\x01\x01";
/// `AlgorithmIdentifier` of `ecdsa-with-SHA256` (RFC 5758, section 3.2): no parameters.
const ECDSA_SHA256: &[u8] = b"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02";
/// `AlgorithmIdentifier` of `ecdsa-with-SHA384`.
const ECDSA_SHA384: &[u8] = b"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x03";

/// How a certificate or a revocation list is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// ECDSA with SHA-256; by keys on P-256 only. Intel.
    EcdsaSha256,
    /// ECDSA with SHA-384; by keys on P-384 only. NVIDIA.
    EcdsaSha384,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384, 48 bytes of salt. AMD.
    RsaPssSha384,
}

impl SignatureAlgorithm {
    pub(crate) fn read(identifier: &[u8]) -> Result<Self, X509Error> {
        match identifier {
            ECDSA_SHA256 => Ok(Self::EcdsaSha256),
            ECDSA_SHA384 => Ok(Self::EcdsaSha384),
            PSS_SHA384 | PSS_SHA384_TRAILER => Ok(Self::RsaPssSha384),
            found => {
                let expected =
                    "ECDSA with SHA-256 or SHA-384, or RSASSA-PSS with SHA-384 and 48 bytes of salt";
                Err(X509Error::field("signature algorithm", expected, hex::encode(found)))
            }
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EcdsaSha256 => "ECDSA with SHA-256",
            Self::EcdsaSha384 => "ECDSA with SHA-384",
            Self::RsaPssSha384 => "RSASSA-PSS with SHA-384",
        })
    }
}
