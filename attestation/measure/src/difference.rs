//! Where two launches part.

use crate::launch::Launch;
use crate::page::{MeasuredPage, Operation, Source};

/// The first page on which two launches differ, and what else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Its number, from 0.
    pub index: usize,
    /// The page of the left launch; `None` where that has no more pages.
    pub left: Option<MeasuredPage<'a>>,
    /// The same of the right launch.
    pub right: Option<MeasuredPage<'a>>,
    /// First byte that differs, where it is the same page with other contents.
    pub byte: Option<ByteDifference>,
    /// What differs anywhere.
    pub causes: Causes,
}

/// The first byte on which two pages differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteDifference {
    /// Its place in the page.
    pub offset: usize,
    /// Left.
    pub left: u8,
    /// Right.
    pub right: u8,
    /// How many bytes of the page differ.
    pub count: usize,
}

/// What makes two measurements differ. A ROM's tables are contents too where a platform measures them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Causes {
    /// Contents of the file, or where they lie in memory.
    pub contents: bool,
    /// Addresses, types or order of memory that is added without contents.
    pub sections: bool,
    /// Register states.
    pub vmsas: bool,
}

/// Compares page by page; hashes nothing. `None`: the measurements are the same.
#[must_use]
pub fn difference<'a>(left: &Launch<'a>, right: &Launch<'a>) -> Option<Difference<'a>> {
    let (mut lefts, mut rights) = (left.pages(), right.pages());
    let mut index: usize = 0;
    let (left_page, right_page) = loop {
        match (lefts.next(), rights.next()) {
            (None, None) => return None,
            (Some(left), Some(right)) if is_same(&left, &right) => index = index.saturating_add(1),
            different => break different,
        }
    };
    Some(Difference {
        index,
        left: left_page,
        right: right_page,
        byte: left_page.zip(right_page).and_then(|(left, right)| byte_difference(&left, &right)),
        causes: Causes {
            contents: differ(left, right, Part::Contents),
            sections: differ(left, right, Part::Sections),
            vmsas: differ(left, right, Part::Vmsas),
        },
    })
}

/// What the measurement is made of, not where in the file it lies or which record asked for it.
fn is_same(left: &MeasuredPage<'_>, right: &MeasuredPage<'_>) -> bool {
    let is_same_address = left.operation == right.operation && left.gpa == right.gpa;
    is_same_address && left.contents.bytes() == right.contents.bytes()
}

fn byte_difference(left: &MeasuredPage<'_>, right: &MeasuredPage<'_>) -> Option<ByteDifference> {
    if left.operation != right.operation || left.gpa != right.gpa {
        return None;
    }
    let (left, right) = (left.contents.bytes()?, right.contents.bytes()?);
    let pairs = left.iter().zip(right.iter()).enumerate();
    let mut different = pairs.filter(|(_, (left, right))| left != right);
    let (offset, (first_left, first_right)) = different.next()?;
    let count = different.count().saturating_add(1);
    Some(ByteDifference { offset, left: *first_left, right: *first_right, count })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Contents,
    Sections,
    Vmsas,
}

fn part(page: &MeasuredPage<'_>) -> Part {
    match (page.operation, page.source) {
        (_, Source::Vmsa { .. }) => Part::Vmsas,
        (Operation::TdhMrExtend, _) | (_, Source::Rom) => Part::Contents,
        _ => Part::Sections,
    }
}

fn differ(left: &Launch<'_>, right: &Launch<'_>, of: Part) -> bool {
    let of_part = |page: &MeasuredPage<'_>| part(page) == of;
    let (mut lefts, mut rights) = (left.pages().filter(of_part), right.pages().filter(of_part));
    loop {
        match (lefts.next(), rights.next()) {
            (None, None) => return false,
            (Some(left), Some(right)) if is_same(&left, &right) => {}
            _ => return true,
        }
    }
}
