//! The simulated platform: guest messages travel on the control stream to a software PSP.

use attestation_evidence::Platform;
use enclave_wire::frame::FrameKind;
use enclave_wire::psp::PspReply;

use crate::PlatformError;
use crate::link::{ByteStream, ControlLink};
use crate::messenger::GuestRequest;

/// Borrows the control stream for the time of boot; nothing else may come on it meanwhile.
#[derive(Debug)]
pub struct SimulatedPlatform<'a, S> {
    link: &'a mut ControlLink<S>,
}

impl<'a, S: ByteStream> SimulatedPlatform<'a, S> {
    /// A PSP at the other end of `link`.
    pub const fn new(link: &'a mut ControlLink<S>) -> Self {
        Self { link }
    }
}

impl<S: ByteStream> GuestRequest for SimulatedPlatform<'_, S> {
    fn platform(&self) -> Platform {
        Platform::Simulated
    }

    fn guest_request(&mut self, page: &[u8]) -> Result<PspReply, PlatformError> {
        self.link.send(FrameKind::PSP_REQUEST, 0, page)?;
        let frame = self.link.wait_for(FrameKind::PSP_RESPONSE)?;
        Ok(PspReply::decode(&frame.body)?)
    }
}
