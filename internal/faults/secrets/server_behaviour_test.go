package secrets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing/iotest"
)

// A behaviour is how a transport or the server behind it responds to a request. Most repeat
// what they know of the request, as proxies and test doubles do.
type behaviour func(req *http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (b behaviour) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return b(req)
}

// behaviours are those that make requests fail.
var behaviours = map[string]behaviour{
	"nothing listens": func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	},
	"hangs": func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	},
	"error with the request":        func(req *http.Request) (*http.Response, error) { return nil, errors.New(dump(req)) },
	"error with the printed struct": func(req *http.Request) (*http.Response, error) { return nil, fmt.Errorf("cannot send %+v", *req) },
	"panic with the request":        func(req *http.Request) (*http.Response, error) { panic(dump(req)) },
	"panic with a struct": func(req *http.Request) (*http.Response, error) {
		panic(fmt.Sprintf("%#v", req.Header) + fmt.Sprintf("%q", req.URL))
	},
	"panic with an error": func(req *http.Request) (*http.Response, error) { panic(errors.New(dump(req))) },
	"error of the proxy": func(*http.Request) (*http.Response, error) {
		return nil, errors.New(`invalid proxy address "http://ops:` + proxyPassword + `@proxy:3128": it does not resolve`)
	},
	"the proxy repeats its headers": func(*http.Request) (*http.Response, error) {
		proxied := &http.Request{Header: http.Header{}}
		proxied.SetBasicAuth("ops", proxyPassword)
		return response(http.StatusProxyAuthRequired, "Proxy-Authorization: "+proxied.Header.Get("Authorization")), nil
	},
	"body that breaks off": func(req *http.Request) (*http.Response, error) {
		resp := response(http.StatusOK, "")
		resp.Body = io.NopCloser(iotest.ErrReader(errors.New(dump(req))))
		return resp, nil
	},
	"redirect to a malformed URL": func(req *http.Request) (*http.Response, error) {
		return redirect(http.StatusTemporaryRedirect, "http://elsewhere.test"+req.URL.EscapedPath()+"%zz"), nil
	},
	"redirect to another method": func(req *http.Request) (*http.Response, error) {
		return redirect(http.StatusFound, req.URL.String()), nil
	},
	"redirect without end": func(req *http.Request) (*http.Response, error) {
		return redirect(http.StatusTemporaryRedirect, req.URL.String()), nil
	},
	"the app is behind a proxy that fails": func(req *http.Request) (*http.Response, error) {
		if req.URL.Host == appHost {
			return nil, errors.New(`invalid proxy address "http://ops:` + proxyPassword + `@proxy:3128"`)
		}
		return response(http.StatusOK, "{}"), nil
	},
	"the server explains its refusal elsewhere": func(req *http.Request) (*http.Response, error) {
		if strings.HasSuffix(req.URL.Path, "/gql") {
			return response(http.StatusOK, `{"data":{"apps":[{"externalID":"shop","url":"https://shop.test/api/inngest","error":`+
				inJSON(dump(req))+`}]}}`), nil
		}
		return response(http.StatusBadRequest, `{"error":"no"}`), nil
	},
	"a page that repeats the request": func(req *http.Request) (*http.Response, error) {
		return response(http.StatusOK, dump(req)), nil
	},
}

// Every status that a server responds with, in every form of an error that repeats the
// request.
func init() {
	for _, status := range []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusInternalServerError, http.StatusServiceUnavailable,
	} {
		for form, body := range map[string]func(text string) string{
			"text":            func(text string) string { return text },
			"a JSON error":    func(text string) string { return `{"error":` + inJSON(text) + `}` },
			"a JSON message":  func(text string) string { return `{"message":` + inJSON(text) + `}` },
			"JSON of its own": func(text string) string { return `{"path":` + inJSON(text) + `}` },
		} {
			behaviours[fmt.Sprintf("%d with %s", status, form)] = func(req *http.Request) (*http.Response, error) {
				return response(status, body(dump(req))), nil
			}
		}
	}
}

// dump returns everything about a request, the URL in the forms in which programs show it.
func dump(req *http.Request) string {
	dumped, _ := httputil.DumpRequestOut(req.Clone(req.Context()), false)
	user, _ := req.URL.User.Password()
	return strings.Join([]string{
		"Cannot " + req.Method, req.URL.String(), req.URL.EscapedPath(), req.URL.Path, req.URL.User.String(), user,
		req.Header.Get("Authorization"), fmt.Sprint(req.Header), string(dumped),
	}, " ")
}

func inJSON(text string) string {
	encoded, _ := json.Marshal(text) // a string cannot fail
	return string(encoded)
}

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

func redirect(status int, location string) *http.Response {
	resp := response(status, "")
	resp.Header.Set("Location", location)
	return resp
}
