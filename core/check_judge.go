package inngestkit

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// maxQuotedFinding is how much of a foreign answer, in bytes, a finding quotes.
const maxQuotedFinding = 200

// request describes a probe to people.
func (c endpointCheck) request(p probe) string {
	switch {
	case p.chunked:
		return fmt.Sprintf("%s %s with the largest body the server sends, 4 MiB, here in chunks,", p.method, c.url)
	case p.large:
		return fmt.Sprintf("%s %s with the largest body the server sends, 4 MiB,", p.method, c.url)
	default:
		return fmt.Sprintf("%s %s", p.method, c.url)
	}
}

// raiseBodyLimit is the cure if the largest body does not arrive.
func (c endpointCheck) raiseBodyLimit() string {
	if c.app.config.MaxBodyBytes < maxServerBody {
		return fmt.Sprintf("raise Config.MaxBodyBytes to %d or more", maxServerBody)
	}
	return fmt.Sprintf("something limits bodies: raise its limit for %s to 4 MiB or more", c.url.Path)
}

// unanswered is the finding that there was no answer to a probe.
func (c endpointCheck) unanswered(p probe, err error) error {
	cure := "is it the port of an HTTP server? Compare ServePort (PORT) and ServeHost (INNGEST_SERVE_HOST), " +
		"its http or https too, with where and how it listens"
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		cure = "the server verifies certificates, too"
	} else if p.large {
		cure = c.raiseBodyLimit()
	}
	return fmt.Errorf("%s got no answer: %w; %s", c.request(p), err, cure)
}

// judge says what is wrong with the answer to a probe.
func (c endpointCheck) judge(p probe, got answer) []error {
	if from := cachedBy(got.header); from != "" {
		return []error{fmt.Errorf("%s was answered by a cache (%s), so the server would get old answers; leave %s out of it",
			c.request(p), from, c.url.Path)}
	}
	ours := got.header.Get(headerSDKHandled) != ""
	if !ours {
		by := ""
		if server := got.header.Get("Server"); server != "" {
			by = fmt.Sprintf(" from %q", server)
		}
		return []error{fmt.Errorf("%s was not answered by the app but with %d %s%s%s: %s",
			c.request(p), got.status, http.StatusText(got.status), by, quoted(got.body), c.cause(p, got))}
	}
	if got.status != http.StatusOK {
		return []error{fmt.Errorf("%s was answered by the app with %d: %s; %s",
			c.request(p), got.status, messageOf(got.body), c.ownCause(p, got))}
	}
	var findings []error
	if got.header.Get(headerSDK) == "" {
		findings = append(findings, fmt.Errorf("%s was answered without the header X-Inngest-SDK, and the server takes that "+
			"for the answer of something else; let the headers of the app pass", c.request(p)))
	}
	if encoding := got.header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		findings = append(findings, fmt.Errorf("%s was answered with Content-Encoding %q, which was not asked for "+
			"and the server cannot read; leave %s out of the compression", c.request(p), encoding, c.url.Path))
	} else if c.changed(p, got) {
		findings = append(findings, fmt.Errorf("%s was answered with something else than the app wrote%s; "+
			"something changes answers, or it is not this app: leave %s out of it, or compare the signing keys",
			c.request(p), quoted(got.body), c.url.Path))
	}
	return findings
}

// cause guesses what has answered in the app's place.
func (c endpointCheck) cause(p probe, got answer) string {
	path := c.url.Path
	switch status := got.status; {
	case status == http.StatusRequestEntityTooLarge, p.large && status == http.StatusBadRequest:
		return c.raiseBodyLimit()
	case status == http.StatusUnauthorized, status == http.StatusProxyAuthRequired:
		return fmt.Sprintf("authentication is in front of it; leave %s out, the app verifies the server's signature itself", path)
	case status == http.StatusBadRequest && bytes.Contains(got.body, []byte("HTTPS server")): // net/http says so
		return "it listens with TLS; set ServeHost (INNGEST_SERVE_HOST) to a URL with https"
	case status == http.StatusBadRequest, status == http.StatusForbidden, status == 419: // 419 is some frameworks' "page expired"
		return fmt.Sprintf("CSRF protection, authentication or a firewall is in front of it, and %s has to be left out, "+
			"because the app verifies the server's signature itself; or it is the port of another program (PORT)", path)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return "the app is elsewhere: compare ServePort (PORT), ServeHost (INNGEST_SERVE_HOST), Config.Path and the groups " +
			"around it; below http.StripPrefix or a proxy set ServePath (INNGEST_SERVE_PATH)"
	case status == http.StatusTooManyRequests:
		return fmt.Sprintf("a rate limit is in front of it; leave %s out, and bound what runs with Config.MaxInFlight "+
			"or flow control", path)
	case status >= 300 && status < 400:
		return fmt.Sprintf("it redirects%s, and the server would come there with GET; set ServeHost and ServePath to "+
			"the final URL, leave %s out of the redirect, or redirect with 308", redirectTarget(got.header), path)
	case status >= http.StatusInternalServerError:
		return "a proxy or a middleware failed before the app; see its log"
	default:
		return "another handler answers, a catch-all route, a timeout or a cache, or it is the port of another program; " +
			"mount the app before the catch-all, and compare ServePort (PORT)"
	}
}

// ownCause says why the app itself refuses a probe that it should take.
func (c endpointCheck) ownCause(p probe, got answer) string {
	switch {
	case p.large && (got.status == http.StatusBadRequest || got.status == http.StatusRequestEntityTooLarge):
		return c.raiseBodyLimit()
	case got.status == http.StatusUnauthorized:
		return "something in front of the app changes bodies or removes headers, or another app with another key answers"
	default:
		return "see the app's log"
	}
}

// changed reports whether the answer to a probe is not what an app writes.
func (c endpointCheck) changed(p probe, got answer) bool {
	if p.method != http.MethodPost {
		return !json.Valid(got.body)
	}
	if string(got.body) != "{}" {
		return true
	}
	if c.key() == nil {
		return false
	}
	signature, err := signing.Parse(got.header.Get(headerSignature), time.Now())
	_, key := c.app.verifier.Verify(signature, got.body)
	return err != nil || key == nil
}

// cachedBy is the header with which a cache says that it has answered, "" if none
// does.
func cachedBy(h http.Header) string {
	for _, key := range []string{"X-Cache", "X-Cache-Status", "Cf-Cache-Status"} {
		for answer := range strings.SplitSeq(strings.ToLower(h.Get(key)), ",") {
			// HIT, TCP_HIT, RefreshHit from cloudfront; but not hit-for-pass.
			if words := strings.Fields(answer); len(words) > 0 && strings.HasSuffix(words[0], "hit") {
				return key + ": " + h.Get(key)
			}
		}
	}
	// The parameter hit is RFC 9211's.
	for parameter := range strings.FieldsFuncSeq(h.Get("Cache-Status"), func(r rune) bool { return r == ';' || r == ',' }) {
		if parameter = strings.TrimSpace(parameter); parameter == "hit" || parameter == "hit=?1" {
			return "Cache-Status: " + h.Get("Cache-Status")
		}
	}
	if age := h.Get("Age"); age != "" && age != "0" {
		return "Age: " + age
	}
	return ""
}

// redirectTarget is where a redirect leads, without what may be secret in it.
func redirectTarget(h http.Header) string {
	u, err := url.Parse(h.Get("Location"))
	if err != nil || h.Get("Location") == "" {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return " to " + u.String()
}

// messageOf is the message of one of the app's own errors.
func messageOf(body []byte) string {
	var e errorBody
	if json.Unmarshal(body, &e) != nil || e.Message == "" {
		return "without a message"
	}
	return e.Message
}

// quoted is the beginning of a foreign answer, to recognise it by.
func quoted(body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), maxQuotedFinding)]))
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", text)
}
