"""XPath, validation, XSLT with EXSLT, HTML in an encoding that only ICU knows, canonical XML."""

from lxml import etree, html, objectify

root = etree.fromstring(b"<shop><item price='3'>tea</item><item price='4.5'>milk &amp; sugar</item></shop>")
assert root.xpath("sum(item/@price)") == 7.5
assert root.xpath("string(item[2])") == "milk & sugar"
assert etree.tostring(root, method="c14n").startswith(b'<shop><item price="3">')

sheet = etree.XML(b"""\
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:str="http://exslt.org/strings"
    xmlns:math="http://exslt.org/math" exclude-result-prefixes="str math">
  <xsl:template match="/shop">
    <list most="{math:max(item/@price)}">
      <xsl:for-each select="item"><xsl:sort select="@price" data-type="number" order="descending"/>
        <xsl:value-of select="str:padding(2, '*')"/><xsl:value-of select="."/>
      </xsl:for-each>
    </list>
  </xsl:template>
</xsl:stylesheet>""")
result = etree.XSLT(sheet)(root)
assert result.getroot().get("most") == "4.5", str(result)
assert "".join(result.getroot().itertext()) == "**milk & sugar**tea", str(result)

schema = etree.XMLSchema(
    etree.XML(b"""\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="n" type="xs:positiveInteger"/></xs:schema>""")
)
assert schema.validate(etree.XML(b"<n>7</n>"))
assert not schema.validate(etree.XML(b"<n>-7</n>"))
relaxed = etree.RelaxNG(etree.XML(b'<element name="n" xmlns="http://relaxng.org/ns/structure/1.0"><text/></element>'))
assert relaxed.validate(etree.XML(b"<n>x</n>"))

page = html.fromstring(
    "<p>Grüße <b>an <i>alle</b></i>".encode("iso-8859-15"), parser=html.HTMLParser(encoding="iso-8859-15")
)
assert page.text_content() == "Grüße an alle"
assert etree.tostring(etree.XML("<a>я</a>"), encoding="koi8-r").endswith(b"<a>\xd1</a>")
assert objectify.fromstring(b"<a><b>3</b></a>").b + 1 == 4
try:
    etree.fromstring(b"<a><b></a>")
except etree.XMLSyntaxError as error:
    assert "mismatch" in str(error), error
assert etree.LIBXML_VERSION >= (2, 9)
assert etree.LIBXSLT_VERSION >= (1, 1)
print("works")
