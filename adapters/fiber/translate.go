package inngestfiber

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// requestOf is the request as the core takes it. Fiber uses the memory of a request
// again for later ones, so whatever a function may keep is copied.
func requestOf(c *fiber.Ctx) *inngestkit.Request {
	r := c.Context()
	req := &inngestkit.Request{
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

// oneLine keeps a value from beginning another header, as net/http does it.
// fasthttp's Set does so too, its Add does not.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// write answers the request.
func write(c *fiber.Ctx, resp *inngestkit.Response) error {
	for key, values := range resp.Header {
		for n, value := range values {
			if n == 0 {
				c.Set(key, value) // in place of what middleware has set
			} else {
				c.Response().Header.Add(key, oneLine.Replace(value))
			}
		}
	}
	return c.Status(resp.Status).Send(resp.Body)
}
