//! Elements as strictly as a schema: these children in this order, these attributes, white space between.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64ct::{Base64, Encoding};
use roxmltree::Node;

use crate::RimError;

/// The children of `node`, when they are elements of `namespace` with exactly these names.
pub(crate) fn children<'a, 'input, const N: usize>(
    node: Node<'a, 'input>,
    field: &'static str,
    names: [(&str, &str); N],
) -> Result<[Node<'a, 'input>; N], RimError> {
    let found: Vec<_> = elements(node, field)?.collect();
    let are_named = found.iter().zip(names).all(|(child, name)| child.has_tag_name(name));
    let shown =
        || found.iter().take(N.saturating_add(1)).map(|child| child.tag_name().name()).collect::<Vec<_>>();
    let exact = <[Node<'_, '_>; N]>::try_from(found.as_slice()).ok().filter(|_| are_named);
    exact.ok_or_else(|| RimError::field(field, names.map(|(_, name)| name).join(", "), shown().join(", ")))
}

/// The children of `node`, with nothing but white space between them.
pub(crate) fn elements<'a, 'input>(
    node: Node<'a, 'input>,
    field: &'static str,
) -> Result<impl Iterator<Item = Node<'a, 'input>>, RimError> {
    let is_space = |text: &str| text.bytes().all(|byte| byte.is_ascii_whitespace());
    let stray = node
        .children()
        .find(|child| !child.is_element() && !child.text().filter(|_| child.is_text()).is_some_and(is_space));
    match stray {
        None => Ok(node.children().filter(Node::is_element)),
        Some(stray) => {
            let found: String = stray.text().unwrap_or_default().chars().take(32).collect();
            Err(RimError::field(field, "elements only", found))
        }
    }
}

/// The value of the only attribute of an element without content.
pub(crate) fn only_attribute<'a>(
    node: Node<'a, '_>,
    field: &'static str,
    name: &str,
) -> Result<&'a str, RimError> {
    let mut attributes = node.attributes();
    match (attributes.next(), attributes.next()) {
        (Some(attribute), None) if attribute.namespace().is_none() && attribute.name() == name => {
            Ok(attribute.value())
        }
        _ => Err(RimError::field(field, name, attribute_names(node))),
    }
}

/// Refuses attributes.
pub(crate) fn no_attributes(node: Node<'_, '_>, field: &'static str) -> Result<(), RimError> {
    match node.attributes().len() {
        0 => Ok(()),
        _ => Err(RimError::field(field, "no attributes", attribute_names(node))),
    }
}

/// An attribute without a namespace.
pub(crate) fn attribute<'a>(node: Node<'a, '_>, field: &'static str) -> Result<&'a str, RimError> {
    let found = node.attributes().find(|found| found.namespace().is_none() && found.name() == field);
    found.map(|found| found.value()).ok_or_else(|| RimError::field(field, "an attribute", "none"))
}

/// Refuses another value than `expected`.
pub(crate) fn expect(field: &'static str, expected: &str, found: &str) -> Result<(), RimError> {
    if found == expected { Ok(()) } else { Err(RimError::field(field, expected, found)) }
}

/// The bytes of an element whose content is base64; white space in it means nothing.
pub(crate) fn base64(node: Node<'_, '_>, field: &'static str) -> Result<Vec<u8>, RimError> {
    no_attributes(node, field)?;
    if let Some(child) = node.children().find(Node::is_element) {
        return Err(RimError::field(field, "base64", child.tag_name().name()));
    }
    let text: String = node
        .text()
        .unwrap_or_default()
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .collect();
    Base64::decode_vec(&text).map_err(|error| RimError::field(field, "base64", error.to_string()))
}

fn attribute_names(node: Node<'_, '_>) -> String {
    let names: Vec<_> = node.attributes().map(|attribute| attribute.name()).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
