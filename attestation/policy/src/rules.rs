//! Rules, and how a section of a policy is read: each field once, none left over.

use alloc::format;
use alloc::string::{String, ToString};

use toml::{Table, Value};

use crate::PolicyError;

/// What a policy says about one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule<T> {
    /// It must be so.
    Stated(T),
    /// It is not looked at, and why not.
    Waived {
        /// As the policy gives it.
        reason: String,
    },
}

/// A field of a policy, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Path in the file.
    pub field: String,
    /// What is demanded, or the reason of the waiver.
    pub rule: Rule<String>,
    /// What the field is about.
    pub about: &'static str,
}

/// What a field can demand.
pub trait Term: Sized {
    /// What to write, for messages.
    const EXPECTED: &'static str;

    /// Reads what was written; `None` when it means nothing.
    fn read(value: &Value) -> Option<Self>;

    /// As it would be written.
    fn show(&self) -> String;
}

/// A table of the file, emptied field by field.
pub(crate) struct Section<'a> {
    path: String,
    table: &'a mut Table,
}

impl<'a> Section<'a> {
    pub(crate) fn root(table: &'a mut Table) -> Self {
        Self { path: String::new(), table }
    }

    /// Path of a field in this table.
    pub(crate) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path) }
    }

    /// A field that must be stated.
    pub(crate) fn stated<T: Term>(&mut self, key: &str) -> Result<T, PolicyError> {
        let field = self.path(key);
        let value = self.table.remove(key);
        let value = value.ok_or(PolicyError::Missing { field: field.clone(), expected: T::EXPECTED })?;
        T::read(&value).ok_or_else(|| wrong(field, T::EXPECTED, &value))
    }

    /// A field that is stated or waived.
    pub(crate) fn rule<T: Term>(&mut self, key: &str) -> Result<Rule<T>, PolicyError> {
        match self.table.get(key).and_then(waiver) {
            None => self.stated(key).map(Rule::Stated),
            Some(reason) => {
                let reason = reason.trim().to_string();
                let field = self.path(key);
                self.table.remove(key);
                if reason.is_empty() {
                    Err(PolicyError::NoReason { field })
                } else {
                    Ok(Rule::Waived { reason })
                }
            }
        }
    }

    /// A table that has to be there.
    pub(crate) fn section<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Section<'_>) -> Result<T, PolicyError>,
    ) -> Result<T, PolicyError> {
        let path = self.path(key);
        let expected = "a table";
        let value = self.table.remove(key).ok_or(PolicyError::Missing { field: path.clone(), expected })?;
        let Value::Table(mut table) = value else { return Err(wrong(path, expected, &value)) };
        let mut section = Section { path, table: &mut table };
        let read = read(&mut section)?;
        section.finish()?;
        Ok(read)
    }

    /// Whether `key` is the word `refused`, which stands for a whole table.
    pub(crate) fn take_refused(&mut self, key: &str) -> bool {
        let is_refused = self.table.get(key).and_then(Value::as_str) == Some("refused");
        if is_refused {
            self.table.remove(key);
        }
        is_refused
    }

    /// Refuses what nobody has read.
    pub(crate) fn finish(&self) -> Result<(), PolicyError> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(key) => Err(PolicyError::Unknown { field: self.path(key) }),
        }
    }
}

fn waiver(value: &Value) -> Option<&str> {
    let table = value.as_table().filter(|table| table.len() == 1)?;
    table.get("waived")?.as_str()
}

pub(crate) fn wrong(field: String, expected: &'static str, found: &Value) -> PolicyError {
    PolicyError::Value { field, expected, found: found.to_string() }
}

/// A description of one rule.
pub(crate) fn describe<T: Term>(path: &str, key: &str, rule: &Rule<T>, about: &'static str) -> Described {
    let rule = match rule {
        Rule::Stated(term) => Rule::Stated(term.show()),
        Rule::Waived { reason } => Rule::Waived { reason: reason.clone() },
    };
    Described { field: format!("{path}.{key}"), rule, about: about.trim_ascii() }
}

/// A table of rules: the fields, how they are read and what they are about, from one list.
macro_rules! rules {
    ($(#[$meta:meta])* pub struct $name:ident($path:literal) {
        $(#[doc = $about:literal] $(#[doc = $more:literal])* $key:ident: $term:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = $about] $(#[doc = $more])* pub $key: $crate::Rule<$term>,)*
        }

        impl $name {
            pub(crate) fn read(section: &mut $crate::rules::Section<'_>) -> Result<Self, $crate::PolicyError> {
                Ok(Self { $($key: section.rule(stringify!($key))?,)* })
            }

            pub(crate) fn describe(&self, into: &mut Vec<$crate::Described>) {
                $(into.push($crate::rules::describe(
                    $path, stringify!($key), &self.$key, concat!($about, $($more,)*),
                ));)*
            }
        }
    };
}

pub(crate) use rules;
