package inngestfiber

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Fiber uses the memory of a request again for later ones, so whatever a function
// may keep is copied here: strings, headers, values.

// requestOf is the request as the core takes it.
func requestOf(c *fiber.Ctx) *inngestkit.Request {
	r, config := c.Context(), c.App().Config()
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
	r.Request.Header.VisitAll(func(key, value []byte) {
		req.Header.Add(string(key), string(value))
	})
	req.Header.Del(fiber.HeaderHost)
	if r.Request.IsBodyStream() {
		req.Body, req.ContentLength = r.RequestBodyStream(), int64(r.Request.Header.ContentLength())
		return req
	}
	body := r.Request.Body()
	req.Body, req.ContentLength, req.BodyLimit = bytes.NewReader(body), int64(len(body)), int64(config.BodyLimit)
	return req
}

// contextOf is a context of the request's own. It is no child of Fiber's, which
// ends with the server and not with the request, and lets that end the process
// ("missing cancel error"), if something still waits for it then.
func contextOf(c *fiber.Ctx) context.Context {
	values := map[any]any{}
	c.Context().VisitUserValuesAll(func(key, value any) {
		values[detached(key)] = detached(value)
	})
	ctx := c.UserContext()
	if ctx.Done() == c.Context().Done() {
		ctx = context.WithoutCancel(ctx) // the user has made it from Fiber's
	}
	return inngestkit.WithValues(ctx, values)
}

// detached is a value of a request that does not change after it.
func detached(value any) any {
	switch v := value.(type) {
	case string:
		return strings.Clone(v)
	case []byte:
		return bytes.Clone(v)
	default:
		return v
	}
}

// write answers the request.
func write(c *fiber.Ctx, resp *inngestkit.Response) error {
	for key, values := range resp.Header {
		c.Response().Header.Del(key)
		for _, value := range values {
			c.Response().Header.Add(key, value)
		}
	}
	return c.Status(resp.Status).Send(resp.Body)
}
