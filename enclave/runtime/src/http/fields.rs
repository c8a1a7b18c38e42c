//! `fields`: headers and trailers in a component's hands.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use enclave_http::{Field, Fields};
use wasmtime::component::Resource;

use super::error::FieldsError;
use super::limits;
use crate::bindings::wasi::http::types::{HeaderError, HostFields};
use crate::state::State;

/// Names that only those who keep the connection write or read, and Host, which is the authority's.
const FORBIDDEN: [&str; 10] = [
    "connection",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

const CONTENT_LENGTH: &str = "content-length";

/// What the host keeps around a list.
const LIST_BYTES: usize = 128;

/// What the host keeps around a field.
const FIELD_BYTES: usize = 64;

/// A list of fields.
#[derive(Debug, Clone)]
pub struct FieldList {
    fields: Arc<Fields>,
    is_mutable: bool,
}

impl FieldList {
    /// What came from outside: without the fields of the connection, and not to be changed.
    pub(super) fn received(fields: Fields) -> Self {
        let kept: Vec<Field> = fields.iter().filter(|field| !is_forbidden(field.name())).cloned().collect();
        Self { fields: Arc::new(kept.into_iter().collect()), is_mutable: false }
    }

    /// As part of a message, which is not to be changed.
    pub(super) fn frozen(self) -> Self {
        Self { is_mutable: false, ..self }
    }

    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The Content-Length. There is one at most, and it is a number.
    pub(super) fn content_length(&self) -> Option<u64> {
        core::str::from_utf8(self.fields.first(CONTENT_LENGTH)?).ok()?.parse().ok()
    }

    /// What the host keeps for it.
    pub(super) fn held_bytes(&self) -> usize {
        let of_fields = self.fields.len().saturating_mul(FIELD_BYTES);
        limits::text_bytes(&self.fields).saturating_add(of_fields).saturating_add(LIST_BYTES)
    }

    fn check_mutable(&self) -> Result<(), FieldsError> {
        self.is_mutable.then_some(()).ok_or(FieldsError::Header(HeaderError::Immutable))
    }

    /// The same without a name.
    fn without(&self, name: &str) -> Vec<Field> {
        self.fields.iter().filter(|field| field.name() != name).cloned().collect()
    }
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.contains(&name)
}

/// A field that a component may write.
fn checked(name: &str, value: &[u8]) -> Result<Field, FieldsError> {
    let field = Field::new(name, value).map_err(|_| HeaderError::InvalidSyntax)?;
    if is_forbidden(field.name()) {
        return Err(HeaderError::Forbidden.into());
    }
    let is_length = || {
        let is_digits = field.value().iter().all(u8::is_ascii_digit);
        let text = core::str::from_utf8(field.value()).unwrap_or_default();
        is_digits && text.parse::<u64>().is_ok()
    };
    if field.name() == CONTENT_LENGTH && !is_length() {
        return Err(HeaderError::InvalidSyntax.into());
    }
    Ok(field)
}

/// A name that a component may write.
fn checked_name(name: &str) -> Result<String, FieldsError> {
    let field = Field::new(name, b"").map_err(|_| HeaderError::InvalidSyntax)?;
    if is_forbidden(field.name()) {
        return Err(HeaderError::Forbidden.into());
    }
    Ok(field.name().to_string())
}

/// A list within its bounds.
fn bounded(fields: Vec<Field>) -> Result<Fields, FieldsError> {
    let fields: Fields = fields.into_iter().collect();
    if fields.all(CONTENT_LENGTH).count() > 1 {
        return Err(HeaderError::InvalidSyntax.into());
    }
    check_size(fields.len(), limits::text_bytes(&fields))?;
    Ok(fields)
}

fn check_size(fields: usize, text_bytes: usize) -> wasmtime::Result<()> {
    if fields > limits::FIELDS_MAX || text_bytes > limits::FIELDS_BYTES {
        return Err(wasmtime::Error::msg("fields: more than 100, or more than 16 KiB of names and values"));
    }
    Ok(())
}

fn text_bytes_of(field: &Field) -> usize {
    field.name().len().saturating_add(field.value().len())
}

impl State {
    pub(super) fn push_fields(&mut self, list: FieldList) -> wasmtime::Result<Resource<FieldList>> {
        self.hold(list.held_bytes())?;
        Ok(self.table.push(list)?)
    }

    /// Takes a list out of the component's hands. What the host keeps for it is still counted.
    pub(super) fn take_fields(&mut self, list: Resource<FieldList>) -> wasmtime::Result<FieldList> {
        Ok(self.table.delete(list)?)
    }

    fn change(
        &mut self,
        list: &Resource<FieldList>,
        change: impl FnOnce(&FieldList) -> Result<Vec<Field>, FieldsError>,
    ) -> Result<(), FieldsError> {
        let old = self.table.get(list)?;
        let fields = bounded(change(old)?)?;
        let old_bytes = old.held_bytes();
        let new = FieldList { fields: Arc::new(fields), is_mutable: true };
        self.hold(new.held_bytes())?;
        self.let_go(old_bytes);
        *self.table.get_mut(list)? = new;
        Ok(())
    }
}

impl HostFields for State {
    fn new(&mut self) -> wasmtime::Result<Resource<FieldList>> {
        self.push_fields(FieldList { fields: Arc::new(Fields::new()), is_mutable: true })
    }

    fn from_list(&mut self, entries: Vec<(String, Vec<u8>)>) -> Result<Resource<FieldList>, FieldsError> {
        check_size(entries.len(), 0)?;
        let fields: Result<Vec<Field>, _> =
            entries.iter().map(|(name, value)| checked(name, value)).collect();
        let fields = Arc::new(bounded(fields?)?);
        Ok(self.push_fields(FieldList { fields, is_mutable: true })?)
    }

    fn get(&mut self, list: Resource<FieldList>, name: String) -> wasmtime::Result<Vec<Vec<u8>>> {
        let name = name.to_ascii_lowercase();
        Ok(self.table.get(&list)?.fields.all(&name).map(<[u8]>::to_vec).collect())
    }

    fn has(&mut self, list: Resource<FieldList>, name: String) -> wasmtime::Result<bool> {
        Ok(self.table.get(&list)?.fields.first(&name.to_ascii_lowercase()).is_some())
    }

    fn set(
        &mut self,
        list: Resource<FieldList>,
        name: String,
        values: Vec<Vec<u8>>,
    ) -> Result<(), FieldsError> {
        self.change(&list, |old| {
            let name = checked_name(&name)?;
            old.check_mutable()?;
            check_size(values.len(), 0)?;
            let mut fields = old.without(&name);
            for value in &values {
                fields.push(checked(&name, value)?);
            }
            Ok(fields)
        })
    }

    fn delete(&mut self, list: Resource<FieldList>, name: String) -> Result<(), FieldsError> {
        self.change(&list, |old| {
            let name = checked_name(&name)?;
            old.check_mutable()?;
            Ok(old.without(&name))
        })
    }

    fn append(&mut self, list: Resource<FieldList>, name: String, value: Vec<u8>) -> Result<(), FieldsError> {
        let field = checked(&name, &value)?;
        let old = self.table.get(&list)?;
        old.check_mutable()?;
        if field.name() == CONTENT_LENGTH && old.fields.first(CONTENT_LENGTH).is_some() {
            return Err(HeaderError::InvalidSyntax.into());
        }
        let added_bytes = text_bytes_of(&field);
        let text_bytes = limits::text_bytes(&old.fields).saturating_add(added_bytes);
        check_size(old.fields.len().saturating_add(1), text_bytes)?;
        self.hold(added_bytes.saturating_add(FIELD_BYTES))?;
        Arc::make_mut(&mut self.table.get_mut(&list)?.fields).push(field);
        Ok(())
    }

    fn entries(&mut self, list: Resource<FieldList>) -> wasmtime::Result<Vec<(String, Vec<u8>)>> {
        let fields = &self.table.get(&list)?.fields;
        Ok(fields.iter().map(|field| (field.name().to_string(), field.value().to_vec())).collect())
    }

    fn clone(&mut self, list: Resource<FieldList>) -> wasmtime::Result<Resource<FieldList>> {
        let list = FieldList { is_mutable: true, ..self.table.get(&list)?.clone() };
        self.push_fields(list)
    }

    fn drop(&mut self, list: Resource<FieldList>) -> wasmtime::Result<()> {
        let list = self.take_fields(list)?;
        self.let_go(list.held_bytes());
        Ok(())
    }
}
