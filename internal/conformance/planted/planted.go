// Package planted finds secrets that a test has planted, in every form in which a program may
// write them.
package planted

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A Secret is a value that must not appear.
type Secret struct {
	Name  string // in the messages of tests
	Value string
}

// window is how many characters of a secret in a row count as the secret. A part of a random
// value is then found, and unrelated text is not.
const window = 12

// Finder finds secrets in text. It is safe for concurrent use.
type Finder struct {
	windows map[string]string // the secret and its form, by lower-case part of it
	sizes   []int             // the lengths of the parts
}

// NewFinder returns a finder of secrets. Values of less than 6 characters would be found in
// unrelated text, and make NewFinder panic.
func NewFinder(secrets ...Secret) *Finder {
	f := &Finder{windows: map[string]string{}}
	for _, secret := range secrets {
		if len(secret.Value) < window/2 {
			panic("planted: the value of " + secret.Name + " is too short to be found")
		}
		for how, text := range forms(secret.Value) {
			text = strings.ToLower(text)
			size := min(window*max(1, len(text)/len(secret.Value)), len(text)) // some forms have several characters for one
			if !slices.Contains(f.sizes, size) {
				f.sizes = append(f.sizes, size)
			}
			for i := range len(text) - size + 1 {
				if part := text[i : i+size]; f.windows[part] == "" {
					f.windows[part] = secret.Name + how
				}
			}
		}
	}
	return f
}

// Find returns which secrets are in text and in which form, without duplicates.
func (f *Finder) Find(text string) []string {
	text = strings.ToLower(text)
	found := map[string]bool{}
	for _, size := range f.sizes {
		for i := range len(text) - size + 1 {
			if name, ok := f.windows[text[i:i+size]]; ok {
				found[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Absent fails the test if text contains a secret. The place says where the text is from.
func (f *Finder) Absent(tb testing.TB, place, text string) {
	tb.Helper()
	if found := f.Find(text); len(found) > 0 {
		require.Fail(tb, "a secret is in "+place, "%s\n%s", strings.Join(found, ", "), text)
	}
}

// forms returns the forms of a value by how they are made.
func forms(value string) map[string]string {
	quoted, _ := json.Marshal(value) // a string cannot fail
	raw := []byte(value)
	all := map[string]string{
		"":                             value,
		", escaped for a path":         url.PathEscape(value),
		", escaped for a query":        url.QueryEscape(value),
		", escaped as user":            url.User(value).String(),
		", in JSON":                    trimQuotes(string(quoted)),
		", quoted":                     trimQuotes(strconv.Quote(value)),
		", quoted in ASCII":            trimQuotes(strconv.QuoteToASCII(value)),
		", in HTML":                    html.EscapeString(value),
		", in hexadecimal":             hex.EncodeToString(raw),
		", as decimal bytes":           strings.Trim(fmt.Sprint(raw), "[]"),
		", as bytes in Go":             strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", raw), "[]byte{"), "}"),
		", as escapes for a shell":     fmt.Sprintf("%+q", value),
		", hexadecimal with separator": fmt.Sprintf("% x", raw),
	}
	for offset := range 3 {
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "URL-safe base64": base64.RawURLEncoding} {
			all[fmt.Sprintf(", in %s at offset %d", name, offset)] = base64At(encoding, raw, offset)
		}
	}
	return all
}

func trimQuotes(s string) string { return s[1 : len(s)-1] }

// base64At returns the characters that encode only bytes of value, if it begins at an offset
// within what is encoded.
func base64At(encoding *base64.Encoding, value []byte, offset int) string {
	const bits = 6 // of a character
	encoded := encoding.EncodeToString(append(make([]byte, offset), value...))
	first := (8*offset + bits - 1) / bits
	last := 8 * (offset + len(value)) / bits
	return encoded[first:last]
}

var keyPrefix = regexp.MustCompile(`^signkey-\w+-`)

// SigningKey returns the secrets of a signing key: the key without its prefix, which is
// public, the bytes that it stands for, and their hash, which authorizes requests to the API
// of the Inngest server.
func SigningKey(name, key string) []Secret {
	digits := keyPrefix.ReplaceAllString(key, "")
	raw, err := hex.DecodeString(digits)
	if err != nil {
		panic("planted: " + name + " is not a signing key")
	}
	sum := sha256.Sum256(raw)
	return []Secret{
		{name, digits}, {"the bytes of " + name, string(raw)},
		{"the hash of " + name, hex.EncodeToString(sum[:])}, {"the hashed bytes of " + name, string(sum[:])},
	}
}
