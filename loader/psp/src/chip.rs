//! The simulated chip: what stays the same from one guest to the next.

use core::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use attestation_evidence::sim::{CHIP_KEY_BYTES, ChipEndorsement, endorse};
use hkdf::Hkdf;
use p384::ecdsa::SigningKey;
use sha2::{Digest, Sha256, Sha384};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::PspError;

/// TCB version of the simulated chip: a Genoa's, with boot loader 10, TEE 0, SNP firmware 23, microcode 84.
pub(crate) const CHIP_TCB: u64 = u64::from_le_bytes([10, 0, 0, 0, 0, 0, 23, 84]);

const FILE_LABEL: [u8; 32] = *b"redoubt simulated chip file v1\0\0";

/// A simulated chip: an identity and a secret from which its signing key and all derived keys follow.
#[derive(Clone)]
pub struct SimChip {
    chip_id: [u8; 64],
    root_secret: [u8; 32],
    signing_key: SigningKey,
}

impl SimChip {
    /// Makes a new chip.
    ///
    /// # Errors
    /// No randomness.
    pub fn generate() -> Result<Self, PspError> {
        loop {
            let (mut chip_id, mut root_secret) = ([0; 64], [0; 32]);
            getrandom::fill(&mut chip_id).map_err(PspError::Randomness)?;
            getrandom::fill(&mut root_secret).map_err(PspError::Randomness)?;
            // Fails with a probability below 2^-190.
            if let Some(chip) = Self::from_parts(chip_id, root_secret) {
                return Ok(chip);
            }
        }
    }

    /// Reads the chip in `path`, or makes one and keeps it there, readable for its owner only. Of several processes
    /// that do this at once, all get the same chip.
    ///
    /// # Errors
    /// The file cannot be read or written, is damaged, or is readable for others.
    pub fn load_or_create(path: &Path) -> Result<Self, PspError> {
        let wrong_file = |source| PspError::ChipFile { path: path.to_owned(), source };
        match File::open(path) {
            Ok(file) => return Self::read(path, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(wrong_file(error)),
        }
        let chip = Self::generate()?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(wrong_file)?;
        let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(wrong_file)?;
        draft.write_all(WireChip::new(&chip).as_bytes()).map_err(wrong_file)?;
        draft.as_file().sync_all().map_err(wrong_file)?;
        match draft.persist_noclobber(path) {
            Ok(_) => Ok(chip),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Self::read(path, File::open(path).map_err(wrong_file)?)
            }
            Err(error) => Err(wrong_file(error.error)),
        }
    }

    /// The chip's identity.
    #[must_use]
    pub const fn chip_id(&self) -> &[u8; 64] {
        &self.chip_id
    }

    /// The development root's endorsement of this chip.
    #[must_use]
    pub fn endorsement(&self) -> Vec<u8> {
        let mut public_key = [0; CHIP_KEY_BYTES];
        let point = self.signing_key.verifying_key().to_sec1_point(false);
        public_key.iter_mut().zip(point.as_bytes()).for_each(|(to, from)| *to = *from);
        endorse(&ChipEndorsement { chip_id: self.chip_id, tcb: CHIP_TCB, public_key })
    }

    pub(crate) const fn signing_key(&self) -> &SigningKey {
        &self.signing_key
    }

    /// A key that follows from the chip's secret and `info` only.
    pub(crate) fn derive<const N: usize>(&self, info: &[&[u8]]) -> [u8; N] {
        let mut key = [0; N];
        let expanded = Hkdf::<Sha384>::new(None, &self.root_secret).expand_multi_info(info, &mut key);
        debug_assert!(expanded.is_ok(), "a derived key is shorter than 255 hashes");
        key
    }

    fn read(path: &Path, file: File) -> Result<Self, PspError> {
        let wrong_file = |source| PspError::ChipFile { path: path.to_owned(), source };
        let wrong_format = |problem| PspError::ChipFormat { path: path.to_owned(), problem };
        let mode = file.metadata().map_err(wrong_file)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(PspError::ChipMode { path: path.to_owned(), found: mode });
        }
        let mut bytes = Vec::new();
        file.take(size_of::<WireChip>() as u64 + 1).read_to_end(&mut bytes).map_err(wrong_file)?;
        let wire = WireChip::read_from_bytes(&bytes).map_err(|_| wrong_format("its length is wrong"))?;
        if wire.label != FILE_LABEL {
            return Err(wrong_format("it is no chip file of this version"));
        }
        if wire.checksum != wire.expected_checksum() {
            return Err(wrong_format("its checksum does not match"));
        }
        Self::from_parts(wire.chip_id, wire.root_secret).ok_or_else(|| wrong_format("its secret is unusable"))
    }

    fn from_parts(chip_id: [u8; 64], root_secret: [u8; 32]) -> Option<Self> {
        let seed = Hkdf::<Sha384>::new(None, &root_secret);
        let mut scalar = [0; 48];
        seed.expand_multi_info(&[b"redoubt simulated chip key", &CHIP_TCB.to_le_bytes()], &mut scalar)
            .ok()?;
        let signing_key = SigningKey::from_slice(&scalar).ok()?;
        Some(Self { chip_id, root_secret, signing_key })
    }
}

impl fmt::Debug for SimChip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimChip").finish_non_exhaustive()
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct WireChip {
    label: [u8; 32],
    chip_id: [u8; 64],
    root_secret: [u8; 32],
    checksum: [u8; 32],
}

const _: () = assert!(size_of::<WireChip>() == 160, "a chip file has 160 bytes");

impl WireChip {
    fn new(chip: &SimChip) -> Self {
        let (chip_id, root_secret) = (chip.chip_id, chip.root_secret);
        let mut wire = Self { label: FILE_LABEL, chip_id, root_secret, checksum: [0; 32] };
        wire.checksum = wire.expected_checksum();
        wire
    }

    fn expected_checksum(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.label)
            .chain_update(self.chip_id)
            .chain_update(self.root_secret)
            .finalize()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_stays_the_same_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/sim-chip");
        let first = SimChip::load_or_create(&path).unwrap();
        let again = SimChip::load_or_create(&path).unwrap();
        assert_eq!(first.chip_id, again.chip_id);
        assert_eq!(first.endorsement(), again.endorsement());
        assert_eq!(first.derive::<32>(&[b"x"]), again.derive::<32>(&[b"x"]));
        assert_ne!(first.derive::<32>(&[b"x"]), again.derive::<32>(&[b"y"]));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SimChip::load_or_create(&path), Err(PspError::ChipMode { found: 0o640, .. })));
    }

    #[test]
    fn a_damaged_chip_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sim-chip");
        SimChip::load_or_create(&path).unwrap();
        let good = fs::read(&path).unwrap();
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 1;
            fs::write(&path, bad).unwrap();
            let error = SimChip::load_or_create(&path).unwrap_err();
            assert!(matches!(error, PspError::ChipFormat { .. }), "byte {index}: {error}");
        }
        for bytes in [&good[1..], &[good.as_slice(), &[0]].concat(), &[]] {
            fs::write(&path, bytes).unwrap();
            let error = SimChip::load_or_create(&path).unwrap_err().to_string();
            assert!(error.contains("sim-chip") && error.contains("length"), "{error}");
        }
    }
}
