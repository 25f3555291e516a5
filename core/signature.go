package inngestkit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/gowebpki/jcs"
)

// signatureWindow is how far the clocks of server and app may differ, either
// way. The server's SDK specification has 5 minutes (docs/SDK_SPEC.md, 4.1.3).
const signatureWindow = 5 * time.Minute

var (
	errNoSignature        = errors.New("the X-Inngest-Signature header is missing")
	errMalformedSignature = errors.New("the X-Inngest-Signature header is malformed; it is t=<unix time>&s=<hex>")
	errSignatureTime      = errors.New("the signature is too old or from the future; compare the clocks")
	errWrongSignature     = errors.New("the signature does not match; compare INNGEST_SIGNING_KEY with the server's")
)

// maxCanonicalBytes bounds the bodies that are brought into canonical form.
// Strangers can ask for that with any signature, and it takes some 300 ms and
// 90 MB for a MiB of small values.
const maxCanonicalBytes = 1 << 20

// verifier checks signatures with the app's keys, the fallback key second.
type verifier struct {
	keys [][]byte
	// canonical lets one body at a time be brought into canonical form.
	canonical sync.Mutex
}

func newVerifier(keys ...Secret) *verifier {
	v := &verifier{}
	for _, key := range keys {
		if secret := secretPart(key); secret != "" {
			v.keys = append(v.keys, []byte(secret))
		}
	}
	return v
}

// verify checks the signature of body and returns the key it was made with. The
// server signs the bytes it sends, in canonical JSON; if a proxy has formatted
// them anew, the canonical form of what arrived still matches, up to 1 MiB.
func (v *verifier) verify(signature string, body []byte, now time.Time) (key []byte, err error) {
	if signature == "" {
		return nil, errNoSignature
	}
	timestamp, sum, err := parseSignature(signature)
	if err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return nil, errMalformedSignature
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > signatureWindow || age < -signatureWindow {
		return nil, errSignatureTime
	}
	if key := v.match(sum, body, timestamp); key != nil {
		return key, nil
	}
	if key := v.match(sum, v.canonicalize(body), timestamp); key != nil {
		return key, nil
	}
	return nil, errWrongSignature
}

// canonicalize returns the canonical form of a body, or the body itself if it
// has none or is too large.
func (v *verifier) canonicalize(body []byte) []byte {
	if len(body) > maxCanonicalBytes {
		return body
	}
	v.canonical.Lock()
	defer v.canonical.Unlock()
	canonical, err := jcs.Transform(body)
	if err != nil {
		return body
	}
	return canonical
}

func (v *verifier) match(sum, body []byte, timestamp string) []byte {
	for _, key := range v.keys {
		if hmac.Equal(sum, signatureSum(key, body, timestamp)) {
			return key
		}
	}
	return nil
}

func parseSignature(signature string) (timestamp string, sum []byte, err error) {
	values, err := url.ParseQuery(signature)
	if err != nil {
		return "", nil, errMalformedSignature
	}
	timestamp = values.Get("t")
	sum, err = hex.DecodeString(values.Get("s"))
	if err != nil || len(sum) != sha256.Size {
		return "", nil, errMalformedSignature
	}
	return timestamp, sum, nil
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
