use crate::body::testing::{self, care, check, passing, same, strict};
use crate::body::{Care, Opaque, Withheld};

const XML: &str = "application/xml";
const HTML: &str = "text/html; charset=utf-8";

#[test]
fn a_number_is_masked_over_whatever_a_reader_does_not_see() {
    for care in [care(), strict()] {
        check(
            &care,
            HTML,
            "<p><b>4111</b> <b>1111</b> 1111 1111</p>",
            "<p><b>****</b> <b>****</b> **** 1111</p>",
        );
        check(&care, XML, "<c>41111111<!-- x -->11111111</c>", "<c>********<!-- x -->****1111</c>");
        check(&care, XML, "<c>41111111<![CDATA[1111]]1111]]></c>", "<c>41111111<![CDATA[1111]]1111]]></c>");
        check(&care, XML, "<c>41111111<![CDATA[11111111]]></c>", "<c>********<![CDATA[****1111]]></c>");
        check(&care, XML, "<c>41111111<?x y?>11111111</c>", "<c>********<?x y?>****1111</c>");
        check(
            &care,
            HTML,
            "<c>&#52;1111111&nbsp;1&#x31;11&#49&#49;11</c>",
            "<c>********&nbsp;****&#49&#49;11</c>",
        );
        check(&care, HTML, "4111<wbr>1111<wbr/>1111<wbr>1111", "****<wbr>****<wbr/>****<wbr>1111");
    }
}

#[test]
fn entities_are_written_as_they_were_where_nothing_is_found() {
    for text in [
        "<c>&#52;&#48; &amp; &lt;a&gt; &eacute; &;&#;&#x;&#xzz; & &a</c>",
        "<!DOCTYPE html><html><!----><!-- a --- b -->a<![CDATA[]]]]>x<a href='x>y' b=don't c>z</html>",
        "<a",
        "<!-",
        "<p>1 < 2 <3 <> </ <!x> <![CDATA[ never ends ]]",
        "<script>if (a<b && c>d) { '</p>' }</script ><style>a>b{}</style>",
        "<r><a>12</a><b>34</b>\n<c/>x<d> 5 6 </d></r>",
    ] {
        for content_type in [XML, HTML] {
            for care in [care(), strict(), passing()] {
                same(&care, content_type, text.as_bytes());
            }
        }
    }
}

#[test]
fn attributes_comments_and_scripts_are_masked_as_the_bytes_that_they_are() {
    check(
        &care(),
        HTML,
        "<a href=\"/x?pan=4111111111111111\" b='4111&#49;11111111111'>x</a><!-- 4111111111111111 --><script>a='4111111111111111'</script>",
        "<a href=\"/x?pan=************1111\" b='****&#42;*******1111'>x</a><!-- ************1111 --><script>a='************1111'</script>",
    );
}

#[test]
fn the_name_of_an_element_tells_what_it_holds() {
    check(
        &care(),
        XML,
        "<r><cardNumber>4111111111111112</cardNumber></r>",
        "<r><cardNumber>************1112</cardNumber></r>",
    );
    check(
        &care(),
        XML,
        "<r><x:pan a='b'> 4111 1111 1111 1112 </x:pan></r>",
        "<r><x:pan a='b'> **** **** **** 1112 </x:pan></r>",
    );
    check(
        &care(),
        XML,
        "<field name=\"card_number\">4111111111111112</field>",
        "<field name=\"card_number\">************1112</field>",
    );
    for sad in [
        "<cvv>123</cvv>",
        "<a><pan>4111111111111111</pan><expiry>12/29</expiry><cid>123</cid></a>",
        "<cvv>&#49;23</cvv>",
        "<cvv/><cvv>1<!---->23</cvv>",
    ] {
        assert_eq!(
            testing::told(&care(), XML, format!("<r>{sad}</r>").as_bytes()),
            Err(Withheld::Sad),
            "{sad}"
        );
    }
    same(&care(), XML, b"<r><cid>123</cid><cvv>match</cvv><cvv/>123</r>");
}

#[test]
fn texts_apart_are_put_together_in_strict_mode() {
    for (document, gone) in [
        ("<r><x>41111111</x>\n <y>11111111</y></r>", "<r><x>********</x>\n <y>********</y></r>"),
        (
            "<tr><td>1</td><td>4111</td><td>1111</td><td>1111</td><td>1111</td></tr>",
            "<tr><td>1</td><td>****</td><td>****</td><td>****</td><td>****</td></tr>",
        ),
        (
            "<r><x>x</x><x>4111&#49;111</x><!-- c --><y>1111<i>1111</i></y></r>",
            "<r><x>x</x><x>********</x><!-- c --><y>****<i>****</i></y></r>",
        ),
    ] {
        same(&care(), XML, document.as_bytes());
        check(&strict(), XML, document, gone);
    }
    same(&strict(), XML, b"<r><x>41111111</x>x<y>11111111</y></r>");
    let cells: String = (0..5000).map(|it| format!("<td>{it}</td>\n")).collect();
    same(&care(), HTML, cells.as_bytes());
}

#[test]
fn entities_that_a_document_declares_are_never_expanded() {
    let document = "<?xml version=\"1.0\"?><!DOCTYPE c [<!ENTITY a \"41111111\">]><c>&a;11111111</c>";
    assert!(matches!(testing::told(&strict(), XML, document.as_bytes()), Err(Withheld::NotUnderstood(_))));
    let late = format!(
        "<?xml version=\"1.0\"?><!--{}--><!DOCTYPE c [<!ELEMENT c ANY><!ENTITY a \"4\">]><c>&a;</c>",
        " ".repeat(2000)
    );
    assert!(matches!(testing::told(&strict(), XML, late.as_bytes()), Err(Withheld::NotUnderstood(_))));
    let with_card = "<!DOCTYPE c [<!ENTITY a \"4111111111111111\">]><c>&a;</c>";
    for opaque in [Opaque::Pass, Opaque::Scan] {
        let care = Care { opaque, ..care() };
        check(&care, XML, with_card, &with_card.replace("411111111111", "************"));
    }
    same(&strict(), XML, b"<!DOCTYPE c [<!ELEMENT c ANY><!ATTLIST c a CDATA #IMPLIED>]><c>text</c>");
}

#[test]
fn a_tag_of_any_length_passes() {
    let image = "A".repeat(100_000);
    let document = format!("<p>4111<img alt='>' src=\"data:x,{image}\">1111 4111111111111111</p>");
    let gone = format!("<p>4111<img alt='>' src=\"data:x,{image}\">1111 ************1111</p>");
    for width in [1000, document.len()] {
        assert!(testing::run(&care(), HTML, document.as_bytes(), width).unwrap() == gone.as_bytes());
    }
}

#[test]
fn markup_in_another_character_set_is_told_by_its_declaration() {
    let latin =
        b"<?xml version='1.0' encoding='ISO-8859-1'?><a>caf\xe9 4111\xa01111\xa01111\xa01111</a>".to_vec();
    let gone =
        b"<?xml version='1.0' encoding='ISO-8859-1'?><a>caf\xe9 ****\xa0****\xa0****\xa01111</a>".to_vec();
    assert_eq!(testing::told(&strict(), XML, &latin), Ok(gone));
    let latin = b"<html><head><meta charset=latin1></head><p>4111\xa01111\xa01111\xa01111</p>".to_vec();
    let gone = b"<html><head><meta charset=latin1></head><p>****\xa0****\xa0****\xa01111</p>".to_vec();
    assert_eq!(testing::told(&strict(), "text/html", &latin), Ok(gone));
}

#[test]
fn a_number_over_attributes_is_masked_where_it_ends() {
    check(
        &strict(),
        "application/xml",
        r#"<c a="40000566" b="55665556"/>"#,
        r#"<c a="40000566" b="********"/>"#,
    );
    check(
        &strict(),
        "application/xml",
        "<r><c n='40000566' x=1 />\n<c n = '55665556'/></r>",
        "<r><c n='40000566' x=1 />\n<c n = '********'/></r>",
    );
    check(&strict(), "text/html", "<p a=40000566 b=55665556>x</p>", "<p a=40000566 b=********>x</p>");
    check(
        &strict(),
        "text/xml",
        r#"<c a="4000" b='0566' c="5566" d="5556" e="x"/>"#,
        r#"<c a="4000" b='0566' c="5566" d="****" e="x"/>"#,
    );
    for ordinary in [
        r#"<r><c n="4000"/><c n="0566"/><c n="5566"/><c n="5556"/></r>"#,
        r#"<c a="4000" b="0566" c="5566" d="5556" e="7"/>"#,
        r#"<svg width="4000" height="0566" x="5566"/><svg width="4001" height="0567" x="5567"/>"#,
        r#"<r><c id="40000001"/><c id="40000002"/><c id="40000003"/><c id="40000004"/></r>"#,
        r#"<a x= y="1" z='' = ></a><b c="1"d="2"/>"#,
    ] {
        same(&strict(), "application/xml", ordinary.as_bytes());
    }
}
