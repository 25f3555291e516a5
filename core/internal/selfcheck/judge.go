package selfcheck

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxQuoted is how much of an unexpected response, in bytes, a finding quotes.
const maxQuoted = 200

// judge returns what is wrong with the response to a probe.
func (c check) judge(p probe, got response) []error {
	request, path := c.describe(p), c.url.Path
	if from := cachedBy(got.header); from != "" {
		return []error{fmt.Errorf("%s was answered by a cache (%s), so the server would get outdated responses; "+
			"exclude %s from the cache", request, from, path)}
	}
	if got.header.Get(headerHandled) == "" {
		by := ""
		if server := got.header.Get("Server"); server != "" {
			by = fmt.Sprintf(" from %q", server)
		}
		return []error{fmt.Errorf("%s was not answered by the app but with %d %s%s%s: %s",
			request, got.status, http.StatusText(got.status), by, quoted(got.body), c.foreignCause(p, got))}
	}
	if got.status != http.StatusOK {
		return []error{fmt.Errorf("%s was answered by the app with %d: %s; %s",
			request, got.status, messageOf(got.body), c.ownCause(p, got))}
	}
	var findings []error
	if got.header.Get(headerSDK) == "" {
		findings = append(findings, fmt.Errorf("%s was answered without the header X-Inngest-SDK, so the server would treat "+
			"the response as that of another program; let the headers of the app pass", request))
	}
	if encoding := got.header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		findings = append(findings, fmt.Errorf("%s was answered with Content-Encoding %q, which the server has not requested "+
			"and cannot read; exclude %s from compression", request, encoding, path))
	} else if c.altered(p, got) {
		findings = append(findings, fmt.Errorf("%s was answered with something other than what the app writes%s; "+
			"either something changes responses and must exclude %s, or another app responds: compare the signing keys",
			request, quoted(got.body), path))
	}
	return findings
}

// describe describes a probe for users.
func (c check) describe(p probe) string {
	switch {
	case p.chunked:
		return fmt.Sprintf("%s %s with the largest body the server sends, 4 MiB, here in chunks,", p.method, c.url)
	case p.large:
		return fmt.Sprintf("%s %s with the largest body the server sends, 4 MiB,", p.method, c.url)
	default:
		return fmt.Sprintf("%s %s", p.method, c.url)
	}
}

// unanswered returns the finding that a probe got no response.
func (c check) unanswered(p probe, err error) error {
	cure := "is it the port of an HTTP server? Compare ServePort (PORT) and ServeHost (INNGEST_SERVE_HOST), " +
		"including http or https, with where and how it listens"
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		cure = "the Inngest server verifies certificates, too"
	} else if p.large {
		cure = c.raiseBodyLimit()
	}
	return fmt.Errorf("%s got no response: %w; %s", c.describe(p), err, cure)
}

// raiseBodyLimit returns what to do if the largest body does not arrive.
func (c check) raiseBodyLimit() string {
	if c.options.MaxBodyBytes < MaxServerBody {
		return fmt.Sprintf("raise Config.MaxBodyBytes to %d or more", MaxServerBody)
	}
	return fmt.Sprintf("something limits bodies: raise its limit for %s to 4 MiB or more", c.url.Path)
}

// foreignCause guesses what has responded in place of the app, and returns what to do.
func (c check) foreignCause(p probe, got response) string {
	path := c.url.Path
	switch status := got.status; {
	case status == http.StatusRequestEntityTooLarge, p.large && status == http.StatusBadRequest:
		return c.raiseBodyLimit()
	case status == http.StatusUnauthorized, status == http.StatusProxyAuthRequired:
		return fmt.Sprintf("authentication is in front of it; exclude %s, because the app verifies the server's signature itself",
			path)
	case status == http.StatusBadRequest && bytes.Contains(got.body, []byte("HTTPS server")): // from net/http
		return "it listens with TLS; set ServeHost (INNGEST_SERVE_HOST) to a URL with https"
	case status == http.StatusBadRequest, status == http.StatusForbidden, status == 419: // some frameworks' "page expired"
		return fmt.Sprintf("CSRF protection, authentication or a firewall is in front of it and must exclude %s, "+
			"because the app verifies the server's signature itself; or it is the port of another program (PORT)", path)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return c.pathCure()
	case status == http.StatusTooManyRequests:
		return fmt.Sprintf("a rate limit is in front of it; exclude %s, and limit concurrent calls with Config.MaxInFlight "+
			"or flow control", path)
	case status >= 300 && status < 400:
		return fmt.Sprintf("it redirects%s, and the server would follow with GET; set ServeHost and ServePath to "+
			"the final URL, exclude %s from the redirect, or redirect with 308", redirectTarget(got.header), path)
	case status >= http.StatusInternalServerError:
		return "a proxy or a middleware failed before the app; see its log"
	default:
		return "another handler responds, a catch-all route, a timeout or a cache, or it is the port of another program; " +
			"mount the app before the catch-all, and compare ServePort (PORT)"
	}
}

// pathCure returns what to do if the app is not at the announced path.
func (c check) pathCure() string {
	if other := c.options.OtherPath(); other != "" {
		return fmt.Sprintf("the app has received a request at %s; set ServePath (INNGEST_SERVE_PATH) to that path", other)
	}
	return "the app is elsewhere: compare ServePort (PORT), ServeHost (INNGEST_SERVE_HOST), Config.Path and the groups " +
		"around it; below http.StripPrefix, in a sub-router or behind a proxy set ServePath (INNGEST_SERVE_PATH)"
}

// ownCause returns why the app itself refuses a probe that it should accept.
func (c check) ownCause(p probe, got response) string {
	switch {
	case p.large && (got.status == http.StatusBadRequest || got.status == http.StatusRequestEntityTooLarge):
		return c.raiseBodyLimit()
	case got.status == http.StatusUnauthorized:
		return "something in front of the app changes bodies or removes headers, or another app with another key responds"
	default:
		return "see the app's log"
	}
}

// altered reports whether a response differs from what an app writes.
func (c check) altered(p probe, got response) bool {
	if p.method != http.MethodPost {
		return !json.Valid(got.body)
	}
	if string(got.body) != "{}" {
		return true
	}
	return c.options.Verify != nil && !c.options.Verify(got.header.Get(headerSignature), got.body)
}

// cachedBy returns the header that shows that a cache has responded, "" if none does.
func cachedBy(h http.Header) string {
	for _, key := range []string{"X-Cache", "X-Cache-Status", "Cf-Cache-Status"} {
		for value := range strings.SplitSeq(strings.ToLower(h.Get(key)), ",") {
			// HIT, TCP_HIT, RefreshHit from cloudfront; but not hit-for-pass.
			if words := strings.Fields(value); len(words) > 0 && strings.HasSuffix(words[0], "hit") {
				return key + ": " + h.Get(key)
			}
		}
	}
	// RFC 9211 defines the parameter hit.
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

// redirectTarget returns where a redirect leads, without the parts that may be secret.
func redirectTarget(h http.Header) string {
	u, err := url.Parse(h.Get("Location"))
	if err != nil || h.Get("Location") == "" {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return " to " + u.String()
}

// messageOf returns the message of one of the app's own errors.
func messageOf(body []byte) string {
	var e struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &e) != nil || e.Message == "" {
		return "without a message"
	}
	return e.Message
}

// quoted returns the beginning of an unexpected response, so that users recognize it.
func quoted(body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), maxQuoted)]))
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", text)
}
