"""Cases from a FHIR R4 server: EpisodeOfCare and what belongs to it (docs/sources/fhir.md)."""
