//! Quotes of TDX.

use attestation_recognise::{Kind, recognise};

use crate::wire::{delimited, number};

/// Takes a quote apart as Intel lays it out (TDX DCAP quoting library API, appendix A), and `tdx.proto` wants it.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, size: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(size);
        self.0 = rest;
        bytes
    }

    fn field(&mut self, field: u32, size: usize) -> Vec<u8> {
        delimited(field, self.bytes(size))
    }

    fn value(&mut self, size: usize) -> u64 {
        let mut value = [0; 8];
        value[..size].copy_from_slice(self.bytes(size));
        u64::from_le_bytes(value)
    }

    /// Zeros are left out, as in every message of version 3 of the language.
    fn number(&mut self, field: u32, size: usize) -> Vec<u8> {
        match self.value(size) {
            0 => Vec::new(),
            value => number(field, value),
        }
    }

    fn fields(&mut self, sizes: &[(u32, usize)]) -> Vec<u8> {
        sizes.iter().flat_map(|(field, size)| self.field(*field, *size)).collect()
    }

    fn header(&mut self) -> Vec<u8> {
        let numbers = [self.number(1, 2), self.number(2, 2), self.number(3, 4)].concat();
        // PCE SVN, then QE SVN.
        [numbers, self.fields(&[(5, 2), (4, 2), (6, 16), (7, 20)])].concat()
    }

    fn body(&mut self) -> Vec<u8> {
        let registers = [(11, 48); 4];
        let head = [(1, 16), (2, 48), (3, 48), (4, 8), (5, 8), (6, 8), (7, 48), (8, 48), (9, 48), (10, 48)];
        self.fields(&[&head[..], &registers, &[(12, 64)]].concat())
    }

    fn signed_data(&mut self) -> Vec<u8> {
        let keys = self.fields(&[(1, 64), (2, 64)]);
        let kinds = [self.number(1, 2), self.number(2, 4)].concat();
        let report = [
            self.field(1, 16),
            self.number(2, 4),
            self.fields(&[(3, 28), (4, 16), (5, 32), (6, 32), (7, 32), (8, 96)]),
            self.number(9, 2),
            self.number(10, 2),
            self.fields(&[(11, 60), (12, 64)]),
        ]
        .concat();
        let signature = self.field(2, 64);
        let size = self.value(2);
        let auth = [number(1, size), self.field(2, usize::try_from(size).unwrap())].concat();
        let kind = self.number(1, 2);
        let size = self.value(4);
        let chain = [kind, number(2, size), self.field(3, usize::try_from(size).unwrap())].concat();
        let inner = [delimited(1, &report), signature, delimited(3, &auth), delimited(4, &chain)].concat();
        [keys, delimited(3, &[kinds, delimited(3, &inner)].concat())].concat()
    }
}

fn message(quote: &[u8]) -> Vec<u8> {
    let version = quote[0];
    let mut reader = Reader(quote);
    let header = delimited(1, &reader.header());
    let body = if version == 4 {
        reader.body()
    } else {
        let (kind, size) = (reader.number(1, 2), reader.value(4));
        let mut body = reader.body();
        if size == 648 {
            body.extend(reader.fields(&[(13, 16), (14, 48)]));
        }
        [kind, number(2, size), delimited(3, &body)].concat()
    };
    let size = reader.number(3, 4);
    let signed = delimited(4, &reader.signed_data());
    let extra = if reader.0.is_empty() { Vec::new() } else { delimited(5, reader.0) };
    [header, delimited(2, &body), size, signed, extra].concat()
}

/// Quotes of both versions, whose certification data is what `tdx.proto` can express.
fn quotes() -> Vec<Vec<u8>> {
    let Some(folder) = tests_needs::fixture("tdx") else { return Vec::new() };
    let files = ["dq-uptodate", "google-v5", "alibaba-v5", "debug-td", "platform-outofdate"];
    let read = |name: &str| {
        let folder = folder.join(name);
        ["quote.bin", "quote.dat"].iter().find_map(|file| std::fs::read(folder.join(file)).ok())
    };
    files.iter().map(|name| read(name).unwrap()).collect()
}

#[test]
fn real_quotes_are_put_together_again() {
    let quotes = quotes();
    for quote in &quotes {
        let items = recognise(&message(quote)).unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!(
            (items[0].kind, items[0].within[0].as_str()),
            (Kind::TdxQuote, "protobuf of go-tdx-guest")
        );
        assert!(items[0].bytes == *quote, "version {}", quote[0]);
    }
    let versions: Vec<u8> = quotes.iter().map(|quote| quote[0]).collect();
    assert!(quotes.is_empty() || versions.contains(&4) && versions.contains(&5), "{versions:?}");
}

#[test]
fn wrong_messages_are_told() {
    let Some(quote) = quotes().into_iter().next() else { return };
    let mut reader = Reader(&quote);
    let header = delimited(1, &reader.header());
    // What only TD reports 1.5 have.
    let late_body = delimited(2, &[reader.body(), delimited(13, &[0; 16])].concat());
    let good = message(&quote);
    let rest = &good[header.len()..];
    let other_header = |version: u64, more: &[u8]| {
        let fields = [number(1, version), number(3, 0x81), more.to_vec()].concat();
        [delimited(1, &fields), rest.to_vec()].concat()
    };
    for (bytes, problem) in [
        (other_header(3, b""), "header.version: expected 4 or 5, found 3"),
        (other_header(4, b""), "header.pce_svn: expected 2 bytes, found nothing"),
        (other_header(4, &delimited(5, b"abc")), "header.pce_svn: expected 2 bytes, found 3 bytes"),
        (
            other_header(4, &number(2, 1 << 16)),
            "header.attestation_key_type: expected a number of 2 bytes, found 65536",
        ),
        (other_header(4, &number(8, 1)), "header: field 8 is not known"),
        ([&header[..], &late_body].concat(), "td_quote_body: field 13 is not known"),
        ([&good[..], &header].concat(), "header: expected a message, once, found 2 fields"),
        (
            [&header[..], &delimited(2, &delimited(11, &[0; 48]))].concat(),
            "td_quote_body.tee_tcb_svn: expected 16",
        ),
    ] {
        let error = recognise(&bytes).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
}
