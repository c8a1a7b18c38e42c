//! The examples of the recommendation, sections 3.1 to 3.6, as far as they need no document type: their `DOCTYPE` is left
//! out, with the attributes that it adds or normalises, and so is 3.5, which is about entities alone.

use roxmltree::Document;

use super::*;

fn canonical(text: &str) -> String {
    part(Document::parse(text).unwrap().root(), None).unwrap()
}

fn part(apex: Node<'_, '_>, omitted: Option<NodeId>) -> Result<String, RimError> {
    let mut out = String::new();
    canonicalize(apex, omitted, |piece| out.push_str(piece)).map(|()| out)
}

#[test]
fn example_3_1_instructions_and_comments_outside_of_the_document_element() {
    let input = "<?xml version=\"1.0\"?>\n\n<?xml-stylesheet   href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\n\
        <doc>Hello, world!<!-- Comment 1 --></doc>\n\n<?pi-without-data     ?>\n\n<!-- Comment 2 -->\n\n\
        <!-- Comment 3 -->\n";
    let expected = "<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\
        <doc>Hello, world!</doc>\n<?pi-without-data?>";
    assert_eq!(canonical(input), expected);
}

#[test]
fn example_3_2_whitespace_in_content() {
    let input = "<doc>\n   <clean>   </clean>\n   <dirty>   A   B   </dirty>\n   <mixed>\n      A\n      \
        <clean>   </clean>\n      B\n      <dirty>   A   B   </dirty>\n      C\n   </mixed>\n</doc>";
    assert_eq!(canonical(input), input);
}

#[test]
fn example_3_3_start_and_end_tags() {
    let input = "<doc>\n   <e1   />\n   <e2   ></e2>\n   <e3   name = \"elem3\"   id=\"elem3\"   />\n   \
        <e4   name=\"elem4\"   id=\"elem4\"   ></e4>\n   \
        <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n      \
        xmlns:b=\"http://www.ietf.org\"\n      xmlns:a=\"http://www.w3.org\"\n      \
        xmlns=\"http://example.org\"/>\n   <e6 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n      \
        <e7 xmlns=\"http://www.ietf.org\">\n         <e8 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n            \
        <e9 xmlns=\"\" xmlns:a=\"http://www.ietf.org\"/>\n         </e8>\n      </e7>\n   </e6>\n</doc>";
    let expected = "<doc>\n   <e1></e1>\n   <e2></e2>\n   <e3 id=\"elem3\" name=\"elem3\"></e3>\n   \
        <e4 id=\"elem4\" name=\"elem4\"></e4>\n   \
        <e5 xmlns=\"http://example.org\" xmlns:a=\"http://www.w3.org\" xmlns:b=\"http://www.ietf.org\" \
        attr=\"I'm\" attr2=\"all\" b:attr=\"sorted\" a:attr=\"out\"></e5>\n   \
        <e6 xmlns:a=\"http://www.w3.org\">\n      <e7 xmlns=\"http://www.ietf.org\">\n         \
        <e8 xmlns=\"\">\n            <e9 xmlns:a=\"http://www.ietf.org\"></e9>\n         </e8>\n      </e7>\n   \
        </e6>\n</doc>";
    assert_eq!(canonical(input), expected);
}

#[test]
fn example_3_4_character_modifications_and_references() {
    let input = "<doc>\n   <text>First line&#x0d;&#10;Second line</text>\n   <value>&#x32;</value>\n   \
        <compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>\n   \
        <compute expr='value>\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"'>valid</compute>\n   \
        <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/>\n</doc>";
    let expected = "<doc>\n   <text>First line&#xD;\nSecond line</text>\n   <value>2</value>\n   \
        <compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute>\n   \
        <compute expr=\"value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;\"\
        >valid</compute>\n   <norm attr=\" '    &#xD;&#xA;&#x9;   ' \"></norm>\n</doc>";
    assert_eq!(canonical(input), expected);
}

#[test]
fn example_3_6_utf_8() {
    assert_eq!(
        canonical("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<doc>&#169;</doc>"),
        "<doc>©</doc>"
    );
}

#[test]
fn an_element_takes_its_namespaces_along_and_leaves_one_child_out() {
    let text = "<r xmlns=\"u:d\" xmlns:b=\"u:b\" xmlns:a=\"u:a\"><!-- --><a:x b:i=\"1\" a:i=\"2\" i=\"3\"><b:y/>\
        <z xmlns:a=\"u:a\">t<w xmlns:b=\"u:c\"/></z></a:x> tail</r>";
    let document = Document::parse(text).unwrap();
    let inner = document.root_element().first_element_child().unwrap();
    let expected = "<a:x xmlns=\"u:d\" xmlns:a=\"u:a\" xmlns:b=\"u:b\" i=\"3\" a:i=\"2\" b:i=\"1\"><b:y></b:y>\
        <z>t<w xmlns:b=\"u:c\"></w></z></a:x>";
    assert_eq!(part(inner, None).unwrap(), expected);
    let expected = "<r xmlns=\"u:d\" xmlns:a=\"u:a\" xmlns:b=\"u:b\"> tail</r>";
    assert_eq!(part(document.root(), Some(inner.id())).unwrap(), expected);
    let last = inner.last_element_child().unwrap();
    assert!(part(inner, Some(last.id())).unwrap().ends_with("<b:y></b:y></a:x>"));
}

#[test]
fn what_would_need_more_rules_is_refused() {
    let text = "<r xml:lang=\"en\" xml:space=\"default\"><x/></r>";
    let document = Document::parse(text).unwrap();
    assert_eq!(canonical(text), "<r xml:lang=\"en\" xml:space=\"default\"><x></x></r>");
    let error = part(document.root_element().first_child().unwrap(), None).unwrap_err();
    assert!(error.to_string().ends_with("found lang"), "{error}");
    let document = Document::parse("<r xmlns=\"u:a\" xmlns=\"u:b\"/>").unwrap();
    let error = part(document.root(), None).unwrap_err();
    assert!(error.to_string().ends_with("found the default namespace"), "{error}");
}

#[test]
fn depth_is_no_matter() {
    let text = format!("{}{}", "<a>".repeat(50_000), "</a>".repeat(50_000));
    assert_eq!(canonical(&text), text);
}
