//! The published tables are what comes out.

use std::path::{Path, PathBuf};
use std::{env, fs};

use tests_needs::Need;
use tests_wasi_suite::{Suite, Verdict, table};

#[test]
fn the_suites_table_is_what_comes_out() {
    let Some(folder) = env::var_os("REDOUBT_WASI_SUITE").map(PathBuf::from) else {
        return Need::WasiSuite
            .missing("REDOUBT_WASI_SUITE names no checkout of wasi-testsuite; see docs/wasi-testsuite.md");
    };
    let results = Suite::find(&folder).and_then(|suite| suite.run()).expect("the suite can be read");
    assert_published(&results);
}

#[test]
fn the_table_of_wasmtimes_programs_is_what_comes_out() {
    let Some(folder) = env::var_os("REDOUBT_WASMTIME_PROGRAMS").map(PathBuf::from) else {
        return Need::WasmtimePrograms
            .missing("REDOUBT_WASMTIME_PROGRAMS names no folder of programs; see docs/wasi-testsuite.md");
    };
    let results = Suite::find(&folder).and_then(|suite| suite.run_programs()).expect("they can be read");
    assert_published(&results);
}

fn assert_published(results: &[(String, Verdict)]) {
    let found = table(results);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/wasi-testsuite.md");
    let published = fs::read_to_string(page).unwrap_or_default();
    assert!(published.contains(&found), "docs/wasi-testsuite.md does not hold what came out:\n\n{found}");
}
