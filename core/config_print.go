package inngestkit

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// printable is a Config that fmt and encoding/json print field by field.
type printable Config

// printable is c without what must not be shown. The keys hide themselves.
func (c Config) printable() printable {
	for _, u := range []*string{&c.BaseURL, &c.APIBaseURL, &c.EventAPIBaseURL, &c.ServeHost} {
		*u = shownURL(*u)
	}
	return printable(c)
}

// String returns the fields for %v and the like, without keys and without the
// passwords in URLs.
func (c Config) String() string { return fmt.Sprintf("%+v", c.printable()) }

// GoString is String, for %#v.
func (c Config) GoString() string { return "inngestkit.Config" + c.String() }

// LogValue is String, for log/slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON is String, for encoding/json: an object of the fields, without
// HTTPClient and Logger. It is for people; no Config can be read from it.
func (c Config) MarshalJSON() ([]byte, error) {
	c.HTTPClient, c.Logger = nil, nil
	return json.Marshal(c.printable()) //nolint:musttag,staticcheck // documented names; HTTPClient is nil
}

// shownURL is a URL, or what somebody has taken for one, without what may be secret
// in it: its user's password, and a query.
func shownURL(s string) string {
	if !strings.ContainsAny(s, "@?#") {
		return s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "(not a URL)"
	}
	u.RawQuery, u.Fragment = "", ""
	return u.Redacted()
}
