//! ROM layout: GUID table, SEV and TDVF metadata, page tables, from a linked guest.
