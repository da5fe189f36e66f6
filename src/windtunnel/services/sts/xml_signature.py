"""Signatures within XML documents, as identity providers make them: enveloped, over an element in exclusive canonical form.

https://www.w3.org/TR/xmldsig-core1/ and https://www.w3.org/TR/xml-exc-c14n/. Other transforms and canonical forms don't occur in SAML
(https://docs.oasis-open.org/security/saml/v2.0/saml-core-2.0-os.pdf, 5.4) and count as wrong.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import new as digest_of
from typing import Any
from xml.dom.minidom import Document, Element, Node, parseString
from xml.parsers.expat import ExpatError

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm

DSIG = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENCRYPTION = "http://www.w3.org/2001/04/xmlenc#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED = f"{DSIG}enveloped-signature"
_XMLNS = "http://www.w3.org/2000/xmlns/"
_XML = "http://www.w3.org/XML/1998/namespace"
_DIGESTS = {f"{DSIG}sha1": "sha1", f"{ENCRYPTION}sha256": "sha256", f"{MORE}sha384": "sha384", f"{ENCRYPTION}sha512": "sha512"}
_SIGNATURES: dict[str, HashAlgorithm] = {
    f"{DSIG}rsa-sha1": SHA1(),
    f"{MORE}rsa-sha256": SHA256(),
    f"{MORE}rsa-sha384": SHA384(),
    f"{MORE}rsa-sha512": SHA512(),
    f"{MORE}ecdsa-sha256": SHA256(),
    f"{MORE}ecdsa-sha384": SHA384(),
    f"{MORE}ecdsa-sha512": SHA512(),
}
_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}
_ATTRIBUTE = {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}


def parse_xml(text: bytes) -> Document:
    """Raises ValueError; documents that declare types are refused, since no entity is needed and some are traps."""
    if b"<!DOCTYPE" in text:
        raise ValueError("a document with a type declaration")
    try:
        return parseString(text)
    except ExpatError as error:
        raise ValueError(str(error)) from error


def children(parent: Node, namespace: str, name: str) -> list[Element]:
    """The child elements of a name."""
    found = (node for node in nodes_of(parent) if isinstance(node, Element))
    return [node for node in found if node.namespaceURI == namespace and node.localName == name]


def nodes_of(parent: Node) -> list[Any]:
    """The nodes right under another, of whatever kind."""
    return list(parent.childNodes)


def found_in(parent: Element, namespace: str, name: str) -> list[Element]:
    """The elements of a name, however deep they lie."""
    found: Any = parent.getElementsByTagNameNS(namespace, name)
    return found


def text_of(element: Element) -> str:
    return "".join(node.data for node in nodes_of(element) if node.nodeType in (Node.TEXT_NODE, Node.CDATA_SECTION_NODE)).strip()


def is_signed(element: Element, keys: Iterable[CertificatePublicKeyTypes]) -> bool:
    """Whether an element has a signature over itself that one of the keys made."""
    for signature in children(element, DSIG, "Signature"):
        try:
            info = _only(signature, DSIG, "SignedInfo")
            if _digests_match(element, signature, info):
                algorithm = _algorithm(info, "SignatureMethod")
                value = b64decode(text_of(_only(signature, DSIG, "SignatureValue")))
                signed = canonical(info, _prefixes(_only(info, DSIG, "CanonicalizationMethod"))).encode()
                if _algorithm(info, "CanonicalizationMethod") == EXCLUSIVE and any(_made(key, algorithm, value, signed) for key in keys):
                    return True
        except (ValueError, KeyError, binascii.Error):
            continue
    return False


def canonical(node: Element, inclusive: Iterable[str] = (), without: Element | None = None) -> str:
    """An element in exclusive canonical form, comments left out; `without` is a signature that it envelopes."""
    return "".join(_canonical(node, {"": ""}, tuple(inclusive), without))


def _canonical(node: Element, rendered: Mapping[str, str], inclusive: tuple[str, ...], without: Element | None) -> Iterator[str]:
    attributes: list[Any] = [node.attributes.item(index) for index in range(node.attributes.length)]
    plain = [each for each in attributes if each.namespaceURI != _XMLNS]
    used = {node.prefix or ""} | {each.prefix for each in plain if each.prefix and each.namespaceURI != _XML}
    wanted = used | {prefix for prefix in inclusive if _in_scope(node, prefix) is not None}
    namespaces = {prefix: _in_scope(node, prefix) or "" for prefix in wanted}
    new = {prefix: uri for prefix, uri in namespaces.items() if rendered.get(prefix) != uri}
    yield f"<{node.tagName}"
    for prefix, uri in sorted(new.items()):
        yield f' xmlns{":" if prefix else ""}{prefix}="{_escaped(uri, _ATTRIBUTE)}"'
    for each in sorted(plain, key=lambda one: (one.namespaceURI or "", one.localName or one.name)):
        yield f' {each.name}="{_escaped(each.value, _ATTRIBUTE)}"'
    yield ">"
    for child in nodes_of(node):
        if child is without:
            continue
        if isinstance(child, Element):
            yield from _canonical(child, {**rendered, **new}, inclusive, without)
        elif child.nodeType in (Node.TEXT_NODE, Node.CDATA_SECTION_NODE):
            yield _escaped(child.data, _TEXT)
        elif child.nodeType == Node.PROCESSING_INSTRUCTION_NODE:
            yield f"<?{child.target}{' ' if child.data else ''}{child.data}?>"
    yield f"</{node.tagName}>"


def _in_scope(node: Node | None, prefix: str) -> str | None:
    """The namespace that a prefix stands for at an element."""
    name = f"xmlns:{prefix}" if prefix else "xmlns"
    while isinstance(node, Element):
        if node.hasAttribute(name):
            return node.getAttribute(name)
        node = node.parentNode
    return None


def _escaped(text: str, characters: Mapping[str, str]) -> str:
    return text.translate(str.maketrans(dict(characters)))


def _digests_match(element: Element, signature: Element, info: Element) -> bool:
    reference = _only(info, DSIG, "Reference")
    if reference.getAttribute("URI") != f"#{element.getAttribute('ID')}":
        return False
    transforms = children(_only(reference, DSIG, "Transforms"), DSIG, "Transform")
    if not {each.getAttribute("Algorithm") for each in transforms} <= {_ENVELOPED, EXCLUSIVE}:
        return False
    inclusive = [prefix for each in transforms for prefix in _prefixes(each)]
    data = canonical(element, inclusive, signature).encode()
    wanted = b64decode(text_of(_only(reference, DSIG, "DigestValue")))
    return digest_of(_DIGESTS[_algorithm(reference, "DigestMethod")], data, usedforsecurity=False).digest() == wanted


def _made(key: CertificatePublicKeyTypes, algorithm: str, value: bytes, signed: bytes) -> bool:
    chosen = _SIGNATURES[algorithm]
    try:
        if isinstance(key, rsa.RSAPublicKey) and "#rsa-" in algorithm:
            key.verify(value, signed, padding.PKCS1v15(), chosen)
        elif isinstance(key, ec.EllipticCurvePublicKey) and "#ecdsa-" in algorithm:
            half = len(value) // 2
            r, s = (int.from_bytes(part, "big") for part in (value[:half], value[half:]))
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(chosen))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _prefixes(transform: Element) -> list[str]:
    """The prefixes whose declarations are kept also where they aren't used."""
    listed = [
        prefix for each in children(transform, EXCLUSIVE, "InclusiveNamespaces") for prefix in each.getAttribute("PrefixList").split()
    ]
    return ["" if prefix == "#default" else prefix for prefix in listed]


def _algorithm(parent: Element, name: str) -> str:
    return _only(parent, DSIG, name).getAttribute("Algorithm")


def _only(parent: Element, namespace: str, name: str) -> Element:
    found = children(parent, namespace, name)
    if len(found) != 1:
        raise ValueError(f"{len(found)} elements {name}")
    return found[0]
