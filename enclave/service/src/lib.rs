//! The guest's life after boot: load the workload, run jobs, sign claims.
