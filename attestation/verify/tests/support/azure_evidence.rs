//! Evidence of Azure's virtual TPM, as tools hand it out.

use attestation_verify::{Pcr, VtpmBundle};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value;

/// What the virtual TPM handed out.
#[derive(Debug, Clone)]
pub(crate) struct AzureEvidence {
    pub(crate) hcl_report: Vec<u8>,
    pub(crate) quote: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) pcrs: Vec<Pcr>,
}

impl AzureEvidence {
    pub(crate) fn read(json: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(json).unwrap();
        let evidence = &json["evidence"];
        let text = |value: &Value| value.as_str().unwrap().trim_end_matches('=').to_owned();
        let pcrs = evidence["tpm_quote"]["pcrs"].as_array().unwrap();
        Self {
            hcl_report: Base64UrlUnpadded::decode_vec(&text(&evidence["hcl_report"])).unwrap(),
            quote: unhex(&text(&evidence["tpm_quote"]["message"])),
            signature: unhex(&text(&evidence["tpm_quote"]["signature"])),
            pcrs: pcrs.iter().map(|pcr| unhex(&text(pcr)).try_into().unwrap()).collect(),
        }
    }

    /// As verification takes it.
    pub(crate) fn bundle(&self) -> VtpmBundle<'_> {
        VtpmBundle {
            hcl_report: &self.hcl_report,
            quote: &self.quote,
            signature: &self.signature,
            pcrs: &self.pcrs,
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
