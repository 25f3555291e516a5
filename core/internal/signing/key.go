package signing

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
)

// keyPrefix is the part of a signing key that names its environment. The secret part
// follows, in hexadecimal digits.
var keyPrefix = regexp.MustCompile(`^signkey-\w+-`)

// HasKeyPrefix reports whether s begins as a signing key does.
func HasKeyPrefix(s string) bool { return keyPrefix.MatchString(s) }

// IsKey reports whether s is a signing key, with or without its prefix. A key with an
// empty secret part is not one, because anyone could sign with it.
func IsKey(s string) bool {
	secret, err := hex.DecodeString(SecretPart(s))
	return err == nil && len(secret) > 0
}

// SecretPart returns the key without its prefix. Its bytes are what signs.
func SecretPart(key string) string { return keyPrefix.ReplaceAllString(key, "") }

// HashedKey returns the form in which a signing key authenticates requests to the
// API: the prefix and the SHA-256 of the decoded secret part (docs/SDK_SPEC.md,
// 4.1.4). It returns "" for anything that is not a signing key.
func HashedKey(key string) string {
	secret, err := hex.DecodeString(SecretPart(key))
	if err != nil || len(secret) == 0 {
		return ""
	}
	sum := sha256.Sum256(secret)
	return keyPrefix.FindString(key) + hex.EncodeToString(sum[:])
}
