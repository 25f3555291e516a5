package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"slices"
	"strings"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// malformed is a request without a valid signature.
type malformed struct {
	name   string
	method string
	// bytes is what is sent. It may contain requests to hiddenPath.
	bytes []byte
	// follows reports that, by RFC 9112, the request ends early, so that what follows is the
	// next request. A server may serve it or hang up.
	follows bool
}

// hidden is a request in the bytes of another.
var hidden = head(http.MethodGet, hiddenPath)

// corpus returns all malformed requests.
func corpus() []malformed {
	return slices.Concat(framings(), targets(), methods(), headers(), bodies())
}

// post returns a POST to the endpoint with the rest of its headers and its body.
func post(name, rest string) malformed {
	return malformed{name: name, method: http.MethodPost, bytes: []byte("POST " + target + " HTTP/1.1\r\nHost: warehouse.test\r\n" + rest)}
}

// framings are requests whose end a proxy and a server may see differently.
func framings() []malformed {
	first := func(m malformed) malformed { m.follows = true; return m }
	n := len(hidden)
	return []malformed{
		post("two lengths, short first", fmt.Sprintf("Content-Length: 0\r\nContent-Length: %d\r\n\r\n", n)+hidden),
		post("two lengths, long first", fmt.Sprintf("Content-Length: %d\r\nContent-Length: 0\r\n\r\n", n)+hidden),
		post("a list of lengths", fmt.Sprintf("Content-Length: 0, %d\r\n\r\n", n)+hidden),
		post("a signed length", fmt.Sprintf("Content-Length: +%d\r\n\r\n", n)+hidden),
		post("a negative length", "Content-Length: -1\r\n\r\n"+hidden),
		post("a length in hexadecimal", "Content-Length: 0x0\r\n\r\n"+hidden),
		post("a length with a space", "Content-Length: 0 0\r\n\r\n"+hidden),
		post("a length with an underscore", "Content-Length: 0_0\r\n\r\n"+hidden),
		post("an empty length", "Content-Length: \r\n\r\n"+hidden),
		post("a length that overflows 64 bits", "Content-Length: 18446744073709551616\r\n\r\n"+hidden),
		post("a length that overflows 63 bits", "Content-Length: 9223372036854775808\r\n\r\n"+hidden),
		post("the largest length", "Content-Length: 9223372036854775807\r\n\r\n"+hidden),
		post("a space before the colon", "Content-Length : 0\r\n\r\n"+hidden),
		post("a space before the colon of an encoding", fmt.Sprintf("Transfer-Encoding : chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n", 5+n)+hidden),
		post("an unknown encoding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"+hidden),
		post("identity", fmt.Sprintf("Transfer-Encoding: identity\r\nContent-Length: %d\r\n\r\n", n)+hidden),
		post("chunked is not last", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"+hidden),
		post("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+hidden),
		post("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"+hidden),
		post("chunked after a vertical tab", "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"+hidden),
		first(post("a length and chunks", fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 5+n)+hidden)),
		post("a folded encoding", fmt.Sprintf("Content-Length: %d\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n", n)+hidden),
		post("a folded header", fmt.Sprintf("X-Inngest-Signature: t=1\r\n &s=2\r\nContent-Length: %d\r\n\r\n", n)+hidden),
		post("a line that starts with a space", fmt.Sprintf(" Content-Length: 0\r\nContent-Length: %d\r\n\r\n", n)+hidden),
		post("a bare CR in a header", fmt.Sprintf("X: y\rContent-Length: 0\r\nContent-Length: %d\r\n\r\n", n)+hidden),
		post("a null byte in a header", fmt.Sprintf("X: a\x00b\r\nContent-Length: %d\r\n\r\n", n)+hidden),
		post("a header without a name", fmt.Sprintf(": x\r\nContent-Length: %d\r\n\r\n", n)+hidden),
		post("a header without a colon", fmt.Sprintf("Content-Length\r\nContent-Length: %d\r\n\r\n", n)+hidden),
		post("chunk extensions", chunkedHead+fmt.Sprintf("%x;a=%s\r\n%s\r\n0\r\n\r\n", n, strings.Repeat("b", 1000), hidden)),
		post("a chunk extension with a line feed", chunkedHead+fmt.Sprintf("%x;\n%s\r\n0\r\n\r\n", n, hidden)),
		post("a chunk that is longer than its length", chunkedHead+"1\r\nxx\r\n0\r\n\r\n"+hidden),
		post("a negative chunk", chunkedHead+"-1\r\n\r\n0\r\n\r\n"+hidden),
		post("a chunk that overflows", chunkedHead+"10000000000000000\r\n\r\n0\r\n\r\n"+hidden),
		post("a chunk in 0x notation", chunkedHead+fmt.Sprintf("0x%x\r\n", n)+hidden+"\r\n0\r\n\r\n"),
		post("a trailer of a signature", chunkedHead+"0\r\n"+signed("")+"\r\n\r\n"),
		first(post("garbage after the body", "Content-Length: 2\r\n\r\n{}\x00\x01GARBAGE\r\n\r\n")),
		post("an incomplete body", "Content-Length: 100\r\n\r\n{}"),
		post("incomplete headers", "Content-Len"),
	}
}

const chunkedHead = "Transfer-Encoding: chunked\r\n\r\n"

// targets are paths and hosts that a router and a proxy may see differently.
func targets() []malformed {
	var all []malformed
	for _, path := range []string{
		"/api/%69nngest", "/api%2finngest", "//api/inngest", "/api//inngest", "/./api/inngest", "/x/../api/inngest", "/api/inngest/..;/inngest",
		"/api/inngest/", "/api/inngest//", "/api/inngest;x=y", "/api/inngest%00", "/api/inngest%", "/api/inngest%zz", "/API/INNGEST",
		"/api/inngest/%2e%2e/inngest", "/api\\inngest", "//evil.test/api/inngest", "///evil.test", "/\\evil.test", "/%2fevil.test/..",
		"/api/inngest%23", "/api/inngest#", "http://evil.test/api/inngest", "http://user:pw@evil.test/api/inngest", "evil.test:80", "*", "api/inngest",
		"/api/inngest\xff", "/api/inngest\x00", "/" + strings.Repeat("a/", 2000), "/health/../api/inngest", "/health/inngest/livez/..%2f", "//", "",
	} {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut} {
			all = append(all, malformed{
				name: fmt.Sprintf("%s %.40q", method, path), method: method,
				bytes: []byte(head(method, path+query(method), length(body(method))) + body(method)),
			})
		}
	}
	for _, host := range []string{"evil.test", "warehouse.test\r\nHost: evil.test", "a b", "[::1", "warehouse.test:99999999", "\xff", "@evil.test", ""} {
		all = append(all, malformed{
			name: fmt.Sprintf("Host %q", host), method: http.MethodPost,
			bytes: []byte("POST " + target + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 2\r\n\r\n{}"),
		})
	}
	for _, q := range []string{"fnId=%zz", "fnId=a;b", "%00=%00", "probe=trust", "fnId=" + strings.Repeat("a", 3000), strings.Repeat("&", 3000), "fnId=\xff", "fnId=a#fnId=b"} {
		all = append(all, malformed{
			name: fmt.Sprintf("query %.40q", q), method: http.MethodPost, bytes: []byte(head(http.MethodPost, endpoint+"?"+q, "Content-Length: 2") + "{}"),
		})
	}
	return all
}

// query returns the query of a call for methods with which servers call.
func query(method string) string {
	if method == http.MethodPost {
		return "?fnId=" + appID + "-" + functionID
	}
	return ""
}

// body returns a body for methods that have one.
func body(method string) string {
	if method == http.MethodGet {
		return ""
	}
	return "{}"
}

// methods are methods, and versions of HTTP, that few clients use.
func methods() []malformed {
	var all []malformed
	for _, method := range []string{"OPTIONS", "TRACE", "CONNECT", "PATCH", "DELETE", "BREW", "post", "POST\x00", "P\xffST", "", strings.Repeat("M", 5000), "PRI"} {
		all = append(all, malformed{name: fmt.Sprintf("method %.20q", method), method: http.MethodGet, bytes: []byte(head(method, target, "Content-Length: 2") + "{}")})
	}
	for _, version := range []string{"HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/9999999999.1", "http/1.1", "HTTP/1.1 ", "", "FTP/1.1"} {
		all = append(all, malformed{
			name: fmt.Sprintf("version %q", version), method: http.MethodPost,
			bytes: []byte("POST " + target + " " + version + "\r\nHost: warehouse.test\r\n" + length(hidden) + "\r\n\r\n" + hidden),
		})
	}
	return append(all,
		malformed{name: "HTTP/1.0 with chunks", method: http.MethodPost, bytes: []byte("POST " + target + " HTTP/1.0\r\n" + chunkedHead + "0\r\n\r\n" + hidden)},
		malformed{name: "HTTP/0.9", method: http.MethodGet, bytes: []byte("GET " + endpoint + "\r\n")},
		malformed{name: "HTTP/2 preface", method: http.MethodGet, bytes: []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
		malformed{name: "an upgrade to h2c", method: http.MethodPost, bytes: []byte(head(http.MethodPost, target,
			"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "Content-Length: 2") + "{}")},
		malformed{name: "TLS on a plain port", method: http.MethodGet, bytes: []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")},
		malformed{name: "nothing", method: http.MethodGet},
		malformed{name: "empty lines", method: http.MethodGet, bytes: bytes.Repeat([]byte("\r\n"), 1000)},
		malformed{name: "null bytes", method: http.MethodGet, bytes: make([]byte, 4096)},
	)
}

// headers are headers of unusual numbers, sizes and contents.
func headers() []malformed {
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const end = "Content-Length: 2\r\n\r\n{}"
	return []malformed{
		post("10,000 headers", numbered(10_000, "X-%d: y\r\n")+end),
		post("100,000 headers", numbered(100_000, "X-%d: y\r\n")+end),
		post("100,000 signatures", strings.Repeat("X-Inngest-Signature: t=1&s=2\r\n", 100_000)+end),
		post("a header of 2 MiB", "X: "+strings.Repeat("y", 2<<20)+"\r\n"+end),
		post("a name of 100 KiB", strings.Repeat("x", 100<<10)+": y\r\n"+end),
		post("a header that never ends", "X: "+strings.Repeat("y", 9<<20)),
		post("invalid UTF-8", "X-Inngest-Signature: \xff\xfe\r\nX-Inngest-Sync-Kind: \xff\r\n"+end),
		post("a signature of 100,000 pairs", "X-Inngest-Signature: "+strings.Repeat("t=1&", 1000)+"\r\n"+end),
		post("a huge time", "X-Inngest-Signature: t=99999999999999999999999999&s="+strings.Repeat("0", 64)+"\r\n"+end),
		post("Expect: 100-continue", "Expect: 100-continue\r\n"+length(call)+"\r\n\r\n"+call),
		post("an unknown expectation", "Expect: 200-ok\r\n"+length(call)+"\r\n\r\n"+call),
		post("a method override", "X-HTTP-Method-Override: GET\r\nX-Method-Override: GET\r\n"+end),
		post("forwarded headers", "X-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: javascript\r\nX-Forwarded-Prefix: //evil.test\r\nX-Original-URL: /hidden\r\n"+end),
		post("cookies", "Cookie: "+strings.Repeat("a=b; ", 1000)+"\r\n"+end),
		{name: "an Accept of 1,000 types", method: http.MethodGet, bytes: []byte(head(http.MethodGet, inngesthealth.DefaultPath, "Accept: "+strings.Repeat("text/html;q=0.1,", 1000)))},
		{name: "details in every form", method: http.MethodGet, bytes: []byte(head(http.MethodGet, inngesthealth.DefaultPath+"?details=true&details=%00&details=\xff"))},
	}
}

// bodies are bodies that are expensive or ambiguous, with a signature that only looks
// valid, so that the app reads them.
func bodies() []malformed {
	const most = inngestkit.DefaultMaxBodyBytes
	fill := func(head, each, tail string, size int) string {
		return head + strings.Repeat(each, (size-len(head)-len(tail))/len(each)) + tail
	}
	var all []malformed
	for name, body := range map[string]string{
		"a call":               call,
		"nothing":              "",
		"nesting of arrays":    fill("", "[", "", 1<<20),
		"nesting of objects":   fill("", `{"event":`, "", 1<<20),
		"huge numbers":         `{"ctx":{"attempt":1e999999999},"event":{"ts":` + strings.Repeat("9", 100_000) + `}}`,
		"denormal numbers":     fill("[", "5e-324,", "1]", 4<<10),
		"invalid UTF-8":        "{\"ctx\":{\"run_id\":\"\xff\xfe\xc0\x80\"},\"event\":{}}",
		"lone surrogates":      `{"ctx":{},"event":{"name":"\ud800"}}`,
		"duplicate keys":       `{"ctx":{},"ctx":{"use_api":true},"event":{},"event":{"name":"x"}}`,
		"100,000 keys":         "{" + strings.TrimSuffix(strings.Repeat(`"a":1,`, 100_000), ",") + "}",
		"a null byte":          "\x00" + call,
		"a byte order mark":    "\xef\xbb\xbf" + call,
		"two values":           call + call,
		"the largest body":     fill(`["`, `\u0001`, `"]`, most),
		"larger than allowed":  fill(`["`, `\u0001`, `"]`, most+6),
		"a sync to elsewhere":  `{"url":"http://evil.test/"}`,
		"a sync of everything": `{"url":"` + strings.Repeat("a", 100_000) + `"}`,
		"another type":         "\x1f\x8b\x08",
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			all = append(all, malformed{name: method + ", " + name, method: method, bytes: []byte(head(method, target, length(body), forged()) + body)})
		}
	}
	bomb := bomb()
	for _, encoding := range []string{"gzip", "deflate", "br", "gzip, gzip", "x-gzip"} {
		all = append(all, malformed{
			name: "a bomb of 64 MiB, " + encoding, method: http.MethodPost,
			bytes: append([]byte(head(http.MethodPost, target, length(bomb), forged(), "Content-Encoding: "+encoding)), bomb...),
		})
	}
	return all
}

// bomb returns 64 MiB of zeros, compressed.
func bomb() string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(make([]byte, 64<<20))
	_ = w.Close()
	return b.String()
}
