//! What every test shares: the ROM, images around small components, guests, jobs, hosts in the middle, and how
//! guests ended.

pub(crate) mod components;
mod ending;
mod hardware;
mod image;
mod job;
mod middle;
mod random;
mod shipping;
mod site;

pub(crate) use ending::Ending;
pub(crate) use hardware::no_hardware;
pub(crate) use image::{APP, build_image, build_image_as, build_image_of};
pub(crate) use job::{JobResult, run_job, run_job_stating, run_job_to};
pub(crate) use middle::{Middle, To};
pub(crate) use random::Random;
pub(crate) use shipping::{image_folder, rom};
pub(crate) use site::{PATIENCE, Site};
