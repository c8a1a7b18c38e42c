//! The response of a service to its request.

use alloc::string::String;

use bytes::Bytes;
use enclave_http::{BodyPlan, Fields, StatusCode};

use super::body::{BodyKey, Stage};
use super::{Responded, ResponseHead};
use crate::host::JobHost;
use crate::outside::Outside;

/// How far it came.
#[derive(Default)]
pub(crate) struct Answer {
    stage: AnswerStage,
    /// The request was HEAD.
    pub(crate) answers_head: bool,
}

#[derive(Default)]
enum AnswerStage {
    #[default]
    Nothing,
    Refused(String),
    Begun,
    Complete,
}

/// What was kept of a body until its head was sent, and the trailers if it is complete.
type Kept = (Bytes, Option<Fields>);

impl<H: JobHost + ?Sized> Outside<H> {
    /// Sends the head, and gives what there already is of the body.
    pub(super) fn respond(
        &mut self,
        status: StatusCode,
        fields: Fields,
        body: Option<BodyKey>,
    ) -> Option<Kept> {
        // A body that was given up comes to no end, so it is unknown.
        let plan =
            body.map_or(BodyPlan::None, |key| self.traffic.bodies.plan(key).unwrap_or(BodyPlan::Unknown));
        self.host.respond(&ResponseHead { status, fields, body: plan });
        self.traffic.answer.stage = AnswerStage::Begun;
        let key = body.filter(|_| plan != BodyPlan::None);
        if plan == BodyPlan::None {
            body.map(|key| self.traffic.bodies.remove(key));
            self.finish_answer(Fields::new());
        }
        let beginning = self.traffic.bodies.attach(key?, Stage::Response)?;
        Some((beginning.kept, beginning.trailers))
    }

    pub(super) fn finish_answer(&mut self, trailers: Fields) {
        self.traffic.answer.stage = AnswerStage::Complete;
        self.host.finish_response(trailers);
    }

    /// The component says that it has no response.
    pub(super) fn refuse(&mut self, error: String) {
        self.traffic.answer.stage = AnswerStage::Refused(error);
    }

    /// What became of it, now that the run is over.
    pub(crate) fn responded(&mut self) -> Responded {
        match core::mem::take(&mut self.traffic.answer.stage) {
            AnswerStage::Nothing => Responded::Nothing,
            AnswerStage::Refused(error) => Responded::Refused { error },
            AnswerStage::Begun => Responded::Truncated,
            AnswerStage::Complete => Responded::Complete,
        }
    }
}
