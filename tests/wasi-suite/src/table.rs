//! What came of the tests, as it is published.

use core::fmt::Write as _;

use crate::known::Why;
use crate::suite::Verdict;

/// Counts, and a line for each test.
#[must_use]
pub fn table(results: &[(String, Verdict)]) -> String {
    let count = |is: fn(&Verdict) -> bool| results.iter().filter(|(_, verdict)| is(verdict)).count();
    let passed = count(|verdict| matches!(verdict, Verdict::Passed));
    let not_offered = count(|verdict| matches!(verdict, Verdict::Known(Why::NotOffered(_))));
    let not_run = count(|verdict| matches!(verdict, Verdict::Known(Why::NotRun(_))));
    let failed = results.len() - passed - not_offered - not_run;
    let mut text = format!(
        "{} tests: {passed} passed, {not_offered} not offered, {not_run} not run, {failed} failed.\n\n| test | result |\n| --- | --- |\n",
        results.len()
    );
    for (name, verdict) in results {
        let result = match verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Known(Why::NotOffered(why)) => format!("not offered: {why}"),
            Verdict::Known(Why::NotRun(why)) => format!("not run: {why}"),
            Verdict::Known(Why::Adapter(why)) => format!("failed in the adapter, which {why}"),
            Verdict::Failed(what) => format!("failed: {}", what.replace('\n', " ").replace('|', "\\|")),
        };
        let _ = writeln!(text, "| `{name}` | {result} |");
    }
    text
}
