//! The report against lists worked out by hand, an independent computation, and nonsense.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that fails should say so and stop"
)]

use std::fmt::Write as _;
use std::io::Read;

use examples_rate_report::{HEADER, LISTED_MAX, Rates, Unusable, Url, convert};
use serde_json::Value;
use sha2::{Digest, Sha256};

const URL: &str = "https://api.example.org/v1/rates.json?base=EUR";
const RATES: &str = r#"{"base":"EUR","date":"2026-11-27","rates":{"USD":"1.0842","GBP":0.8331,"JPY":1.7e2}}"#;

fn report(list: &[u8]) -> String {
    let rates = Rates::parse(RATES.as_bytes()).unwrap();
    let mut json = Vec::new();
    convert(list, Url::parse(URL).unwrap(), &rates).unwrap().write_json(&mut json).unwrap();
    String::from_utf8(json).unwrap()
}

fn parsed(list: &[u8]) -> Value {
    serde_json::from_str(&report(list)).unwrap()
}

fn list(lines: &[&str]) -> Vec<u8> {
    format!("{HEADER}\n{}\n", lines.join("\n")).into_bytes()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_whole_report_of_a_small_list() {
    let input = list(&[
        "2026-11-24,\"Hotel, two nights\",240.00,GBP",
        "2026-11-25,Taxi,54.21,USD",
        "2026-11-23,Train,89.90,EUR",
        "2026-11-25,Taxi paid back,-5.4210,USD",
        "2026-11-26,Lunch,12,CHF",
        "26.11.2026,Lunch,12,EUR",
    ]);
    // 240 / 0.8331 is 288.0806…; 54.21 / 1.0842 is 50, and 5.421 / 1.0842 is 5.
    let expected = format!(
        r#"{{
  "report": "rate-report",
  "version": 1,
  "complete": false,
  "input": {{"sha256": "{}", "bytes": {}, "lines": 7}},
  "rates": {{"url": "{URL}", "sha256": "{}", "bytes": {}, "base": "EUR", "date": "2026-11-27"}},
  "period": {{"first": "2026-11-23", "last": "2026-11-25"}},
  "expenses": 4,
  "malformed_lines": 2,
  "malformed": [
    {{"line": 6, "reason": "currency: there is no rate for it"}},
    {{"line": 7, "reason": "date: expected an existing day as YYYY-MM-DD"}}
  ],
  "currencies": [
    {{"currency": "EUR", "expenses": 1, "total": "89.90", "rate": "1.00", "in_base": "89.90"}},
    {{"currency": "GBP", "expenses": 1, "total": "240.00", "rate": "0.8331", "in_base": "288.08"}},
    {{"currency": "USD", "expenses": 2, "total": "48.789", "rate": "1.0842", "in_base": "45.00"}}
  ],
  "total": {{"currency": "EUR", "amount": "422.98"}}
}}
"#,
        sha256(&input),
        input.len(),
        sha256(RATES.as_bytes()),
        RATES.len(),
    );
    assert_eq!(report(&input), expected);
}

#[test]
fn a_header_alone_is_a_list_of_nothing() {
    let report = parsed(format!("{HEADER}\r\n").as_bytes());
    assert_eq!((&report["complete"], &report["expenses"]), (&true.into(), &0.into()));
    assert_eq!(report["total"]["amount"], "0.00");
    assert!(report["period"].is_null() && report["currencies"].as_array().unwrap().is_empty());
}

#[test]
fn what_is_no_list_is_refused() {
    let rates = Rates::parse(RATES.as_bytes()).unwrap();
    let url = Url::parse(URL).unwrap();
    assert!(matches!(convert(&b""[..], url, &rates), Err(Unusable::Empty)));
    for input in [&b"\n"[..], b"date,what", b"\x7fELF\0\0", b"\xef\xbb\xbfdate", &[b'x'; 100_000]] {
        let Err(Unusable::Header { found }) = convert(input, url, &rates) else { panic!("accepted") };
        assert!(found.len() <= 4 * HEADER.len() && found.is_ascii());
    }
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("unplugged"))
        }
    }
    assert!(matches!(convert(Broken, url, &rates), Err(Unusable::Io(_))));
}

#[test]
fn malformed_lines_are_all_counted_and_some_listed() {
    let wrong = vec!["nonsense"; LISTED_MAX + 5];
    let report = parsed(&list(&wrong));
    assert_eq!(report["malformed_lines"], 105);
    let listed = report["malformed"].as_array().unwrap();
    assert_eq!((listed.len(), &listed[0]["line"]), (LISTED_MAX, &2.into()));
    assert_eq!((&listed[0]["reason"], &report["complete"]), (&"expected four fields".into(), &false.into()));
    let long = list(&["2026-11-24,a,1,EUR", &"x".repeat(10_000_000), "2026-11-24,a,1,EUR"]);
    let report = parsed(&long);
    assert_eq!((&report["expenses"], &report["total"]["amount"]), (&2.into(), &"2.00".into()));
    assert_eq!(report["malformed"][0]["reason"], "line longer than 4096 bytes");
}

/// A generator of numbers, the same every time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Cents at a rate of `rate` per `scale`, by another way than the program's: half is decided on twice the value.
fn rounded(amount_cents: i128, rate: i128, scale: i128) -> i128 {
    let (twice, sign) = (2 * amount_cents.abs() * scale, amount_cents.signum());
    let (down, is_half) = (twice / (2 * rate), twice % (2 * rate) == rate);
    let nearest = (twice + rate) / (2 * rate);
    sign * if is_half && down % 2 == 0 { down } else { nearest }
}

#[test]
fn agrees_with_an_independent_computation() {
    let mut draw = Draw(42);
    let mut input = format!("{HEADER}\n");
    let currencies = [("EUR", 1, 1), ("GBP", 8331, 10_000), ("JPY", 170, 1), ("USD", 10_842, 10_000)];
    let (mut sums, mut total) = ([(0_i128, 0_i128); 4], 0);
    for _ in 0..20_000 {
        let index = draw.below(4) as usize;
        let (currency, rate, scale) = currencies[index];
        let cents = i128::from(draw.below(1_000_000)) - 300_000;
        let sign = if cents < 0 { "-" } else { "" };
        let (whole, rest) = (cents.abs() / 100, cents.abs() % 100);
        writeln!(input, "2026-05-{:02},m,{sign}{whole}.{rest:02},{currency}", 1 + draw.below(28)).unwrap();
        let in_base = rounded(cents, rate, scale);
        sums[index] = (sums[index].0 + cents, sums[index].1 + in_base);
        total += in_base;
    }
    let report = parsed(input.as_bytes());
    let as_cents = |value: &Value| value.as_str().unwrap().replace('.', "").parse::<i128>().unwrap();
    assert_eq!(report["complete"], true);
    assert_eq!(as_cents(&report["total"]["amount"]), total);
    for (listed, (currency, sum)) in
        report["currencies"].as_array().unwrap().iter().zip(currencies.iter().zip(sums))
    {
        assert_eq!(listed["currency"], currency.0);
        assert_eq!((as_cents(&listed["total"]), as_cents(&listed["in_base"])), sum, "{listed}");
    }
}

/// Replaces, removes and doubles bytes of something right.
fn spoilt(text: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for _ in 0..1 + draw.below(6) {
        let at = draw.below(bytes.len() as u64) as usize;
        match draw.below(4) {
            0 => bytes[at] = draw.below(256) as u8,
            1 => bytes[at] = b"\"\\,.:{}[]eE+-0\n\r"[draw.below(16) as usize],
            2 => bytes.insert(at, bytes[at]),
            _ if bytes.len() > 1 => drop(bytes.remove(at)),
            _ => {}
        }
    }
    bytes
}

#[test]
fn nonsense_is_refused_or_reported_and_never_panics() {
    let mut draw = Draw(7);
    let expenses = list(&["2026-11-24,\"a \"\"b\"\", c\",-240.005,GBP", "2026-11-25,d,1e3,USD"]);
    let (mut rates_read, mut reports) = (0, 0);
    for _ in 0..20_000 {
        let right = Rates::parse(RATES.as_bytes()).unwrap();
        let rates = Rates::parse(&spoilt(RATES.as_bytes(), &mut draw)).inspect(|_| rates_read += 1);
        let rates = rates.unwrap_or(right);
        let address = spoilt(URL.as_bytes(), &mut draw);
        let address = String::from_utf8_lossy(&address).into_owned();
        let url = Url::parse(&address).unwrap_or(Url::parse(URL).unwrap());
        let Ok(report) = convert(&spoilt(&expenses, &mut draw)[..], url, &rates) else { continue };
        let mut json = Vec::new();
        report.write_json(&mut json).unwrap();
        // Whatever was read, what comes out is JSON.
        let _report: Value = serde_json::from_slice(&json).unwrap();
        reports += 1;
    }
    assert!(rates_read > 100 && reports > 1000, "{rates_read} {reports}");
}
