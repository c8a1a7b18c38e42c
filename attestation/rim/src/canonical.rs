//! Canonical XML 1.1 without comments, inclusive, of a whole document or of one element in it.

use alloc::vec::Vec;

use roxmltree::{NS_XML_URI, Namespace, Node, NodeId};

use crate::RimError;

/// Gives `sink` the canonical form of `apex`, a document's root or an element, with everything in it except the node
/// `omitted`. In pieces, because escaping makes it up to six times as long as the file: digests need none of it at once.
///
/// An element takes along the namespaces in scope, as the specification has it. It would also have to take along `xml:`
/// attributes of its ancestors; where there are any, that is refused instead.
///
/// # Errors
/// `xml:` attributes above `apex`, or an element that declares a namespace twice, which `roxmltree` lets through.
pub(crate) fn canonicalize(
    apex: Node<'_, '_>,
    omitted: Option<NodeId>,
    sink: impl FnMut(&str),
) -> Result<(), RimError> {
    check_ancestors(apex)?;
    let mut canonical = Canonical { sink, apex, omitted };
    let mut next = Some(apex);
    // Not recursive: the depth is the author's to choose.
    while let Some(node) = next {
        let is_omitted = Some(node.id()) == omitted;
        if !is_omitted {
            canonical.open(node)?;
        }
        next = match node.first_child().filter(|_| !is_omitted) {
            Some(child) => Some(child),
            None => canonical.close_up_to_sibling(node),
        };
    }
    Ok(())
}

struct Canonical<'a, 'input, S> {
    sink: S,
    apex: Node<'a, 'input>,
    omitted: Option<NodeId>,
}

impl<'a, 'input, S: FnMut(&str)> Canonical<'a, 'input, S> {
    fn open(&mut self, node: Node<'a, 'input>) -> Result<(), RimError> {
        if node.is_element() {
            return self.start_tag(node);
        }
        if node.is_text() {
            escape(&mut self.sink, node.text().unwrap_or_default(), text_escape);
        } else if node.is_pi() {
            self.instruction(node);
        }
        Ok(())
    }

    /// Closes `node`, then whatever ends with it; the node behind.
    fn close_up_to_sibling(&mut self, node: Node<'a, 'input>) -> Option<Node<'a, 'input>> {
        let mut node = node;
        loop {
            if node.is_element() && Some(node.id()) != self.omitted {
                self.push(&["</", qualified_name(node), ">"]);
            }
            if node == self.apex {
                return None;
            }
            if let Some(sibling) = node.next_sibling() {
                return Some(sibling);
            }
            node = node.parent()?;
        }
    }

    fn start_tag(&mut self, node: Node<'a, 'input>) -> Result<(), RimError> {
        self.push(&["<", qualified_name(node)]);
        for (prefix, uri) in self.new_namespaces(node)? {
            match prefix {
                Some(prefix) => self.push(&[" xmlns:", prefix, "=\""]),
                None => self.push(&[" xmlns=\""]),
            }
            escape(&mut self.sink, uri, attribute_escape);
            self.push(&["\""]);
        }
        let mut attributes: Vec<_> = node.attributes().collect();
        attributes.sort_by_key(|attribute| (attribute.namespace().unwrap_or_default(), attribute.name()));
        for attribute in attributes {
            let name = source(node, attribute.range_qname());
            self.push(&[" ", name, "=\""]);
            escape(&mut self.sink, attribute.value(), attribute_escape);
            self.push(&["\""]);
        }
        self.push(&[">"]);
        Ok(())
    }

    /// The namespaces that are in scope at `node` and not already at the element around it in the output, by prefix.
    fn new_namespaces(&self, node: Node<'a, 'input>) -> Result<Vec<(Option<&'a str>, &'a str)>, RimError> {
        let around = if node == self.apex { None } else { node.parent_element() };
        let in_scope = |node: Node<'a, 'input>, prefix: Option<&str>| {
            node.namespaces().find(|namespace| namespace.name() == prefix).map_or("", Namespace::uri)
        };
        let mut rendered = Vec::new();
        for namespace in node.namespaces() {
            let (prefix, uri) = (namespace.name(), namespace.uri());
            if node.namespaces().filter(|other| other.name() == prefix).count() > 1 {
                let found = prefix.unwrap_or("the default namespace");
                return Err(RimError::field("namespaces", "each declared once in an element", found));
            }
            // An empty URI takes the default namespace away: worth saying only where there was one.
            if uri != around.map_or("", |around| in_scope(around, prefix)) {
                rendered.push((prefix, uri));
            }
        }
        rendered.sort_unstable();
        Ok(rendered)
    }

    /// Outside of the document element each stands on a line of its own.
    fn instruction(&mut self, node: Node<'a, 'input>) {
        let Some(pi) = node.pi() else { return };
        let is_outside = node.parent().is_some_and(|parent| parent.is_root());
        let is_behind = is_outside && node.prev_siblings().any(|sibling| sibling.is_element());
        self.push(&[if is_behind { "\n" } else { "" }, "<?", pi.target]);
        if let Some(value) = pi.value {
            self.push(&[" "]);
            escape(&mut self.sink, value, |character| (character == '\r').then_some("&#xD;"));
        }
        self.push(&["?>", if is_outside && !is_behind { "\n" } else { "" }]);
    }

    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| (self.sink)(part));
    }
}

fn check_ancestors(apex: Node<'_, '_>) -> Result<(), RimError> {
    let mut attributes = apex.ancestors().skip(1).flat_map(|ancestor| ancestor.attributes());
    match attributes.find(|attribute| attribute.namespace() == Some(NS_XML_URI)) {
        None => Ok(()),
        Some(found) => Err(RimError::field("attributes", "none of xml: around a signed part", found.name())),
    }
}

/// Name with prefix, as the tag has it: the tree keeps the namespace only, and two prefixes can mean one.
fn qualified_name<'input>(node: Node<'_, 'input>) -> &'input str {
    let tag = source(node, node.range());
    let name = tag.strip_prefix('<').unwrap_or(tag);
    name.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>')
        .and_then(|end| name.get(..end))
        .unwrap_or(name)
}

fn source<'input>(node: Node<'_, 'input>, range: core::ops::Range<usize>) -> &'input str {
    node.document().input_text().get(range).unwrap_or_default()
}

fn text_escape(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#xD;"),
        _ => None,
    }
}

fn attribute_escape(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#x9;"),
        '\n' => Some("&#xA;"),
        '\r' => Some("&#xD;"),
        _ => None,
    }
}

fn escape(sink: &mut impl FnMut(&str), text: &str, replacement: fn(char) -> Option<&'static str>) {
    for piece in text.split_inclusive(|character| replacement(character).is_some()) {
        let last = piece.chars().next_back();
        match last.and_then(replacement) {
            Some(escaped) => {
                sink(piece.strip_suffix(|character| Some(character) == last).unwrap_or(piece));
                sink(escaped);
            }
            None => sink(piece),
        }
    }
}

#[cfg(test)]
mod tests;
