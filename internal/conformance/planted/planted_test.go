package planted_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/internal/conformance/planted"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A secret is found in every form that the standard library gives it, and in parts.
func TestFormsAreFound(t *testing.T) {
	t.Parallel()
	const value = `Pa/ss+"wörd<&>%0123 456'x`
	finder := planted.NewFinder(planted.Secret{Name: "it", Value: value})
	inJSON, err := json.Marshal(map[string]string{"key": value})
	require.NoError(t, err)
	inXML, err := xml.Marshal(value)
	require.NoError(t, err)
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth("user", value)
	for name, text := range map[string]string{
		"itself":           "before " + value + " after",
		"upper case":       strings.ToUpper(value),
		"first half":       value[:len(value)/2],
		"second half":      value[len(value)/2:],
		"path":             (&url.URL{Path: "/e/" + value}).String(),
		"escaped path":     "/e/" + url.PathEscape(value),
		"query":            url.Values{"key": {value}}.Encode(),
		"user":             (&url.URL{Scheme: "http", User: url.UserPassword("a", value)}).String(),
		"JSON":             string(inJSON),
		"XML":              string(inXML),
		"%q":               fmt.Sprintf("%q", value),
		"%+q":              fmt.Sprintf("%+q", value),
		"%x":               fmt.Sprintf("%x", value),
		"% X":              fmt.Sprintf("% X", value),
		"%v of bytes":      fmt.Sprint([]byte("key " + value)),
		"%#v of bytes":     fmt.Sprintf("%#v", []byte("key "+value)),
		"base64":           base64.StdEncoding.EncodeToString([]byte(value)),
		"base64, offset 1": base64.StdEncoding.EncodeToString([]byte("a" + value + "b")),
		"base64, offset 2": base64.URLEncoding.EncodeToString([]byte("ab" + value)),
		"Authorization":    req.Header.Get("Authorization"),
		"a header":         fmt.Sprint(req.Header),
	} {
		require.NotEmpty(t, finder.Find(text), "%s: %s", name, text)
	}
	require.Empty(t, finder.Find("anything else, "+value[:9]+" and "+base64.StdEncoding.EncodeToString([]byte("something"))))
}

// A signing key is found without its prefix, decoded, and hashed. Its prefix is public.
func TestSigningKeysAreFound(t *testing.T) {
	t.Parallel()
	const digits = "00112233445566778899aabbccddeeff"
	finder := planted.NewFinder(planted.SigningKey("the key", "signkey-prod-"+digits)...)
	raw, err := hex.DecodeString(digits)
	require.NoError(t, err)
	for text, want := range map[string]string{
		"signkey-prod-" + digits:               "the key",
		"key " + digits[4:20]:                  "the key",
		string(raw):                            "the bytes of the key",
		base64.StdEncoding.EncodeToString(raw): "the bytes of the key",
		// As sha256sum prints it.
		"Bearer signkey-prod-a8faed6abbf35c12a4b26e40f6feb19d736d90045c83b9f9a31f638d323e6811": "the hash of the key",
	} {
		require.Contains(t, strings.Join(finder.Find(text), ", "), want, text)
	}
	require.Empty(t, finder.Find("signkey-prod-"))
}
