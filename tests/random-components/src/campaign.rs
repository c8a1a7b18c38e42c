//! Many numbers, one after the other, and what has to come of them together.

use core::any::Any;
use core::fmt::Write as _;
use core::num::NonZeroUsize;
use core::ops::Range;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, thread};

use crate::RandomComponent;

/// Names one number, to be run alone.
const SEED_VARIABLE: &str = "REDOUBT_SEED";

/// What came of one run: the kinds under which it counts, or what is wrong with it.
pub type Finding = Result<Vec<String>, String>;

/// Numbers to go through, and where to put the components of those that fail.
#[derive(Debug)]
pub struct Campaign {
    seeds: Range<u64>,
    is_whole: bool,
    folder: PathBuf,
}

impl Campaign {
    /// Through `seeds`, or only through the number that `REDOUBT_SEED` names.
    #[must_use]
    pub fn new(seeds: Range<u64>, folder: &Path) -> Self {
        let alone = env::var(SEED_VARIABLE).ok();
        let alone: Option<u64> = alone.map(|seed| seed.parse().expect("REDOUBT_SEED is a number"));
        let seeds_to_run = alone.map_or(seeds, |seed| seed..seed.saturating_add(1));
        Self { seeds: seeds_to_run, is_whole: alone.is_none(), folder: folder.to_owned() }
    }

    /// Judges every number, on `threads` threads at once, and fails when one is wrong or when one of the kinds in
    /// `expected` has not come up: then the generator does not try what it should any more.
    ///
    /// # Panics
    /// As said.
    pub fn run(
        &self,
        threads: NonZeroUsize,
        expected: &[&str],
        judge: impl Fn(u64, &RandomComponent) -> Finding + Sync,
    ) {
        let next = AtomicU64::new(self.seeds.start);
        let tally = Mutex::new(Tally::default());
        thread::scope(|scope| {
            for _ in 0..threads.get() {
                scope.spawn(|| {
                    while let Some(seed) = self.take(&next) {
                        let finding = self.judge(seed, &judge);
                        tally.lock().unwrap_or_else(PoisonError::into_inner).add(finding);
                    }
                });
            }
        });
        tally.into_inner().unwrap_or_else(PoisonError::into_inner).judge(if self.is_whole {
            expected
        } else {
            &[]
        });
    }

    fn take(&self, next: &AtomicU64) -> Option<u64> {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        self.seeds.contains(&seed).then_some(seed)
    }

    /// What panics is wrong too, and needs its number as much.
    fn judge(&self, seed: u64, judge: &impl Fn(u64, &RandomComponent) -> Finding) -> Finding {
        let random = catch_unwind(|| RandomComponent::of(seed));
        let random = random.map_err(|panic| format!("seed {seed}: no component: {}", words(&*panic)))?;
        let finding = catch_unwind(AssertUnwindSafe(|| judge(seed, &random)));
        let finding = finding.unwrap_or_else(|panic| Err(words(&*panic)));
        finding.map_err(|what| self.describe(seed, &random, &what))
    }

    /// Says how to see it again.
    fn describe(&self, seed: u64, random: &RandomComponent, what: &str) -> String {
        let path = self.folder.join(format!("seed-{seed}.wasm"));
        let saved = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&path, &random.bytes));
        let place = match saved {
            Ok(()) => format!("the component is {}", path.display()),
            Err(error) => format!("the component was not saved: {error}"),
        };
        format!("seed {seed}: {what}\n  {place}; {SEED_VARIABLE}={seed} runs it alone")
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without words"))
}

/// How often each kind came up.
#[derive(Debug, Default)]
struct Tally {
    runs: u64,
    kinds: BTreeMap<String, u64>,
    failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, finding: Finding) {
        self.runs += 1;
        match finding {
            Ok(kinds) => kinds.into_iter().for_each(|kind| *self.kinds.entry(kind).or_default() += 1),
            Err(failure) => self.failures.push(failure),
        }
    }

    fn judge(&self, expected: &[&str]) {
        let mut table = format!("{:>6}  runs\n", self.runs);
        for (kind, count) in &self.kinds {
            // Writing to a `String` cannot fail.
            let _infallible = writeln!(table, "{count:>6}  {kind}");
        }
        println!("{table}");
        assert!(self.failures.is_empty(), "{}\n\n{table}", self.failures.join("\n\n"));
        let missing: Vec<_> = expected.iter().filter(|kind| !self.kinds.contains_key(**kind)).collect();
        assert!(missing.is_empty(), "never came up: {missing:?}\n\n{table}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(expected: &[&str], judge: impl Fn(u64, &RandomComponent) -> Finding + Sync) {
        let folder = env::temp_dir().join("redoubt-campaign");
        let campaign = Campaign { seeds: 5..8, is_whole: true, folder };
        campaign.run(NonZeroUsize::MIN, expected, judge);
    }

    #[test]
    fn every_number_is_judged() {
        let seen = Mutex::new(Vec::new());
        run(&["even", "odd"], |seed, _| {
            seen.lock().unwrap().push(seed);
            Ok(vec![if seed % 2 == 0 { "even" } else { "odd" }.to_owned()])
        });
        assert_eq!(seen.into_inner().unwrap(), [5, 6, 7]);
    }

    #[test]
    #[should_panic(expected = "seed 6: it is wrong")]
    fn one_that_is_wrong_fails_all() {
        run(&[], |seed, _| if seed == 6 { Err("it is wrong".to_owned()) } else { Ok(Vec::new()) });
    }

    #[test]
    #[should_panic(expected = "seed 7: panicked: out of words")]
    fn one_that_panics_is_named() {
        run(&[], |seed, _| if seed == 7 { panic!("out of words") } else { Ok(Vec::new()) });
    }

    #[test]
    #[should_panic(expected = "never came up: [\"trapped\"]")]
    fn what_never_comes_up_fails_all() {
        run(&["trapped"], |_, _| Ok(vec!["exited".to_owned()]));
    }
}
