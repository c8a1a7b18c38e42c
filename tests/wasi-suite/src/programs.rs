//! wasmtime's own test programs (`crates/test-programs`), components of WASI 0.2: what wasmtime's tests give each of them and
//! expect of it. There it is code of the tests (`crates/wasi/tests/all`, `tests/all/cli_tests.rs`), so it is said again here.

use crate::known::{FILES, NEWER, TIMES, Why};
use crate::specification::{End, Specification};

const SOCKETS: Why = Why::NotOffered("`wasi:sockets`: a call of it traps");
const PREOPENS: Why = Why::NotOffered("more directories than one, or one that may only be read");
const STREAMS: Why = Why::NotOffered("standard streams that fail");
const SERVICE: Why = Why::NotRun("answers requests, so that a client is needed");
const SERVER: Why = Why::NotRun("sends requests, so that a server is needed");
const HOST: Why = Why::NotRun("tests what wasmtime's users can set, and the guest's cannot");

/// Beginnings of names, and why programs named so do not pass. The first that fits.
const KNOWN: [(&str, Why); 39] = [
    ("p1_cli_hostcall_fuel", HOST),
    ("p1_fd_filestat_set", TIMES),
    ("p1_file_hardlink_across_perms", PREOPENS),
    ("p1_file_rename_across_perms", PREOPENS),
    ("p1_file_truncation_readonly", PREOPENS),
    ("p1_path_filestat", TIMES),
    ("p1_stat_extreme_host_mtime", FILES),
    ("p1_stdio_isatty", Why::NotOffered("terminals")),
    ("p1_symlink_filestat", TIMES),
    ("p2_api_proxy", SERVICE),
    ("p2_api_reactor", HOST),
    ("p2_api_read_only", PREOPENS),
    ("p2_api_time", HOST),
    ("p2_cli_directory_list", FILES),
    ("p2_cli_file_", FILES),
    ("p2_cli_hostcall_fuel", HOST),
    ("p2_cli_http_headers", NEWER),
    ("p2_cli_initial_cwd", Why::NotOffered("a working directory")),
    ("p2_cli_invoke_async", NEWER),
    ("p2_cli_many_resources", HOST),
    ("p2_cli_multiple_preopens", PREOPENS),
    ("p2_cli_no_", SOCKETS),
    ("p2_cli_serve_", SERVICE),
    ("p2_cli_stdin_eisdir", STREAMS),
    ("p2_cli_stdout_epipe", STREAMS),
    ("p2_file_hardlink_across_perms", PREOPENS),
    ("p2_file_rename_across_perms", PREOPENS),
    ("p2_file_stream_not_permitted", PREOPENS),
    ("p2_file_truncation_readonly", PREOPENS),
    ("p2_http_outbound_request_content_length", SERVER),
    ("p2_http_outbound_request_get", SERVER),
    ("p2_http_outbound_request_invalid_dnsname", SERVER),
    ("p2_http_outbound_request_invalid_header", HOST),
    ("p2_http_outbound_request_invalid_version", SERVER),
    ("p2_http_outbound_request_large_post", SERVER),
    ("p2_http_outbound_request_p", SERVER),
    ("p2_http_outbound_request_timeout", SERVER),
    ("p2_ip_name_lookup", SOCKETS),
    ("p2_tcp_", SOCKETS),
];

/// Whether this is one: other things of the same folder are parts of the build.
pub(crate) fn is_program(name: &str) -> bool {
    name.starts_with("p1_") || name.starts_with("p2_")
}

/// Why the program of this name does not pass, if that is known.
pub(crate) fn known(name: &str) -> Option<Why> {
    let sockets = name.starts_with("p2_udp_").then_some(SOCKETS);
    KNOWN.iter().find(|(start, _)| name.starts_with(start)).map(|(_, why)| *why).or(sockets)
}

/// What the program of this name gets, and what has to come of it.
pub(crate) fn specification(name: &str) -> Specification {
    // Programs for preview 1 get the name of their directory; which is the guest's own.
    let args: &[&str] = match name {
        "p1_cli_much_stdout" | "p2_cli_much_stdout" => &["a", "1000"],
        "p2_cli_args" => &["hello", "this", "", "is an argument", "with 🚩 emoji"],
        "p2_cli_argv0" => &["p2_cli_argv0.wasm"],
        _ if name.starts_with("p2_cli_") => &[],
        _ => &["/"],
    };
    let env: &[(&str, &str)] = match name {
        "p2_cli_env" => &[("frabjous", "day"), ("callooh", "callay")],
        _ => &[("ERRNO_MODE_UNIX", "1")],
    };
    let input = match name {
        "p2_cli_stdin" | "p2_cli_splice_stdin" => "So rested he by the Tumtum tree",
        "p2_cli_stdin_empty" => "not to be read",
        _ => "",
    };
    Specification {
        args: args.iter().map(ToString::to_string).collect(),
        env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        root: Some(String::new()),
        exit_code: exit_code(name),
        stdout: stdout(name),
        stderr: None,
        input: input.to_owned(),
        end: end(name),
    }
}

fn exit_code(name: &str) -> u8 {
    match name {
        "p2_cli_exit_failure" => 1,
        "p2_cli_exit_with_code" => 42,
        _ => 0,
    }
}

fn stdout(name: &str) -> Option<String> {
    match name {
        "p1_cli_much_stdout" | "p2_cli_much_stdout" => Some("a".repeat(1000)),
        "p2_cli_splice_stdin" => {
            let said = "So rested he by the Tumtum tree";
            Some(format!("before splice\n{said}\ncompleted splicing {} bytes\n", said.len()))
        }
        _ => None,
    }
}

fn end(name: &str) -> End {
    match name {
        "p2_cli_exit_panic" | "p2_pollable_traps" | "p2_stream_pollable_traps" => End::Traps,
        "p2_cli_sleep_forever" => End::RunsOutOfTime,
        _ => End::Exits,
    }
}
