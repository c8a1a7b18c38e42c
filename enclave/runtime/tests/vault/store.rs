//! `wasi:keyvalue`: what a component gets to hear, and what reaches the store.

use attestation_transcript::Kind;
use bytes::Bytes;
use core::task::Poll;
use enclave_runtime::{
    Console, InputRead, Job, JobHost, JobLimits, KeyPage, Limit, Outcome, Output, Stop, Tuning,
    VALUE_MAX_BYTES, run_job,
};

use crate::harness::{CLOSED, JOB, MISSING, Vault, load, run, run_as, words};
use crate::script::Script;

#[test]
fn values_are_kept_and_given_back() {
    let script = Script::new().open("a").get("k").exists("k").set("k", "v").get("k").exists("k");
    let script = script.set("k", "w").set("", "").get("k").get("").delete("k").get("k").delete("k");
    let (said, host) = words(&script, Vault::default());
    assert_eq!(said, "opened\nnone\n0\ndone\nvalue v\n1\ndone\ndone\nvalue w\nvalue \ndone\nnone\ndone\n");
    assert_eq!(host.values.into_iter().collect::<Vec<_>>(), [(("a".into(), String::new()), Vec::new())]);
}

#[test]
fn buckets_are_apart_and_others_may_have_written() {
    let mut host = Vault::default();
    host.values.insert(("b".into(), "k".into()), b"theirs".to_vec());
    let script = Script::new().open("a").set("k", "ours").open("b").get("k").open("a").get("k");
    let (said, _) = words(&script, host);
    assert_eq!(said, "opened\ndone\nopened\nvalue theirs\nopened\nvalue ours\n");
}

#[test]
fn stores_are_refused_by_name() {
    let long = "b".repeat(65);
    let script = Script::new().open(MISSING).open(CLOSED).open(&long).open(&long[1..]);
    let (said, host) = words(&script, Vault::default());
    assert_eq!(said, "no such store\naccess denied\nno such store\nopened\n");
    assert_eq!(host.asked, 3, "nobody is asked about a longer name");
}

#[test]
fn where_there_is_no_store_and_no_key_that_is_said() {
    let script = Script::new().open("a").seal("c", 1, "text").unseal("c", 1).manifest();
    let program = load(&script.component(), Tuning::Guest);
    let (report, host) = run_job(&program, &JOB, Bare::default());
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    let no_key = "unsupported: sealing: this is no confidential guest, so it has no key\n";
    let said = String::from_utf8(host.0).unwrap();
    assert_eq!(said, format!("access denied\n{no_key}{no_key}{}\n", "m".repeat(32)));
}

#[test]
fn arguments_are_bounded_and_nobody_is_asked_beyond() {
    let key = "k".repeat(1024);
    let value = "v".repeat(VALUE_MAX_BYTES);
    let (long_key, long_value) = (format!("{key}k"), format!("{value}v"));
    let fits = Script::new().open("a").set(&key, &value).exists(&key).increment("n", 1);
    let (said, host) = words(&fits, Vault::default());
    assert_eq!((said.as_str(), host.asked), ("opened\ndone\n1\nsum 1\n", 4));
    let beyond = Script::new().open("a").set("k", &long_value).set(&long_key, "").get(&long_key);
    let beyond = beyond.delete(&long_key).exists(&long_key).increment(&long_key, 1);
    let beyond =
        beyond.get_many(&[&long_key]).set_many(&["k", "v", "k", &long_value]).delete_many(&[&long_key]);
    let (said, host) = words(&beyond, Vault::default());
    let key_refused = "other: bytes of a key: expected at most 1024, found 1025\n";
    let value_refused = "other: bytes of a value: expected at most 65536, found 65537\n";
    let keys_refused = key_refused.repeat(6);
    assert_eq!(said, format!("opened\n{value_refused}{keys_refused}{value_refused}{key_refused}"));
    assert_eq!(host.asked, 1);
    assert!(host.values.is_empty(), "nothing of a batch that cannot be done as a whole");
}

#[test]
fn buckets_open_at_once_are_bounded() {
    let script = Script::new().repeat(65, |script, _| script.open("a")).close().open("a").get("k");
    let (said, _) = words(&script, Vault::default());
    let refused = "other: buckets open at once: expected at most 64, found 65\n";
    assert_eq!(said, format!("{}{refused}opened\nnone\n", "opened\n".repeat(64)));
}

#[test]
fn keys_are_listed_page_by_page() {
    let page =
        |keys: &[&str], cursor| KeyPage { keys: keys.iter().map(|key| (*key).into()).collect(), cursor };
    let pages = [page(&["a", "b"], Some(2)), page(&[], Some(u64::MAX)), page(&["c"], None)];
    let host = Vault { pages: pages.into(), ..Vault::default() };
    let script = Script::new().open("a").list(false).list(true).list(true).list(false);
    let (said, _) = words(&script, host);
    assert_eq!(said, "opened\nkeys a b then 2\nkeys then 18446744073709551615\nkeys c\nkeys\n");
}

#[test]
fn a_store_that_gives_too_much_gives_nothing() {
    let keys = |count: usize, bytes: usize| KeyPage { keys: vec!["k".repeat(bytes); count], cursor: None };
    let pages = [keys(257, 1), keys(33, 1024), keys(1, 1025), keys(256, 1)];
    let mut host = Vault { pages: pages.into(), ..Vault::default() };
    host.values.insert(("a".into(), "k".into()), vec![0; VALUE_MAX_BYTES + 1]);
    let script = Script::new().open("a").list(false).list(false).list(false).list(false).get("k");
    let (said, _) = words(&script, host);
    let list_refused = "other: the store gave a longer list of keys than asked for\n".repeat(3);
    let listed = format!("keys{}\n", " k".repeat(256));
    assert_eq!(
        said,
        format!("opened\n{list_refused}{listed}other: the store gave a longer value than it takes\n")
    );
}

#[test]
fn sums_are_the_stores() {
    let script = Script::new().open("a").increment("n", 5).increment("n", 37).get("n");
    assert_eq!(words(&script, Vault::default()).0, "opened\nsum 5\nsum 42\nvalue 42\n");
    let full = Vault { refusal: Some("é".repeat(300)), ..Vault::default() };
    let script = Script::new().open("a").increment("n", 5).set("n", "1").delete("n").exists("n");
    let cut = format!("other: {}\n", "é".repeat(100));
    assert_eq!(words(&script, full).0, format!("opened\n{cut}{cut}{cut}0\n"), "the script shows 200 bytes");
}

#[test]
fn batches_are_as_many_single_calls() {
    let script = Script::new().open("a").set_many(&["a", "1", "b", "2", "a", "3"]).get_many(&["a", "x", "b"]);
    let script = script.delete_many(&["a", "x"]).get_many(&["a", "b"]).get_many(&[]);
    let done = run(&script, Vault::default());
    let said = String::from_utf8(done.host.stdout.clone()).unwrap();
    assert_eq!(said, "opened\ndone\na 3\nnone\nb 2\ndone\nnone\nb 2\n");
    let stored = done.entries().iter().filter(|entry| entry.0 == Kind::KEYVALUE).count();
    assert_eq!(stored, 1 + 3 + 3 + 2 + 2);
}

#[test]
fn batches_are_bounded() {
    let keys: Vec<String> = (0..257).map(|key| key.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let pairs = vec!["k"; 2 * 257];
    let script =
        Script::new().open("a").delete_many(&keys[..256]).get_many(&keys).delete_many(&keys).set_many(&pairs);
    let (said, host) = words(&script, Vault::default());
    let refused = "other: keys of one call: expected at most 256, found 257\n".repeat(3);
    assert_eq!((said, host.asked), (format!("opened\ndone\n{refused}"), 257));
    let value = "v".repeat(VALUE_MAX_BYTES);
    let two = Script::new().open("a").set("k", &value).set("j", "").get_many(&["k", "k", "j"]);
    let (said, _) = words(&two, Vault::default());
    let shown = format!("k {}\n", "v".repeat(200));
    assert_eq!(said, format!("opened\ndone\ndone\n{shown}{shown}j \n"));
    let three = Script::new().open("a").set("k", &value).set("j", "1").get_many(&["k", "k", "j"]);
    let (said, _) = words(&three, Vault::default());
    let refused = "other: bytes of the values of one call: expected at most 131072, found 131073\n";
    assert_eq!(said, format!("opened\ndone\ndone\n{refused}"));
}

/// Arguments beyond what one call may make the host allocate.
#[test]
fn more_in_one_call_than_the_host_takes_ends_the_run() {
    let value = "v".repeat(60_000);
    let pairs: Vec<&str> = (0..20).flat_map(|_| ["k", value.as_str()]).collect();
    let done = run(&Script::new().open("a").set_many(&pairs), Vault::default());
    assert!(matches!(done.report.outcome, Outcome::Trapped { .. }), "{:?}", done.report.outcome);
    assert_eq!(done.host.asked, 1);
}

/// What a component reads is recorded, so the transcript's limit bounds it.
#[test]
fn reading_more_than_the_transcript_takes_ends_the_run() {
    let value = "v".repeat(VALUE_MAX_BYTES);
    let script = Script::new().open("a").set("k", &value).repeat(5, |script, _| script.get("k"));
    let limits = JobLimits { transcript_bytes: 200_000, ..JOB.limits };
    let done = run_as(&script, Job { limits, ..JOB }, Vault::default());
    assert_eq!(done.report.outcome, Outcome::LimitExceeded { limit: Limit::Transcript });
    let transcript_bytes = done.report.transcript.map(|transcript| transcript.bytes);
    assert!(transcript_bytes.is_some_and(|bytes| bytes < 200_000 + 2 * 65_536), "{transcript_bytes:?}");
    assert_eq!(done.host.asked, 2 + 4, "the fourth value was too much");
}

/// Whatever becomes of a run, what it wrote has been written.
#[test]
fn a_trap_takes_nothing_back() {
    let done = run(&Script::new().open("a").set("k", "v").code("unreachable"), Vault::default());
    assert!(matches!(done.report.outcome, Outcome::Trapped { .. }));
    assert_eq!(done.host.values[&("a".into(), "k".into())], b"v");
}

/// A host that knows nothing of stores, keys and platforms.
#[derive(Debug, Default)]
struct Bare(Vec<u8>);

impl Console for Bare {
    fn pump(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    fn read_input(&mut self, _max_bytes: usize) -> InputRead {
        InputRead::End
    }

    fn output_space(&mut self, _output: Output) -> usize {
        usize::MAX
    }

    fn write_output(&mut self, _output: Output, bytes: Bytes) {
        self.0.extend_from_slice(&bytes);
    }
}

impl JobHost for Bare {
    fn monotonic_ns(&mut self) -> u64 {
        0
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        Poll::Ready(None)
    }

    fn fill_random(&mut self, _buffer: &mut [u8]) {}

    fn can_record(&mut self) -> bool {
        true
    }

    fn record(&mut self, _piece: &[u8]) {}
}
