package inngestfiber

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// requestOf translates the request. It copies what functions may keep, because Fiber
// reuses request memory.
func requestOf(c *fiber.Ctx) *adapter.Request {
	r := c.Context()
	req := &adapter.Request{
		Method:    string(r.Method()),
		Scheme:    "http",
		Host:      string(r.Host()),
		Path:      string(r.Path()),
		RawQuery:  string(r.URI().QueryString()),
		Header:    make(http.Header, r.Request.Header.Len()),
		Framework: framework,
	}
	if r.IsTLS() {
		req.Scheme = "https"
	}
	for key, value := range r.Request.Header.All() {
		req.Header.Add(string(key), string(value))
	}
	req.Header.Del(fiber.HeaderHost)
	if r.Request.IsBodyStream() {
		req.Body, req.ContentLength = r.RequestBodyStream(), int64(r.Request.Header.ContentLength())
	} else {
		body := r.Request.Body()
		req.Body, req.ContentLength = bytes.NewReader(body), int64(len(body))
		config := c.App().Config()
		req.BodyLimit, req.Buffered = int64(config.BodyLimit), !config.StreamRequestBody
	}
	return req
}

// oneLine prevents a header value from starting another header, as net/http does.
// fasthttp's Set does this too, but its Add does not.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// write writes the response.
func write(c *fiber.Ctx, resp *adapter.Response) error {
	for key, values := range resp.Header {
		for n, value := range values {
			if n == 0 {
				c.Set(key, value) // replaces a value set by middleware
			} else {
				c.Response().Header.Add(key, oneLine.Replace(value))
			}
		}
	}
	return c.Status(resp.Status).Send(resp.Body)
}
