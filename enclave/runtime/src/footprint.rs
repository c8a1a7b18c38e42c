//! How much memory a component's jobs take, so that none of them can exhaust the guest.
//!
//! Memory that a component asks for is refused to it when there is none. What the engine and the host functions allocate
//! on its behalf is not: an allocation that fails there ends the guest. So everything of that kind has a bound, and a
//! guest that has less memory than the sum is refused before it takes a job.

use attestation_manifest::{EgressScheme, Manifest, Service, Storage};
use enclave_wire::network::{NetworkLimits, SPARE_CONNECTIONS};
use wasmtime::component::Component;

use crate::RuntimeError;

/// What a running job makes the guest allocate at most, besides stack, memories and tables: a window of input and what
/// was read of it, buffered output, transcript and frames, the lists of one host call on both sides, streams and
/// pollables, a trap's message, the claim.
const JOB_BYTES: u64 = 6 * 1024 * 1024;

/// What each further run at the same time takes of the same kinds: a service's requests have small windows.
const FURTHER_RUN_BYTES: u64 = 512 * 1024;

/// What a client takes besides its connection before its request is answered: a head, in a buffer that grows by doubling.
const WAITING_CLIENT_BYTES: u64 = 64 * 1024;

/// What a client's TLS takes: records on their way in and out, what was said and was not taken, and rustls' own state.
const TLS_SESSION_BYTES: u64 = 192 * 1024;

/// How much all tables together grow beyond their initial sizes. The engine copies a table that grows.
const TABLE_GROWTH_BYTES: u64 = 512 * 1024;

/// Upper bound of what the engine allocates for one element of a table.
pub(crate) const TABLE_ELEMENT_BYTES: u64 = 16;

const WASM_PAGE_BYTES: u64 = 64 * 1024;

/// Of pages, and of page tables.
const PAGE_BYTES: u64 = 4096;

/// Below each stack.
const GUARD_BYTES: u64 = PAGE_BYTES;

/// Page tables for what lies in this many bytes, and two where it begins and ends.
const TABLE_SPAN_BYTES: u64 = 2 * 1024 * 1024;
const ENDS: u64 = 2;

/// Memory that is added to a guest, in the manifest's steps.
const STEP_BYTES: u64 = 2 * 1024 * 1024;

/// What a manifest wants to be possible at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demands {
    /// Length of the artefact.
    pub artefact_bytes: u64,
    /// Limit of the linear memories of one run.
    pub component_memory_bytes: u64,
    /// Accounted stack of one run.
    pub call_stack_bytes: u32,
    /// Runs at the same time: 1, or the open requests of a service.
    pub runs: u32,
    /// What components store: the key-value store, and the files of each run.
    pub storage_bytes: u64,
    /// What connections and names take in the guest's network, and clients that wait.
    pub network_bytes: u64,
}

impl Demands {
    /// What this manifest wants of a guest with an artefact of this length.
    #[must_use]
    pub fn of(manifest: &Manifest<'_>, artefact_bytes: u64) -> Self {
        let (component_memory_bytes, runs) = match manifest.service {
            Some(service) => (service.request_memory_bytes, service.open_requests_max),
            None => (manifest.limits.component_memory_bytes, 1),
        };
        Self {
            artefact_bytes,
            component_memory_bytes,
            call_stack_bytes: manifest.limits.call_stack_bytes,
            runs,
            storage_bytes: storage_bytes(&manifest.storage, manifest.persistent_bytes(), runs),
            network_bytes: network_bytes(manifest),
        }
    }
}

/// Every run has files of its own. What outlasts the guest is in memory a second time while it is sealed, and while it is
/// read; files that do are kept beside those of the run.
fn storage_bytes(storage: &Storage, persistent_bytes: u64, runs: u32) -> u64 {
    let of_runs = storage.files_bytes.saturating_mul(runs.into());
    [storage.key_value_bytes, of_runs, persistent_bytes].into_iter().fold(0, u64::saturating_add)
}

fn network_bytes(manifest: &Manifest<'_>) -> u64 {
    let connections = NetworkLimits::of(manifest).map_or(0, |limits| limits.memory_bytes());
    let clients = manifest.service.map_or(0, |service| clients_bytes(&service));
    connections.saturating_add(clients)
}

/// Those who wait have heads of requests; all of them have sessions under TLS.
fn clients_bytes(service: &Service) -> u64 {
    let spare = SPARE_CONNECTIONS as u64;
    let sessions = match service.scheme {
        EgressScheme::Https => spare.saturating_add(service.open_requests_max.into()),
        EgressScheme::Http => 0,
    };
    let waiting = WAITING_CLIENT_BYTES.saturating_mul(spare);
    waiting.saturating_add(TLS_SESSION_BYTES.saturating_mul(sessions))
}

/// What an instance of a component consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    memories: u64,
    initial_memory_bytes: u64,
    initial_table_bytes: u64,
}

impl Footprint {
    /// That of the smallest component: what an artefact needs at least, before anything of it was read.
    pub const LEAST: Self = Self { memories: 0, initial_memory_bytes: 0, initial_table_bytes: 0 };

    /// # Errors
    /// The component imports core modules, whose needs cannot be known.
    pub(crate) fn of(component: &Component) -> Result<Self, RuntimeError> {
        let Some(required) = component.resources_required() else {
            return Err(RuntimeError::Mismatch { reason: "it imports a core module".into() });
        };
        let (memories, tables) = (u64::from(required.num_memories), u64::from(required.num_tables));
        let largest_memory = required.max_initial_memory_size.unwrap_or(0).saturating_mul(WASM_PAGE_BYTES);
        let largest_table = required.max_initial_table_size.unwrap_or(0).saturating_mul(TABLE_ELEMENT_BYTES);
        Ok(Self {
            memories,
            initial_memory_bytes: memories.saturating_mul(largest_memory),
            initial_table_bytes: tables.saturating_mul(largest_table),
        })
    }

    /// The most that tables may take.
    pub(crate) fn table_limit_bytes(&self) -> u64 {
        self.initial_table_bytes.saturating_add(TABLE_GROWTH_BYTES)
    }

    /// Page tables that a run can take, at most, because they cut large pages: its stack, and what its memories begin with.
    #[must_use]
    pub fn page_tables(&self) -> u64 {
        let of_memories = self.memories.saturating_mul(ENDS);
        let spanned = self.initial_memory_bytes / TABLE_SPAN_BYTES;
        ENDS.saturating_add(of_memories).saturating_add(spanned)
    }

    /// The heap, in bytes, with which no run of the component can exhaust the guest.
    #[must_use]
    pub fn heap_bytes(&self, demands: &Demands) -> u64 {
        let Demands {
            artefact_bytes,
            component_memory_bytes,
            call_stack_bytes,
            runs,
            storage_bytes,
            network_bytes,
        } = *demands;
        // Each linear memory reserves its growth when it is made: compiled code relies on its place.
        let reserved = self.memories.saturating_mul(component_memory_bytes);
        let stack = attestation_artefact::async_stack_bytes(call_stack_bytes) as u64 + GUARD_BYTES;
        let page_tables = self.page_tables().saturating_mul(PAGE_BYTES);
        let tables = self.table_limit_bytes().saturating_mul(2);
        let parts = [reserved, self.initial_memory_bytes, stack, page_tables, tables];
        let run = parts.into_iter().fold(0, u64::saturating_add);
        let further = u64::from(runs.saturating_sub(1));
        // The artefact is used in place; what the engine builds from it was seen to take a twentieth of its size.
        let loaded = artefact_bytes.saturating_add(artefact_bytes / 8);
        [
            run.saturating_mul(runs.into()),
            JOB_BYTES,
            further.saturating_mul(FURTHER_RUN_BYTES),
            loaded,
            storage_bytes,
            network_bytes,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// Compares [`Self::heap_bytes`] with what there is.
    ///
    /// # Errors
    /// [`RuntimeError::Memory`] says how much is missing.
    pub fn check(&self, heap_bytes: u64, demands: &Demands) -> Result<(), RuntimeError> {
        let needed_bytes = self.heap_bytes(demands);
        let missing_bytes = needed_bytes.saturating_sub(heap_bytes);
        if missing_bytes == 0 {
            return Ok(());
        }
        let missing_mib = missing_bytes.div_ceil(STEP_BYTES).saturating_mul(STEP_BYTES >> 20);
        Err(RuntimeError::Memory {
            needed_bytes,
            heap_bytes,
            missing_mib,
            memories: self.memories,
            component_memory_bytes: demands.component_memory_bytes,
            runs: demands.runs,
            network_bytes: demands.network_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_MEMORY: Footprint =
        Footprint { memories: 1, initial_memory_bytes: 1 << 20, initial_table_bytes: 1600 };
    const DEMANDS: Demands = Demands {
        artefact_bytes: 0,
        component_memory_bytes: 0,
        call_stack_bytes: 1 << 19,
        runs: 1,
        storage_bytes: 0,
        network_bytes: 0,
    };

    #[test]
    fn every_part_counts() {
        let base = ONE_MEMORY.heap_bytes(&DEMANDS);
        let with = |demands| ONE_MEMORY.heap_bytes(&demands) - base;
        assert_eq!(with(Demands { artefact_bytes: 800, ..DEMANDS }), 900);
        assert_eq!(with(Demands { component_memory_bytes: 1 << 24, ..DEMANDS }), 1 << 24);
        assert_eq!(with(Demands { storage_bytes: 77, ..DEMANDS }), 77);
        assert_eq!(with(Demands { network_bytes: 78, ..DEMANDS }), 78);
        assert_eq!(with(Demands { call_stack_bytes: (1 << 19) + 1024, ..DEMANDS }), 2048);
        let per_run = base - JOB_BYTES + FURTHER_RUN_BYTES;
        assert_eq!(with(Demands { runs: 3, ..DEMANDS }), 2 * per_run);
        let two = Footprint { memories: 2, ..ONE_MEMORY };
        let tables = 2 * PAGE_BYTES;
        let expected = base + tables + (2 << 24);
        assert_eq!(two.heap_bytes(&Demands { component_memory_bytes: 1 << 24, ..DEMANDS }), expected);
        let larger = Footprint { initial_memory_bytes: 5 << 20, ..ONE_MEMORY };
        assert_eq!((ONE_MEMORY.page_tables(), larger.page_tables()), (4, 6));
        let absurd = Footprint { memories: u64::MAX, initial_memory_bytes: u64::MAX, initial_table_bytes: 0 };
        let everything = Demands { artefact_bytes: u64::MAX, component_memory_bytes: u64::MAX, ..DEMANDS };
        assert_eq!(absurd.heap_bytes(&everything), u64::MAX);
    }

    /// Whether it is answered or waits: each client may fill its session's buffers.
    #[test]
    fn each_client_under_tls_counts() {
        let service = |scheme, open_requests_max| Service {
            port: 80,
            scheme,
            open_requests_max,
            request_wall_ms: 1,
            request_body_bytes: 1,
            response_body_bytes: 1,
            request_fuel: 1,
            request_memory_bytes: 1,
        };
        let clients = 5 + SPARE_CONNECTIONS as u64;
        let [clear, secure] =
            [EgressScheme::Http, EgressScheme::Https].map(|scheme| clients_bytes(&service(scheme, 5)));
        assert_eq!(clear, SPARE_CONNECTIONS as u64 * WAITING_CLIENT_BYTES);
        assert_eq!(secure - clear, clients * TLS_SESSION_BYTES);
    }

    /// It is sealed beside itself; and every run has its own files.
    #[test]
    fn what_outlasts_the_guest_counts_twice() {
        let storage = Storage { key_value_bytes: 100, files_bytes: 30, persist: true };
        assert_eq!(storage_bytes(&storage, 0, 1), 130);
        assert_eq!(storage_bytes(&storage, 130, 1), 260, "a job's files");
        assert_eq!(storage_bytes(&storage, 100, 5), 350, "not a service's");
        assert_eq!(storage_bytes(&Storage { files_bytes: u64::MAX, ..storage }, 1, 2), u64::MAX);
    }

    #[test]
    fn what_is_missing_is_said_in_steps_of_the_manifest() {
        let demands = Demands { artefact_bytes: 1000, component_memory_bytes: 1 << 24, ..DEMANDS };
        let needed = ONE_MEMORY.heap_bytes(&demands);
        assert_eq!(ONE_MEMORY.check(needed, &demands), Ok(()));
        let error = ONE_MEMORY.check(needed - 1, &demands).unwrap_err();
        assert!(matches!(error, RuntimeError::Memory { missing_mib: 2, memories: 1, .. }), "{error:?}");
        let error = ONE_MEMORY.check(needed - (2 << 20) - 1, &demands).unwrap_err();
        assert!(error.to_string().contains("add 4 to memory_mib"), "{error}");
    }
}
