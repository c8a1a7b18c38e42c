//! How long a service may take, and how long what was found out holds.

use core::time::Duration;

/// Every wait has an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until there is a TCP connection. Finding the address of a name takes as long as the system lets it.
    pub connect: Duration,
    /// From there until the connection is proven, however slowly bytes drip.
    pub proof: Duration,
    /// How long a read or a write of a proven connection may wait without a single byte.
    pub idle: Duration,
    /// How long the caller's word on evidence holds: after that it is asked again, because the evidence of vendors that it
    /// rests on goes out of date.
    pub appraisal: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            proof: Duration::from_secs(30),
            idle: Duration::from_secs(600),
            appraisal: Duration::from_secs(3600),
        }
    }
}
