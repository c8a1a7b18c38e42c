//! What every test shares: the ROM, images around small components, guests, jobs, and how they ended.

pub(crate) mod components;
mod ending;
mod image;
mod job;
mod needs;
mod site;

pub(crate) use ending::Ending;
pub(crate) use image::{APP, build_image, build_image_as};
pub(crate) use job::{JobResult, run_job, run_job_stating, sample_bytes};
pub(crate) use needs::rom;
pub(crate) use site::{PATIENCE, Site};
