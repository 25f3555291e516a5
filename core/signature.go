package inngestkit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"time"

	"github.com/gowebpki/jcs"
)

// signatureWindow is how far the clocks of server and app may differ, either
// way. The server's SDK specification has 5 minutes (docs/SDK_SPEC.md, 4.1.3).
const signatureWindow = 5 * time.Minute

// signatureError says why a signature is not accepted, to strangers, too.
type signatureError struct {
	cause   cause
	message string
}

func (e *signatureError) Error() string { return e.message }

var (
	errNoSignature = &signatureError{unsigned, "the X-Inngest-Signature header is missing, and the app is in cloud mode; " +
		"for the dev server set INNGEST_DEV=1 (Config.Dev)"}
	errMalformedSignature = &signatureError{
		malformedSignature, "the X-Inngest-Signature header is malformed; it is t=<unix time>&s=<hex>",
	}
	errSignatureTime = &signatureError{
		untimelySignature, "the signature is too old or from the future; compare the clocks",
	}
	errWrongSignature = &signatureError{wrongSignature, "the signature does not match the body; " +
		"compare INNGEST_SIGNING_KEY with the server's, and see that no proxy or middleware changes bodies"}
	errSignedEmpty = &signatureError{wrongSignature, "the signature does not match the body: " + errEmpty.Error()}
)

// signature is an X-Inngest-Signature header.
type signature struct {
	timestamp string
	sum       []byte
}

// parseSignature checks what can be checked of a signature without the body: its
// presence, its form and its time.
func parseSignature(header string, now time.Time) (signature, *signatureError) {
	if header == "" {
		return signature{}, errNoSignature
	}
	values, err := url.ParseQuery(header)
	if err != nil {
		return signature{}, errMalformedSignature
	}
	s := signature{timestamp: values.Get("t")}
	if s.sum, err = hex.DecodeString(values.Get("s")); err != nil || len(s.sum) != sha256.Size {
		return signature{}, errMalformedSignature
	}
	seconds, err := strconv.ParseInt(s.timestamp, 10, 64)
	if err != nil {
		return signature{}, errMalformedSignature
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > signatureWindow || age < -signatureWindow {
		return signature{}, errSignatureTime
	}
	return s, nil
}

// verifier checks signatures with the app's keys, the fallback key second.
type verifier struct{ keys [][]byte }

func newVerifier(keys ...Secret) *verifier {
	v := &verifier{}
	for _, key := range keys {
		if secret := secretPart(key); secret != "" {
			v.keys = append(v.keys, []byte(secret))
		}
	}
	return v
}

// verify returns the key that a body was signed with, nil if it was none of the
// app's. The server signs the bytes of calls as it sends them (MarshalV1 in its
// pkg/execution/driver, Sign in httpdriver), so nothing else is accepted.
func (v *verifier) verify(s signature, body []byte) (key []byte) {
	for _, key := range v.keys {
		if hmac.Equal(s.sum, signatureSum(key, body, s.timestamp)) {
			return key
		}
	}
	return nil
}

// maxCanonicalBytes bounds the bodies that are brought into canonical form, for
// strangers can ask for it, and numbers in it can take 4 s for a MiB.
const maxCanonicalBytes = 4 << 10

// verifySmall is verify for syncs and probes. The server signs those in canonical
// JSON and sends them as encoding/json has them, with & as \u0026 (Ping in its
// pkg/deploy). It returns the bytes that were signed, which are to be used and not
// the body.
func (v *verifier) verifySmall(s signature, body []byte) (signed, key []byte) {
	if key := v.verify(s, body); key != nil {
		return body, key
	}
	if len(body) > maxCanonicalBytes {
		return nil, nil
	}
	canonical, err := jcs.Transform(body)
	if err != nil {
		return nil, nil
	}
	return canonical, v.verify(s, canonical)
}

func signatureSum(key, body []byte, timestamp string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return mac.Sum(nil)
}

// sign makes the X-Inngest-Signature header for a body.
func sign(key, body []byte, now time.Time) string {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	return "t=" + timestamp + "&s=" + hex.EncodeToString(signatureSum(key, body, timestamp))
}

// hashedKey is the form in which a signing key authenticates requests to the
// API: the prefix, and the hash of the secret part (docs/SDK_SPEC.md, 4.1.4). It
// is "" for no key.
func hashedKey(key Secret) string {
	secret, err := hex.DecodeString(secretPart(key))
	if err != nil || len(secret) == 0 {
		return "" // New refuses keys that are not hexadecimal.
	}
	sum := sha256.Sum256(secret)
	return keyPrefix.FindString(string(key)) + hex.EncodeToString(sum[:])
}
