//! JSON of clouds, services and tools, by the names of its fields. Only fields that are known are kept, the rest is
//! skipped while it is read: what a file makes the reader hold is no more than the file.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::text::{unbase64, unhex};
use crate::{Items, Kind, RecogniseError};

/// Fields that tell one kind of object from another.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "tcbInfo")]
    tcb_info: Option<IgnoredAny>,
    #[serde(rename = "enclaveIdentity")]
    enclave_identity: Option<IgnoredAny>,
    #[serde(rename = "vcekCert", borrow)]
    vcek_certificate: Option<&'a RawValue>,
    #[serde(rename = "certificateChain", borrow)]
    certificate_chain: Option<&'a RawValue>,
    #[serde(borrow)]
    platform: Option<&'a RawValue>,
    #[serde(borrow)]
    evidence: Option<&'a RawValue>,
    #[serde(borrow)]
    event_log: Option<&'a RawValue>,
    #[serde(borrow)]
    quote: Option<&'a RawValue>,
    tcb_info_issuer_chain: Option<IgnoredAny>,
    platforms: Option<IgnoredAny>,
}

/// An entry of the list of NVIDIA's SDK; what it holds is for its own reader.
#[derive(Deserialize)]
struct Device {
    #[serde(rename = "evidence")]
    _evidence: IgnoredAny,
    #[serde(rename = "certificate")]
    _certificate: IgnoredAny,
}

/// What tools hand out as evidence of Azure's virtual TPM.
#[derive(Deserialize)]
struct AzureEvidence<'a> {
    #[serde(borrow)]
    tpm_quote: AzureQuote<'a>,
    #[serde(borrow)]
    hcl_report: Cow<'a, str>,
    #[serde(borrow)]
    vcek: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct AzureQuote<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    signature: Cow<'a, str>,
    #[serde(borrow)]
    pcrs: Vec<&'a str>,
}

/// Collateral of a TDX quote as the clients of several PCCS servers keep it: documents without their frame.
#[derive(Deserialize)]
struct QuoteCollateral<'a> {
    #[serde(borrow)]
    tcb_info: Cow<'a, str>,
    #[serde(borrow)]
    tcb_info_signature: Cow<'a, str>,
    #[serde(borrow)]
    tcb_info_issuer_chain: Cow<'a, str>,
    #[serde(borrow)]
    qe_identity: Cow<'a, str>,
    #[serde(borrow)]
    qe_identity_signature: Cow<'a, str>,
    #[serde(borrow)]
    qe_identity_issuer_chain: Cow<'a, str>,
    #[serde(borrow)]
    pck_crl: Cow<'a, str>,
    #[serde(borrow)]
    root_ca_crl: Cow<'a, str>,
}

/// Collateral for platforms of several kinds, as Intel's migration TD takes it along and Azure hands it out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FleetCollateral<'a> {
    #[serde(borrow)]
    platforms: Vec<PlatformCollateral<'a>>,
    #[serde(borrow)]
    qe_identity: Cow<'a, str>,
    #[serde(borrow)]
    qe_identity_issuer_chain: Cow<'a, str>,
    #[serde(borrow)]
    pck_crl_issuer_chain: Cow<'a, str>,
    #[serde(borrow)]
    pck_crl: Cow<'a, str>,
    #[serde(borrow)]
    root_ca_crl: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlatformCollateral<'a> {
    #[serde(borrow)]
    tcb_info: Cow<'a, str>,
    #[serde(borrow)]
    tcb_info_issuer_chain: Cow<'a, str>,
}

impl Items {
    pub(crate) fn read_json(&mut self, text: &str) -> Result<(), RecogniseError> {
        if text.starts_with('[') {
            return match serde_json::from_str::<Vec<Device>>(text) {
                Ok(devices) if !devices.is_empty() => self.push(Kind::NvidiaEvidence, text.as_bytes()),
                Err(error) if error.is_syntax() || error.is_eof() => Err(self.malformed(error)),
                _ => Err(self.unknown_json("an array of something else than devices with their evidence")),
            };
        }
        let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| self.malformed(error))?;
        match fields {
            Fields { tcb_info: Some(_), .. } => self.push(Kind::TcbInfo, text.as_bytes()),
            Fields { enclave_identity: Some(_), .. } => self.push(Kind::QeIdentity, text.as_bytes()),
            Fields { vcek_certificate: Some(vcek), certificate_chain: Some(chain), .. } => self
                .unwrap("host certificates of Azure", |items| items.read_azure_certificates([vcek, chain])),
            Fields { platform: Some(platform), evidence: Some(evidence), .. }
                if platform.get() == "\"az-snp\"" =>
            {
                self.unwrap("evidence of Azure's virtual TPM", |items| items.read_azure_evidence(evidence))
            }
            Fields { tcb_info_issuer_chain: Some(_), .. } => {
                self.unwrap("collateral of a quote", |items| items.read_quote_collateral(text))
            }
            Fields { platforms: Some(_), .. } => {
                self.unwrap("collateral for several platforms", |items| items.read_fleet_collateral(text))
            }
            Fields { quote: Some(quote), event_log: Some(log), .. } => {
                self.unwrap("quote with event log", |items| items.read_quote_with_log(quote, log))
            }
            _ => Err(self.unknown_json("an object with none of the fields that are known")),
        }
    }

    /// `THIM` of Azure: VCEK, and ASK with ARK, as PEM.
    fn read_azure_certificates(&mut self, lists: [&RawValue; 2]) -> Result<(), RecogniseError> {
        for list in lists {
            let text: Cow<'_, str> =
                serde_json::from_str(list.get()).map_err(|error| self.malformed(error))?;
            self.read_pem(&text)?;
        }
        Ok(())
    }

    /// Blob, quote, signature and registers of a virtual TPM, and the VCEK where it came along.
    fn read_azure_evidence(&mut self, evidence: &RawValue) -> Result<(), RecogniseError> {
        let evidence: AzureEvidence<'_> =
            serde_json::from_str(evidence.get()).map_err(|error| self.malformed(error))?;
        let quote = &evidence.tpm_quote;
        let mut registers = Vec::new();
        for register in &quote.pcrs {
            let wrong =
                || self.malformed("pcrs: expected registers with 64 digits each, found something else");
            registers.extend(unhex(register).filter(|bytes| bytes.len() == 32).ok_or_else(wrong)?);
        }
        let items = [
            (Kind::HclReport, "hcl_report", unbase64(&evidence.hcl_report)),
            (Kind::TpmQuote, "message", unhex(&quote.message)),
            (Kind::TpmSignature, "signature", unhex(&quote.signature)),
            (Kind::TpmRegisters, "pcrs", Some(registers)),
        ];
        let vcek = evidence.vcek.as_deref().map(|vcek| (Kind::Certificate, "vcek", unbase64(vcek)));
        for (kind, field, bytes) in items.into_iter().chain(vcek) {
            let wrong = || self.malformed(format!("{field}: expected bytes as text, found something else"));
            self.push(kind, &bytes.ok_or_else(wrong)?)?;
        }
        Ok(())
    }

    /// The documents get back the frame in which Intel's service hands them out.
    fn read_quote_collateral(&mut self, text: &str) -> Result<(), RecogniseError> {
        let collateral: QuoteCollateral<'_> =
            serde_json::from_str(text).map_err(|error| self.malformed(error))?;
        let frame = |name: &str, body: &str, signature: &str| {
            format!("{{\"{name}\":{body},\"signature\":\"{signature}\"}}").into_bytes()
        };
        let info = frame("tcbInfo", &collateral.tcb_info, &collateral.tcb_info_signature);
        self.push(Kind::TcbInfo, &info)?;
        let identity = frame("enclaveIdentity", &collateral.qe_identity, &collateral.qe_identity_signature);
        self.push(Kind::QeIdentity, &identity)?;
        self.read_pem(&collateral.tcb_info_issuer_chain)?;
        if collateral.qe_identity_issuer_chain != collateral.tcb_info_issuer_chain {
            self.read_pem(&collateral.qe_identity_issuer_chain)?;
        }
        for (field, list) in [("pck_crl", &collateral.pck_crl), ("root_ca_crl", &collateral.root_ca_crl)] {
            let wrong = || self.malformed(format!("{field}: expected hexadecimal, found something else"));
            let list = unhex(list).ok_or_else(wrong)?;
            self.push(Kind::RevocationList, &list)?;
        }
        Ok(())
    }

    /// Documents have their frame here. Most chains are one and the same.
    fn read_fleet_collateral(&mut self, text: &str) -> Result<(), RecogniseError> {
        let collateral: FleetCollateral<'_> =
            serde_json::from_str(text).map_err(|error| self.malformed(error))?;
        for platform in &collateral.platforms {
            self.push(Kind::TcbInfo, platform.tcb_info.trim().as_bytes())?;
        }
        self.push(Kind::QeIdentity, collateral.qe_identity.trim().as_bytes())?;
        let of_platforms = collateral.platforms.iter().map(|platform| &platform.tcb_info_issuer_chain);
        let others = [&collateral.qe_identity_issuer_chain, &collateral.pck_crl_issuer_chain];
        let chains: BTreeSet<&str> = of_platforms.chain(others).map(|chain| chain.trim()).collect();
        for list in chains.into_iter().chain([collateral.pck_crl.trim(), collateral.root_ca_crl.trim()]) {
            self.read_pem(list)?;
        }
        Ok(())
    }

    /// What dstack's guests hand out: the quote in hexadecimal, and the log as JSON in JSON.
    fn read_quote_with_log(&mut self, quote: &RawValue, log: &RawValue) -> Result<(), RecogniseError> {
        let quote: Cow<'_, str> = serde_json::from_str(quote.get()).map_err(|error| self.malformed(error))?;
        let log: Cow<'_, str> = serde_json::from_str(log.get()).map_err(|error| self.malformed(error))?;
        let wrong = || self.malformed("quote: expected hexadecimal, found something else");
        let quote = unhex(&quote).ok_or_else(wrong)?;
        self.push(Kind::TdxQuote, &quote)?;
        self.push(Kind::EventLog, log.as_bytes())
    }

    fn unknown_json(&self, found: &str) -> RecogniseError {
        RecogniseError::Unknown { found: format!("JSON: {found}") }
    }
}
