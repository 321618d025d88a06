"""Parses, transforms, validates and serialises; XPath, EXSLT, HTML, entities, errors."""

from lxml import etree, html, objectify

root = etree.fromstring(
    b"<?xml version='1.0' encoding='iso-8859-1'?><r xmlns:p='urn:p'><a n='1'>\xe4</a><p:a n='2'/><a n='3'/></r>"
)
assert root.xpath("sum(//a/@n)") == 4
assert root.xpath("//p:a/@n", namespaces={"p": "urn:p"}) == ["2"]
assert root[0].text == "ä"
assert etree.tostring(root[0], encoding="utf-8") == '<a xmlns:p="urn:p" n="1">ä</a>'.encode()
sheet = etree.XSLT(
    etree.fromstring("""
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:math="http://exslt.org/math" xmlns:str="http://exslt.org/strings" exclude-result-prefixes="math str">
  <xsl:template match="/r"><out max="{math:max(//a/@n)}" parts="{count(str:split('a b c'))}">
    <xsl:for-each select="a"><xsl:sort select="@n" order="descending"/><i><xsl:value-of select="@n"/></i></xsl:for-each>
  </out></xsl:template>
</xsl:stylesheet>""")
)
result = sheet(root).getroot()
assert (result.get("max"), result.get("parts")) == ("3", "3")
assert [each.text for each in result] == ["3", "1"]
schema = etree.XMLSchema(
    etree.fromstring("""
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="n" type="xs:positiveInteger"/></xs:schema>""")
)
assert schema.validate(etree.fromstring("<n>12</n>"))
assert not schema.validate(etree.fromstring("<n>-1</n>"))
relax = etree.RelaxNG(
    etree.fromstring('<element name="n" xmlns="http://relaxng.org/ns/structure/1.0"><text/></element>')
)
assert relax.validate(etree.fromstring("<n>x</n>"))
page = html.fromstring("<p>one<p class=b>two &eacute;<br>three")
assert [p.text_content() for p in page.iter("p")] == ["one", "two éthree"]
assert objectify.fromstring("<o><v>3</v><v>4</v></o>").v[1] == 4
large = etree.Element("l")
for n in range(5000):
    etree.SubElement(large, "i", n=str(n))
assert len(etree.fromstring(etree.tostring(large, pretty_print=True)).findall("i")) == 5000
try:
    etree.fromstring("<a><b></a>")
except etree.XMLSyntaxError as error:
    assert error.lineno == 1
    print("works")
