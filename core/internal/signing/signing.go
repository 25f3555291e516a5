// Package signing verifies and creates the X-Inngest-Signature header, which signs
// the bodies of requests and responses with the app's signing key.
package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/gowebpki/jcs"
)

// window is how far the clocks of server and app may differ, either way. The
// server's SDK specification requires 5 minutes (docs/SDK_SPEC.md, 4.1.3).
const window = 5 * time.Minute

// Why a signature is not accepted. Anyone may see these messages.
var (
	ErrMissing = errors.New("the X-Inngest-Signature header is missing, and the app is in cloud mode; " +
		"for the dev server set INNGEST_DEV=1 (Config.Dev)")
	ErrMalformed = errors.New("the X-Inngest-Signature header is malformed; expected t=<unix time>&s=<hex>")
	ErrTime      = errors.New("the signature is too old or from the future; compare the clocks")
	ErrMismatch  = errors.New("the signature does not match the body; " +
		"compare INNGEST_SIGNING_KEY with the server's, and check that no proxy or middleware changes bodies")
)

// Signature is a parsed X-Inngest-Signature header.
type Signature struct {
	timestamp string
	sum       []byte
}

// Parse checks everything that does not require the body: that the header is
// present, well formed and recent. It returns ErrMissing, ErrMalformed or ErrTime.
func Parse(header string, now time.Time) (Signature, error) {
	if header == "" {
		return Signature{}, ErrMissing
	}
	values, err := url.ParseQuery(header)
	if err != nil {
		return Signature{}, ErrMalformed
	}
	s := Signature{timestamp: values.Get("t")}
	if s.sum, err = hex.DecodeString(values.Get("s")); err != nil || len(s.sum) != sha256.Size {
		return Signature{}, ErrMalformed
	}
	seconds, err := strconv.ParseInt(s.timestamp, 10, 64)
	if err != nil {
		return Signature{}, ErrMalformed
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > window || age < -window {
		return Signature{}, ErrTime
	}
	return s, nil
}

// Verifier verifies signatures with the app's keys.
type Verifier struct{ keys [][]byte }

// NewVerifier returns a Verifier that tries the keys in order. It ignores empty keys,
// with which anyone could sign.
func NewVerifier(keys ...string) *Verifier {
	v := &Verifier{}
	for _, key := range keys {
		if secret := SecretPart(key); secret != "" {
			v.keys = append(v.keys, []byte(secret))
		}
	}
	return v
}

// Verify returns the signed bytes, which are the body, and the key that signed them.
// Both are nil if none of the keys did. It is for calls: the server signs the exact
// bytes that it sends (MarshalV1 in its pkg/execution/driver, Sign in httpdriver).
func (v *Verifier) Verify(s Signature, body []byte) (signed, key []byte) {
	for _, key := range v.keys {
		if hmac.Equal(s.sum, sum(key, body, s.timestamp)) {
			return body, key
		}
	}
	return nil, nil
}

// maxCanonicalBytes bounds the bodies that are converted to canonical form. Strangers
// can request the conversion, and numbers can make it take 4 s per MiB.
const maxCanonicalBytes = 4 << 10

// VerifyCanonical is Verify for syncs and probes. The server signs those in canonical
// JSON, but sends them as encoding/json writes them, with & as \u0026 (Ping in its
// pkg/deploy). The caller must use the signed bytes instead of the body.
func (v *Verifier) VerifyCanonical(s Signature, body []byte) (signed, key []byte) {
	if signed, key = v.Verify(s, body); key != nil || len(body) > maxCanonicalBytes {
		return signed, key
	}
	canonical, err := jcs.Transform(body)
	if err != nil {
		return nil, nil
	}
	return v.Verify(s, canonical)
}

// Sign returns the X-Inngest-Signature header for a body. The key is one that Verify
// returned, or the SecretPart of a signing key.
func Sign(key, body []byte, now time.Time) string {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	return "t=" + timestamp + "&s=" + hex.EncodeToString(sum(key, body, timestamp))
}

func sum(key, body []byte, timestamp string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return mac.Sum(nil)
}
