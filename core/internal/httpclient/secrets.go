package httpclient

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ShownURL returns a URL for logs and errors: without its password, and without a user name
// that has no password, which may be a token.
func ShownURL(u *url.URL) string {
	shown := *u
	if _, hasPassword := u.User.Password(); u.User != nil && !hasPassword {
		shown.User = url.UserPassword("", u.User.Username())
	}
	return shown.Redacted()
}

// minSecret is the length in bytes below which a secret is not removed from text: it may be
// an ordinary word, such as an event key for a dev server.
const minSecret = 6

// removed replaces what is removed from text.
const removed = "…"

// Secrets removes the keys and passwords of an app from text that others write: errors and
// panics of transports, and responses. Proxies and test doubles like to repeat the request.
// The nil value removes nothing.
type Secrets struct{ known *strings.Replacer }

// NewSecrets returns what removes values, in each form that they have in requests and in
// text about requests.
func NewSecrets(values ...string) *Secrets {
	var all []string
	for _, value := range values {
		if len(value) >= minSecret {
			all = append(all, forms(value)...)
		}
	}
	// A replacer tries the values in order, and a short one may be a part of a longer one.
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(all))
	for _, form := range all {
		pairs = append(pairs, form, removed)
	}
	return &Secrets{strings.NewReplacer(pairs...)}
}

// forms returns a value as it is in paths, queries, URLs, JSON, quotes and HTML.
func forms(value string) []string {
	inJSON, _ := json.Marshal(value) // a string cannot fail
	quoted, ascii := strconv.Quote(value), strconv.QuoteToASCII(value)
	return []string{
		value, url.PathEscape(value), (&url.URL{Path: value}).EscapedPath(), url.QueryEscape(value), url.User(value).String(),
		url.UserPassword("", value).String()[len(":"):], string(inJSON[1 : len(inJSON)-1]), quoted[1 : len(quoted)-1],
		ascii[1 : len(ascii)-1], html.EscapeString(value), base64.StdEncoding.EncodeToString([]byte(value)),
	}
}

// InURL returns the secrets in a URL: its password, or the user name if that has none, and
// both as the header Authorization has them.
func InURL(raw string) []string {
	u, err := url.Parse(raw)
	if err != nil || u.User == nil {
		return nil
	}
	user := u.User.Username()
	password, _ := u.User.Password()
	return []string{cmp.Or(password, user), user + ":" + password}
}

var (
	// credentials are those in a URL, for example in that of a proxy.
	credentials = regexp.MustCompile(`://[^/\s]*@`)
	// basic is a header Authorization or Proxy-Authorization.
	basic = regexp.MustCompile(`(?i)\bbasic ([\w+/-]{4,}=*)`)
)

// Text returns text without secrets, and without the credentials in any URL.
func (s *Secrets) Text(text string) string {
	if s == nil {
		return text
	}
	text = credentials.ReplaceAllLiteralString(s.known.Replace(text), "://"+removed+"@")
	return basic.ReplaceAllStringFunc(text, func(found string) string {
		if sent, err := base64.StdEncoding.DecodeString(found[len("basic "):]); err == nil && strings.Contains(string(sent), ":") {
			return found[:len("basic ")] + removed
		}
		return found
	})
}

// Error returns err if its text has no secret, and otherwise an error with the text without
// them, which wraps nothing: what it wrapped would show them.
func (s *Secrets) Error(err error) error {
	if err == nil {
		return nil
	}
	if text := err.Error(); s.Text(text) != text {
		return errors.New(s.Text(text))
	}
	return err
}
