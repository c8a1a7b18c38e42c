//! Decimal numbers as integers of a fixed scale: amounts, rates, and cents. Nothing here is ever rounded but cents.

use core::cmp::Ordering;
use core::fmt;

/// Decimals of an amount.
const AMOUNT_DECIMALS: u32 = 6;
/// Decimals of a rate.
const RATE_DECIMALS: u32 = 12;
/// Decimals of an amount in the base currency.
const CENT_DECIMALS: u32 = 2;
/// What an amount in cents has fewer decimals than one as it was read, as a factor.
const AMOUNT_PER_CENT: i128 = 10_i128.pow(AMOUNT_DECIMALS - CENT_DECIMALS);
/// No amount is larger, in whole units.
const AMOUNT_MAX: i128 = 10_i128.pow(15 + AMOUNT_DECIMALS);
/// No rate is larger, in whole units.
const RATE_MAX: i128 = 10_i128.pow(12 + RATE_DECIMALS);

// An amount at a rate never overflows on the way: only sums can.
const _: () = assert!(AMOUNT_MAX <= i128::MAX / 10_i128.pow(RATE_DECIMALS));
const _: () = assert!(RATE_MAX <= i128::MAX / 2 / AMOUNT_PER_CENT);

/// An amount of a currency, exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i128);

/// So many units of a currency for one of the base currency: above zero, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(i128);

/// An amount of the base currency, in cents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cents(i128);

impl Amount {
    /// Reads `-12.50`: digits, a point if there are decimals, a minus before what was paid back. At most 10^15 either way.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (digits, sign) = match text {
            [b'-', digits @ ..] => (digits, -1),
            digits => (digits, 1),
        };
        let units = units(digits, 0, AMOUNT_DECIMALS).filter(|units| *units <= AMOUNT_MAX)?;
        units.checked_mul(sign).map(Self)
    }

    /// The sum of both; `None` where it is too large.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// What it is in the base currency, rounded half to even: neither side gains by the rounding.
    #[must_use]
    pub fn at(self, rate: Rate) -> Option<Cents> {
        let numerator = self.0.checked_mul(10_i128.pow(RATE_DECIMALS))?;
        let denominator = rate.0.checked_mul(AMOUNT_PER_CENT)?;
        divide_half_even(numerator, denominator).map(Cents)
    }
}

impl Rate {
    /// The rate of the base currency itself.
    pub const ONE: Self = Self(10_i128.pow(RATE_DECIMALS));

    /// Reads `1.0842`, or `1.5e-7`, which is how JSON may have it. Above zero, at most 10^12, with twelve decimals.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = text.splitn(2, |byte| matches!(byte, b'e' | b'E'));
        let (digits, exponent) = (parts.next()?, parts.next());
        let exponent = exponent.map_or(Some(0), parse_exponent)?;
        let units = units(digits, exponent, RATE_DECIMALS)?;
        (1..=RATE_MAX).contains(&units).then_some(Self(units))
    }
}

impl Cents {
    /// The sum of both; `None` where it is too large.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_units(f, self.0, AMOUNT_DECIMALS)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_units(f, self.0, RATE_DECIMALS)
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_units(f, self.0, CENT_DECIMALS)
    }
}

/// `digits × 10^exponent` in units of `10^-decimals`; `None` where that is no whole number of them, or too large.
fn units(digits: &[u8], exponent: i32, decimals: u32) -> Option<i128> {
    let mut parts = digits.splitn(2, |byte| *byte == b'.');
    let (whole, fraction) = (parts.next()?, parts.next());
    if whole.is_empty() || fraction.is_some_and(<[u8]>::is_empty) {
        return None;
    }
    let fraction = fraction.unwrap_or_default();
    let value = whole.iter().chain(fraction).try_fold(0_i128, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(i128::from(digit))
    })?;
    let power = i32::try_from(decimals).ok()?.checked_add(exponent)?;
    let power = power.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let factor = 10_i128.checked_pow(power.unsigned_abs())?;
    if power >= 0 {
        value.checked_mul(factor)
    } else {
        // Zeros at the end say nothing; anything else would have to be rounded.
        (value.checked_rem(factor)? == 0).then(|| value.checked_div(factor))?
    }
}

fn parse_exponent(text: &[u8]) -> Option<i32> {
    // Of text, because that is what numbers are parsed from; signs are JSON's too.
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// The quotient, rounded to the nearest; halfway, to the even one. The denominator is above zero.
fn divide_half_even(numerator: i128, denominator: i128) -> Option<i128> {
    let below = numerator.checked_div_euclid(denominator)?;
    let rest = numerator.checked_rem_euclid(denominator)?;
    let up = match rest.checked_mul(2)?.cmp(&denominator) {
        Ordering::Less => 0,
        Ordering::Equal => below.checked_rem_euclid(2)?,
        Ordering::Greater => 1,
    };
    below.checked_add(up)
}

/// Two decimals, and more where they say something.
fn write_units(f: &mut fmt::Formatter<'_>, units: i128, decimals: u32) -> fmt::Result {
    let (sign, units) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
    let scale = 10_u128.pow(decimals);
    let (whole, mut fraction) =
        (units.checked_div(scale).unwrap_or_default(), units.checked_rem(scale).unwrap_or_default());
    let mut width = decimals;
    while width > 2 && fraction.is_multiple_of(10) {
        fraction = fraction.checked_div(10).unwrap_or_default();
        width = width.saturating_sub(1);
    }
    let width = usize::try_from(width).unwrap_or_default();
    write!(f, "{sign}{whole}.{fraction:0width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Option<String> {
        Amount::parse(text.as_bytes()).map(|amount| amount.to_string())
    }

    fn rate(text: &str) -> Option<String> {
        Rate::parse(text.as_bytes()).map(|rate| rate.to_string())
    }

    #[test]
    fn amounts_are_what_they_say() {
        for (text, said) in [
            ("12.5", "12.50"),
            ("12", "12.00"),
            ("0", "0.00"),
            ("-0.00", "0.00"),
            ("-3.20", "-3.20"),
            ("0.000001", "0.000001"),
            ("007.1230", "7.123"),
            ("1.50000000000", "1.50"),
            ("1000000000000000", "1000000000000000.00"),
        ] {
            assert_eq!(amount(text).as_deref(), Some(said), "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "+1",
            "--1",
            "1,5",
            "1e3",
            " 1",
            "0x1",
            "1.5.0",
            "0.0000001",
            "1000000000000000.01",
            "٣",
            "99999999999999999999999999999999999999999999999999",
        ] {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn rates_are_what_they_say() {
        for (text, said) in [
            ("1.0842", "1.0842"),
            ("0.8331", "0.8331"),
            ("17000", "17000.00"),
            ("1.5e-7", "0.00000015"),
            ("2E+2", "200.00"),
            ("120e-2", "1.20"),
            ("0.000000000001", "0.000000000001"),
            ("1e12", "1000000000000.00"),
        ] {
            assert_eq!(rate(text).as_deref(), Some(said), "{text}");
        }
        for text in [
            "0",
            "0.0",
            "-1",
            "1e",
            "e1",
            "1e-13",
            "1e13",
            "1e2147483648",
            "1e-2147483648",
            "1e2147483647",
            "1e1e1",
            "0.0000000000001",
            "NaN",
            "Infinity",
            "1e 1",
        ] {
            assert_eq!(rate(text), None, "{text}");
        }
    }

    #[test]
    fn halves_go_to_the_even_cent() {
        let cents = |amount: &str, rate: &str| {
            Amount::parse(amount.as_bytes()).unwrap().at(Rate::parse(rate.as_bytes()).unwrap()).unwrap()
        };
        for (amount, rate, said) in [
            ("0.005", "1", "0.00"),
            ("0.015", "1", "0.02"),
            ("0.025", "1", "0.02"),
            ("-0.005", "1", "0.00"),
            ("-0.015", "1", "-0.02"),
            ("-0.025", "1", "-0.02"),
            ("0.025001", "1", "0.03"),
            ("-0.024999", "1", "-0.02"),
            ("0.01", "2", "0.00"),
            ("0.03", "2", "0.02"),
            // 108.42 / 1.0842 is 100; 100 / 0.8331 is 120.0336….
            ("108.42", "1.0842", "100.00"),
            ("100", "0.8331", "120.03"),
            ("1", "3", "0.33"),
            ("2", "3", "0.67"),
            ("1000000000000000", "0.000000000001", "1000000000000000000000000000.00"),
            ("-1000000000000000", "1000000000000", "-1000.00"),
        ] {
            assert_eq!(cents(amount, rate).to_string(), said, "{amount} at {rate}");
        }
    }

    #[test]
    fn sums_never_wrap() {
        assert_eq!(Amount(i128::MAX).plus(Amount(1)), None);
        assert_eq!(Amount(i128::MIN).plus(Amount(-1)), None);
        assert_eq!(Cents(i128::MAX).plus(Cents(1)), None);
        assert_eq!(Cents(i128::MIN).plus(Cents(-1)), None);
        assert_eq!(Amount(i128::MAX).at(Rate::ONE), None);
        assert_eq!(Cents(i128::MIN).to_string(), "-1701411834604692317316873037158841057.28");
        assert_eq!(Cents(5).plus(Cents(-7)), Some(Cents(-2)));
    }
}
