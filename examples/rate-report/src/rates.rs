//! What the server says: `{"base": "EUR", "date": "2026-11-27", "rates": {"USD": "1.0842", "GBP": 0.8331}}`.
//!
//! A rate is so many units of the currency for one of the base, as a number or as a string, and is read digit by digit. Other
//! members may be there and are not looked at. Whatever cannot be understood refuses the whole body: a report at half of the
//! rates would be a report of something else.

use core::fmt;
use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::decimal::Rate;
use crate::expense::{Currency, Date};

/// Longest body of rates, in bytes: all currencies there are fit a hundred times.
pub const RATES_MAX_BYTES: usize = 1024 * 1024;

/// Rates of one day.
#[derive(Debug)]
pub struct Rates {
    /// SHA-256 of the bytes that they were read from.
    pub(crate) sha256: [u8; 32],
    /// How many of them there were.
    pub(crate) bytes: usize,
    pub(crate) base: Currency,
    pub(crate) date: Date,
    rates: BTreeMap<Currency, Rate>,
}

/// Why a body is none of rates.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoRates {
    /// More than [`RATES_MAX_BYTES`].
    TooLong,
    /// Not JSON, or no object where there has to be one.
    Json(serde_json::Error),
    /// A member is missing, or there twice.
    Member {
        /// Its name.
        name: &'static str,
        /// How often it is there.
        found: usize,
    },
    /// The base is not three capital letters.
    Base,
    /// The date is not `YYYY-MM-DD`, or no such day.
    Date,
    /// The name of a rate is not three capital letters.
    Currency {
        /// The beginning of what stood there, made printable.
        found: String,
    },
    /// Not a number above zero and of the size that [`Rate::parse`] takes; of the base, not one.
    Rate {
        /// Whose.
        currency: Currency,
    },
    /// Two rates of one currency.
    Twice {
        /// Which.
        currency: Currency,
    },
}

impl fmt::Display for NoRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "longer than {RATES_MAX_BYTES} bytes"),
            Self::Json(error) => write!(f, "not the JSON that rates are: {error}"),
            Self::Member { name, found } => write!(f, "expected {name:?} once, found it {found} times"),
            Self::Base => write!(f, "\"base\": expected three capital letters"),
            Self::Date => write!(f, "\"date\": expected an existing day as YYYY-MM-DD"),
            Self::Currency { found } => {
                write!(f, "\"rates\": expected three capital letters, found \"{found}\"")
            }
            Self::Rate { currency } => {
                write!(f, "{currency}: expected a decimal number above zero, and of the base one")
            }
            Self::Twice { currency } => write!(f, "{currency}: there are two rates"),
        }
    }
}

impl core::error::Error for NoRates {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            _ => None,
        }
    }
}

impl Rates {
    /// Reads a body.
    ///
    /// # Errors
    /// It is no body of rates.
    pub fn parse(body: &[u8]) -> Result<Self, NoRates> {
        if body.len() > RATES_MAX_BYTES {
            return Err(NoRates::TooLong);
        }
        let Members(top) = serde_json::from_slice(body).map_err(NoRates::Json)?;
        let base = string(member(&top, "base")?)
            .and_then(|text| Currency::parse(text.as_bytes()))
            .ok_or(NoRates::Base)?;
        let date = string(member(&top, "date")?)
            .and_then(|text| Date::parse(text.as_bytes()))
            .ok_or(NoRates::Date)?;
        let Members(listed) = serde_json::from_str(member(&top, "rates")?.get()).map_err(NoRates::Json)?;
        let mut rates = BTreeMap::new();
        for (name, value) in listed {
            let currency = Currency::parse(name.as_bytes()).ok_or_else(|| unknown(&name))?;
            let rate = rate(value)
                .filter(|rate| currency != base || *rate == Rate::ONE)
                .ok_or(NoRates::Rate { currency })?;
            if rates.insert(currency, rate).is_some() {
                return Err(NoRates::Twice { currency });
            }
        }
        rates.insert(base, Rate::ONE);
        Ok(Self { sha256: Sha256::digest(body).into(), bytes: body.len(), base, date, rates })
    }

    /// The rate of a currency.
    #[must_use]
    pub fn of(&self, currency: Currency) -> Option<Rate> {
        self.rates.get(&currency).copied()
    }
}

/// The members of an object in their order, double ones included, each value as it is spelled.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The one member of this name.
fn member<'a>(members: &[(String, &'a RawValue)], name: &'static str) -> Result<&'a RawValue, NoRates> {
    let mut found = members.iter().filter(|(found, _)| found == name);
    match (found.next(), found.count()) {
        (Some((_, value)), 0) => Ok(value),
        (first, more) => Err(NoRates::Member { name, found: more.saturating_add(first.iter().len()) }),
    }
}

fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// A number as it is spelled, or the same in quotes.
fn rate(value: &RawValue) -> Option<Rate> {
    let text = value.get();
    let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    Rate::parse(unquoted.unwrap_or(text).as_bytes())
}

/// Shown, because it is nobody's secret, but not all of it.
fn unknown(name: &str) -> NoRates {
    NoRates::Currency { found: name.chars().take(16).flat_map(char::escape_default).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rates: &Rates, code: &str) -> Option<String> {
        rates.of(Currency::parse(code.as_bytes()).unwrap()).map(|rate| rate.to_string())
    }

    #[test]
    fn numbers_and_strings_are_read_as_they_are_spelled() {
        let body = br#" {"rates": {"USD": "1.0842", "GBP": 0.8331, "IDR": 1.9e4, "EUR": 1.0, "XAU": 0.1000000000000000000},
            "source": {"rates": [1, {"base": null}]}, "date": "2026-11-27", "base": "EUR", "time": 1e999}"#;
        let rates = Rates::parse(body).unwrap();
        assert_eq!((rates.base.to_string(), rates.date.to_string()), ("EUR".into(), "2026-11-27".into()));
        assert_eq!((rates.sha256, rates.bytes), (Sha256::digest(body).into(), body.len()));
        for (code, rate) in
            [("USD", "1.0842"), ("GBP", "0.8331"), ("IDR", "19000.00"), ("EUR", "1.00"), ("XAU", "0.10")]
        {
            assert_eq!(of(&rates, code).as_deref(), Some(rate), "{code}");
        }
        assert_eq!(of(&rates, "CHF"), None);
        let rates = Rates::parse(br#"{"base":"\u0043HF","date":"2026-11-27","rates":{}}"#).unwrap();
        assert_eq!(of(&rates, "CHF").as_deref(), Some("1.00"));
    }

    fn refused(body: &str) -> String {
        Rates::parse(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_missing_double_or_of_another_kind_is_refused() {
        for (body, why) in [
            ("", "JSON"),
            ("[]", "an object"),
            ("{}", "\"base\" once, found it 0 times"),
            (
                r#"{"base":"EUR","base":"USD","date":"2026-11-27","rates":{}}"#,
                "\"base\" once, found it 2 times",
            ),
            (r#"{"base":"EUR","date":"2026-11-27"}"#, "\"rates\" once"),
            (r#"{"base":1,"date":"2026-11-27","rates":{}}"#, "\"base\": expected"),
            (r#"{"base":"eur","date":"2026-11-27","rates":{}}"#, "\"base\": expected"),
            (r#"{"base":"EUR","date":"2026-11-31","rates":{}}"#, "\"date\": expected"),
            (r#"{"base":"EUR","date":"2026-11-27","rates":[]}"#, "an object"),
            (r#"{"base":"EUR","date":"2026-11-27","rates":{}} {}"#, "trailing"),
            (r#"{"base":"EUR","date":"2026-11-27","rates":{}"#, "EOF"),
        ] {
            let found = refused(body);
            assert!(found.contains(why), "{why}: {found}");
        }
        assert!(matches!(Rates::parse(&vec![b' '; RATES_MAX_BYTES + 1]), Err(NoRates::TooLong)));
        assert!(matches!(Rates::parse(b"{\"base\":\"\xff\"}"), Err(NoRates::Json(_))));
    }

    #[test]
    fn one_bad_rate_refuses_all() {
        for (rates, why) in [
            (r#""USD":0"#, "USD: expected"),
            (r#""USD":-1"#, "USD: expected"),
            (r#""USD":null"#, "USD: expected"),
            (r#""USD":[1]"#, "USD: expected"),
            (r#""USD":"1.0842 ""#, "USD: expected"),
            (r#""USD":"\u0031""#, "USD: expected"),
            (r#""USD":"1e""#, "USD: expected"),
            (r#""USD":1e99999999999999999999"#, "USD: expected"),
            (r#""USD":01"#, "JSON"),
            (r#""USD":NaN"#, "JSON"),
            (r#""EUR":1.01"#, "EUR: expected"),
            (r#""USD":1,"\u0055SD":1"#, "USD: there are two rates"),
            ("\"a\\u0000\\\"bcdefghijklmnopqrstuvwxyz\":1", "found \"a\\u{0}\\\"bcdefghijklmn\""),
        ] {
            let found =
                refused(&format!("{{\"base\":\"EUR\",\"date\":\"2026-11-27\",\"rates\":{{{rates}}}}}"));
            assert!(found.contains(why), "{why}: {found}");
        }
    }

    #[test]
    fn depth_does_not_exhaust_the_stack() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = open.repeat(100_000) + "1" + &close.repeat(100_000);
            let body = format!(r#"{{"x":{deep},"base":"EUR","date":"2026-11-27","rates":{{"USD":{deep}}}}}"#);
            assert!(Rates::parse(body.as_bytes()).is_err());
        }
    }
}
