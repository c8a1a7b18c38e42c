//! Transcripts for tests, and the format once more, as its description says it: so that nothing is checked
//! against itself.

use sha2::{Digest, Sha256};

use crate::{Header, Kind, MAGIC, Root, Run, Writer};

/// Kind, fuel since the run began, payload.
pub(super) type Learnt = (u8, u64, Vec<u8>);

pub(super) fn header() -> Header {
    Header { run: Run { component: [0xC0; 32], manifest: [0x3A; 32], sequence: 7 }, seed: [0x5E; 32] }
}

/// Three segments of 4, 3 and 2 entries after the header.
pub(super) fn sample() -> Vec<Learnt> {
    let sizes = [4, 0, 7, 4090, 10, 3000, 1200, 5, 0];
    let kind = |index| if index == sizes.len() - 1 { Kind::END.0 } else { (index % 10 + 1) as u8 };
    let learnt =
        |(index, size): (usize, &usize)| (kind(index), 1000 * index as u64, vec![index as u8; *size]);
    sizes.iter().enumerate().map(learnt).collect()
}

/// The file and its root.
pub(super) fn write(entries: &[Learnt]) -> (Vec<u8>, Root) {
    let (mut writer, mut file) = (Writer::new(&header()), MAGIC.to_vec());
    for (kind, fuel, payload) in entries {
        writer.append(Kind(*kind), *fuel, payload).unwrap();
    }
    let finished = writer.finish().unwrap();
    finished.segments.iter().for_each(|segment| file.extend(segment));
    assert_eq!(finished.bytes, file.len() as u64);
    (file, finished.root)
}

/// One segment, taken apart or made up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) index: u32,
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) body: Vec<u8>,
    pub(super) chain: [u8; 32],
}

impl Piece {
    pub(super) fn leaf(&self) -> Vec<u8> {
        let length = u32::try_from(self.body.len()).unwrap();
        let head = [&self.index.to_le_bytes()[..], &self.first.to_le_bytes(), &self.count.to_le_bytes()];
        [&head.concat()[..], &length.to_le_bytes(), &self.body].concat()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        [&self.leaf()[..], &self.chain].concat()
    }

    /// A segment of these entries, which are bytes already.
    pub(super) fn new(index: u32, first: u64, entries: &[&[u8]]) -> Self {
        let count = u32::try_from(entries.len()).unwrap();
        Self { index, first, count, body: entries.concat(), chain: [0; 32] }
    }
}

/// Takes a file apart that is known to be right.
pub(super) fn pieces(file: &[u8]) -> Vec<Piece> {
    let (mut rest, mut pieces) = (&file[MAGIC.len()..], Vec::new());
    while !rest.is_empty() {
        let number = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let end = 20 + number(16) as usize;
        pieces.push(Piece {
            index: number(0),
            first: u64::from_le_bytes(rest[4..12].try_into().unwrap()),
            count: number(12),
            body: rest[20..end].to_vec(),
            chain: rest[end..end + 32].try_into().unwrap(),
        });
        rest = &rest[end + 32..];
    }
    pieces
}

pub(super) fn join(pieces: &[Piece]) -> Vec<u8> {
    [&MAGIC[..], &pieces.iter().flat_map(Piece::bytes).collect::<Vec<u8>>()].concat()
}

/// Where each segment begins, and where the file ends.
pub(super) fn starts(pieces: &[Piece]) -> Vec<usize> {
    let mut starts = vec![MAGIC.len()];
    starts.extend(pieces.iter().scan(MAGIC.len(), |end, piece| {
        *end += piece.bytes().len();
        Some(*end)
    }));
    starts
}

/// Computes chain values anew, as anybody can.
pub(super) fn chain(pieces: &mut [Piece]) {
    let mut previous = [0; 32];
    for piece in pieces {
        let leaf = Sha256::digest([&[0][..], &piece.leaf()].concat());
        piece.chain = Sha256::digest([b"redoubt transcript chain 1", &previous[..], &leaf].concat()).into();
        previous = piece.chain;
    }
}

/// Numbers segments and entries anew.
pub(super) fn renumber(pieces: &mut [Piece]) {
    let mut first = 0;
    for (index, piece) in pieces.iter_mut().enumerate() {
        piece.index = index as u32;
        piece.first = first;
        first += u64::from(piece.count);
    }
}

/// The header's segment and these, chained: what a forger writes who knows the format.
pub(super) fn forge(segments: &[Piece]) -> Vec<u8> {
    let mut all = vec![pieces(&write(&sample()).0).remove(0)];
    all.extend_from_slice(segments);
    chain(&mut all);
    join(&all)
}

/// An entry as bytes, with what would be refused as well.
pub(super) fn entry(kind: u8, fuel: &[u8], length: &[u8], payload: &[u8]) -> Vec<u8> {
    [&[kind], fuel, length, payload].concat()
}

/// A whole last entry.
pub(super) const END: &[u8] = &[11, 0, 0];
