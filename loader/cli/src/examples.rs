//! Examples and exit codes at the end of `--help`.

pub(crate) const ALL: &str = "\
Examples:
  redoubt preflight
  redoubt run dist --tee sim --detach
  redoubt job --input ledger.csv --output report.json
  redoubt replay report.json.claim.cbor --transcript report.json.transcript --component dist/component.wasm --input ledger.csv
  redoubt stop";

pub(crate) const CODES: &str = "\
Exit codes:
  0    done
  1    failed, the message says why
  2    wrong usage
  3    no guest of that name runs here
  4    the guest ended when it should not have
  5    the job trapped, exceeded a limit, was refused or cancelled; no output was written, only the
       claim that the guest signs when a job traps or exceeds a limit
  6    the component ended with a code other than 0; output and claim were written
  7    a replay found something else than the claim says
  130  interrupted";

pub(crate) const PREFLIGHT: &str = "\
Examples:
  redoubt preflight
  redoubt preflight --json | jq '.findings[] | select(.ok | not) | .remedy'";

pub(crate) const RUN: &str = "\
Examples:
  For development, without protection, left running in the background:
    redoubt run dist --tee sim --detach

  In the foreground until Ctrl-C, protected where the host can (this build launches no protected guests yet):
    redoubt run dist --allow-simulated

  A service, for other machines too:
    redoubt run notary --tee sim --publish 0.0.0.0:8080 --keep kept

  A program that takes private jobs, from other machines too:
    redoubt run dist --tee sim --submissions 0.0.0.0:8440

  A program whose keys, values or files outlast the guest (storage.persist in its app.toml):
    redoubt run counter --tee sim --state counter.state

  A second guest next to the first, for a script that reads what it is:
    redoubt run other-dist --name other --tee sim --detach --json | jq -r .measurement";

pub(crate) const JOB: &str = "\
Examples:
  redoubt job --input ledger.csv --output report.json --claim claim.cbor

  From a pipe into a pipe; the claim needs a file:
    zcat ledger.csv.gz | redoubt job --input - --output - --claim claim.cbor | jq .";

pub(crate) const REPLAY: &str = "\
Examples:
  redoubt replay claim.cbor --transcript job.transcript --component app.wasm --input ledger.csv

  By the engine's interpreter, with the output kept:
    redoubt replay claim.cbor --transcript job.transcript --component app.wasm --input - --engine interpreter --output again.json < ledger.csv

  What is sealed for readers, with the key of one of them (redoubt-verify reader-key new made it):
    redoubt replay claim.cbor --transcript job.transcript --key auditor.pem --component app.wasm --input ledger.csv

Whether the claim comes from a genuine guest is another question: ask redoubt-verify.";

pub(crate) const STATUS: &str = "\
Examples:
  redoubt status
  redoubt status --name other --json | jq .guest.jobs_done";

pub(crate) const LOGS: &str = "\
Examples:
  redoubt logs
  redoubt logs --name other --follow";

pub(crate) const STOP: &str = "\
Examples:
  redoubt stop
  redoubt stop --name other --kill --json";

pub(crate) const PROBE: &str = "\
Examples:
  An echo server on the host, where app.toml says `egress = [{ host = \"10.0.2.2\", port = 7000, scheme = \"http\", methods = [\"*\"] }]`:
    socat TCP-LISTEN:7000,fork,bind=127.0.0.1 EXEC:cat &
    redoubt probe 10.0.2.2:7000";

pub(crate) const COMPLETION: &str = "\
Examples:
  redoubt completion bash > ~/.local/share/bash-completion/completions/redoubt
  redoubt completion zsh > ~/.zfunc/_redoubt";
