// A request that asks for everything it must not get: made by OpenSSL for a P-256 key, with the subject O=evil,CN=root,
// CA:TRUE with pathlen 99, keyCertSign, an unknown extension, and five names: two SPIFFE ids of others, a DNS name of the
// control plane, an IP address and an e-mail address.

export const greedyRequest = `-----BEGIN CERTIFICATE REQUEST-----
MIIBlzCCAT4CAQAwHjENMAsGA1UEAwwEcm9vdDENMAsGA1UECgwEZXZpbDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABNHZmrUViTNXoupKr8OavqKB7N7IXzCznRYz
nHlTAJ/cZ7qIBVLl5VrOf4uATIDJDZ0uQPQXpsKaIt1XGPJquWqggb0wgboGCSqG
SIb3DQEJDjGBrDCBqTASBgNVHRMBAf8ECDAGAQH/AgFjMA4GA1UdDwEB/wQEAwIB
BjAQBgQqAwQFBAgMBmN1c3RvbTBxBgNVHREEajBohidzcGlmZmU6Ly9jbHVzdGVy
LmxvY2FsL25zL2Jhbmsvc2EvdmF1bHSGF3NwaWZmZTovL2V2aWwuZXhhbXBsZS94
ghdpc3Rpb2QuaXN0aW8tc3lzdGVtLnN2Y4cEfwAAAYEFYUBiLmMwCgYIKoZIzj0E
AwIDRwAwRAIgW99N3+PCnv4+w5fwPdIV/JQzl6CGt4F+z1d8PKNiczcCICbowDws
jsVf59ka0PxBmMqhMoZUIpMQfbBXpldWILrF
-----END CERTIFICATE REQUEST-----
`;
