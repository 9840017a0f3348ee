"""Cases from XML in Avain's own format, `urn:avain:cases:1` (docs/formats/cases.xsd)."""
