//! The exact bytes of `manifest.json`.

use alloc::string::String;
use alloc::vec::Vec;

use attestation_artefact::ENGINE;
use attestation_envelope::Readers;
use attestation_manifest::{
    ArtefactRef, ComponentRef, EgressRule, EnvVar, HexDigest, LaunchPolicy, MANIFEST_VERSION, Manifest,
    SnpLaunch, TdxLaunch, TimeServer, Tls, TlsHost, parse_manifest,
};
use sha2::{Digest, Sha256};

use crate::app_toml::{AppEgressRule, AppLaunch, AppTimeServer, AppTls, AppTlsHost, AppToml};
use crate::error::BuildError;

/// Writes the manifest of a component and its artefact: fields in the format's order, indented, one newline at the end.
/// Reads it back as the guest will.
pub(crate) fn manifest_json(app: &AppToml, component: &[u8], artefact: &[u8]) -> Result<Vec<u8>, BuildError> {
    let authorities = authorities(&app.tls)?;
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        name: &app.name,
        role: app.role,
        trust: app.trust,
        component: ComponentRef { sha256: HexDigest(Sha256::digest(component).into()) },
        artefact: ArtefactRef { sha256: HexDigest(Sha256::digest(artefact).into()), engine: ENGINE },
        launch: launch_policy(&app.launch),
        memory_mib: app.memory_mib,
        limits: app.limits(),
        wall_clock: app.wall_clock,
        args: bounded("args", app.args.iter().map(|text| text.as_str()))?,
        env: bounded("env", app.env.iter().map(|(name, value)| EnvVar { name, value }))?,
        egress: egress(&app.egress)?,
        tls: Tls { roots: app.tls.roots, hosts: tls_hosts(&app.tls, &authorities)? },
        time: bounded("time", app.time.iter().map(time_server))?,
        service: app.service.map(Into::into),
        storage: app.storage.into(),
        logs: app.logs,
        readers: readers(&app.readers)?,
    };
    let json = pretty_json(&manifest).map_err(BuildError::Json)?;
    let same = parse_manifest(&json).map_err(BuildError::Manifest)? == manifest;
    if same { Ok(json) } else { Err(BuildError::ManifestRoundTrip) }
}

/// JSON for people and for version control; the same value gives the same bytes.
pub(crate) fn pretty_json(value: &impl serde::Serialize) -> serde_json::Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(value)?;
    json.push(b'\n');
    Ok(json)
}

fn launch_policy(launch: &AppLaunch) -> LaunchPolicy {
    LaunchPolicy {
        snp: SnpLaunch { policy: launch.snp.policy, vmpl: launch.snp.vmpl },
        tdx: TdxLaunch { attributes: launch.tdx.attributes, xfam: launch.tdx.xfam },
    }
}

fn egress<const N: usize>(rules: &[AppEgressRule]) -> Result<heapless::Vec<EgressRule<'_>, N>, BuildError> {
    let mut list = heapless::Vec::new();
    for rule in rules {
        let methods = bounded("egress.methods", rule.methods.iter().map(|text| text.as_str()))?;
        let rule = EgressRule { host: &rule.host, port: rule.port, scheme: rule.scheme, methods };
        list.push(rule).map_err(|_| BuildError::TooMany { field: "egress" })?;
    }
    Ok(list)
}

/// Of each host, as the manifest has them.
fn authorities(tls: &AppTls) -> Result<Vec<Vec<String>>, BuildError> {
    tls.hosts.iter().map(AppTlsHost::authorities).collect::<Result<_, _>>().map_err(BuildError::AppToml)
}

fn tls_hosts<'a, const N: usize>(
    tls: &'a AppTls,
    authorities: &'a [Vec<String>],
) -> Result<heapless::Vec<TlsHost<'a>, N>, BuildError> {
    let mut list = heapless::Vec::new();
    for (host, authorities) in tls.hosts.iter().zip(authorities) {
        let authorities = bounded("tls.hosts.authorities", authorities.iter().map(|text| text.as_str()))?;
        let spki_sha256 = bounded("tls.hosts.spki_sha256", host.spki_sha256.iter().copied())?;
        let host = TlsHost { host: &host.host, authorities, spki_sha256 };
        list.push(host).map_err(|_| BuildError::TooMany { field: "tls.hosts" })?;
    }
    Ok(list)
}

fn time_server(server: &AppTimeServer) -> TimeServer<'_> {
    TimeServer { host: &server.host, port: server.port, public_key: server.public_key }
}

/// Keys that nothing can be sealed for would end the guest.
fn readers<const N: usize>(keys: &[HexDigest<32>]) -> Result<heapless::Vec<HexDigest<32>, N>, BuildError> {
    let list = bounded("readers", keys.iter().copied())?;
    if !keys.is_empty() {
        let keys: Vec<[u8; 32]> = keys.iter().map(|key| key.0).collect();
        Readers::new(&keys, [0; 32]).map_err(BuildError::Reader)?;
    }
    Ok(list)
}

fn bounded<T, const N: usize>(
    field: &'static str,
    items: impl Iterator<Item = T>,
) -> Result<heapless::Vec<T, N>, BuildError> {
    let mut list = heapless::Vec::new();
    for item in items {
        list.push(item).map_err(|_| BuildError::TooMany { field })?;
    }
    Ok(list)
}
