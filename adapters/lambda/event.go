package inngestlambda

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// kind is the service that has sent an event, as far as events and responses differ.
type kind int

const (
	restAPI  kind = iota // API Gateway, REST API
	httpAPI1             // API Gateway, HTTP API with payload 1.0
	httpAPI2             // the same with payload 2.0, or a function URL
	alb                  // Application Load Balancer
)

// event is an HTTP request as one of the services sends it: the union of
// events.APIGatewayProxyRequest, events.APIGatewayV2HTTPRequest,
// events.LambdaFunctionURLRequest and events.ALBTargetGroupRequest. Because it is a union,
// a payload, which may be large, is decoded only once, before its kind is known.
type event struct {
	Version         string            `json:"version"` // "" from REST APIs and load balancers
	Type            string            `json:"type"`    // only in requests to authorizers
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`

	// Not in payload 2.0.
	HTTPMethod                      string              `json:"httpMethod"`
	Path                            string              `json:"path"`
	Resource                        string              `json:"resource"` // not from load balancers
	PathParameters                  map[string]string   `json:"pathParameters"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`

	// Only in payload 2.0.
	RawPath        string   `json:"rawPath"`
	RawQueryString string   `json:"rawQueryString"`
	Cookies        []string `json:"cookies"`

	RequestContext struct {
		DomainName string                                               `json:"domainName"`
		Stage      string                                               `json:"stage"`
		Path       string                                               `json:"path"`
		HTTP       events.APIGatewayV2HTTPRequestContextHTTPDescription `json:"http"`
		ELB        *events.ELBContext                                   `json:"elb"`
	} `json:"requestContext"`

	kind kind
	// requested is the path of the URL that the client has requested.
	requested string
	// matched is the path that is compared with those of routes: without the stage or base
	// path of an API, and without a trailing slash.
	matched string
}

// parse decodes a payload. The error is or wraps errUnknown.
func parse(payload []byte) (*event, error) {
	e := &event{}
	if err := json.Unmarshal(payload, e); err != nil {
		return nil, fmt.Errorf("%w (%w)", errUnknown, err)
	}
	switch {
	case e.Type != "": // a request to an authorizer, which lacks only the body
		return nil, errUnknown
	case e.Version == "2.0" && e.RequestContext.HTTP.Method != "":
		e.kind = httpAPI2
		e.HTTPMethod = e.RequestContext.HTTP.Method
	case e.HTTPMethod == "" || e.Path == "":
		return nil, errUnknown
	case e.RequestContext.ELB != nil:
		e.kind = alb
	case e.Resource == "":
		return nil, errUnknown
	case e.Version == "1.0":
		e.kind = httpAPI1
	default:
		e.kind = restAPI
	}
	e.setPaths()
	return e, nil
}

// setPaths sets requested and matched. The services put the stage of an API and the base
// path of a custom domain into different fields:
//
//	                  path, rawPath          requestContext.path
//	REST API          /base/a                /stage/a or /base/a
//	HTTP API, 1.0     /stage/a or /base/a    not used
//	HTTP API, 2.0     /stage/a               -
//
// Payload 2.0 does not contain the base path.
func (e *event) setPaths() {
	var matched string
	switch e.kind {
	case restAPI:
		e.requested, matched = e.RequestContext.Path, e.resourcePath(e.Path)
		if e.requested == "" {
			e.requested = e.Path
		}
	case httpAPI1:
		e.requested, matched = e.Path, e.resourcePath(e.withoutStage(e.Path))
	case httpAPI2:
		e.requested, matched = e.RawPath, e.withoutStage(e.RawPath)
		if !strings.Contains(e.RequestContext.DomainName, ".execute-api.") {
			e.requested = matched // clients of a custom domain do not see the stage
		}
	case alb:
		e.requested, matched = e.Path, e.Path
	}
	e.requested = unescape(e.requested)
	e.matched = strings.TrimSuffix(unescape(matched), "/")
	if e.matched == "" {
		e.matched = "/"
	}
}

// withoutStage returns the path without the stage of an HTTP API. The default stage is
// not part of paths.
func (e *event) withoutStage(path string) string {
	rest, ok := strings.CutPrefix(path, "/"+e.RequestContext.Stage)
	if !ok || e.RequestContext.Stage == "" || rest != "" && rest[0] != '/' {
		return path
	}
	return rest
}

// resourcePath returns the path within an API, which is that of the resource with its
// parameters filled in. It returns path unchanged if path does not end with that, as for
// the resource $default.
func (e *event) resourcePath(path string) string {
	segments := strings.Split(e.Resource, "/")
	for i, segment := range segments {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			segments[i] = e.PathParameters[strings.TrimRight(name, "+}")]
		}
	}
	within := strings.TrimSuffix(strings.Join(segments, "/"), "/")
	if e.Resource[0] != '/' || !strings.HasSuffix(strings.TrimSuffix(path, "/"), within) {
		return path
	}
	return within
}

// unescape decodes the escapes in a path. Some services send paths decoded already.
func unescape(path string) string {
	if unescaped, err := url.PathUnescape(path); err == nil {
		return unescaped
	}
	return path
}

// request returns the request for the app, or an error if the body is malformed.
func (e *event) request() (*adapter.Request, error) {
	body, length := io.Reader(strings.NewReader(e.Body)), len(e.Body)
	if e.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(e.Body)
		if err != nil {
			return nil, fmt.Errorf("the body of the event is not base64: %w", err)
		}
		body, length = bytes.NewReader(decoded), len(decoded)
	}
	header := e.header()
	host := e.RequestContext.DomainName
	if host == "" {
		host = header.Get("Host")
	}
	header.Del("Host")
	scheme := "https"
	if header.Get("X-Forwarded-Proto") == "http" { // the services set it, whatever clients send
		scheme = "http"
	}
	return &adapter.Request{
		Method:        e.HTTPMethod,
		Scheme:        scheme,
		Host:          host,
		Path:          e.requested,
		RawQuery:      e.rawQuery(),
		Header:        header,
		Body:          body,
		ContentLength: int64(length),
		BodyLimit:     e.kind.bodyLimit(),
		UsualDeadline: defaultTimeout,
		Framework:     framework,
	}, nil
}

// header returns the headers under their canonical names. REST APIs pass names on as
// clients write them, so that several may have the same canonical name.
func (e *event) header() http.Header {
	header := make(http.Header, max(len(e.Headers), len(e.MultiValueHeaders))+1)
	if len(e.MultiValueHeaders) > 0 {
		for _, name := range slices.Sorted(maps.Keys(e.MultiValueHeaders)) {
			canonical := http.CanonicalHeaderKey(name)
			header[canonical] = append(header[canonical], e.MultiValueHeaders[name]...)
		}
	} else {
		for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
			header.Add(name, e.Headers[name])
		}
	}
	if len(e.Cookies) > 0 {
		header["Cookie"] = []string{strings.Join(e.Cookies, "; ")}
	}
	return header
}

// rawQuery returns the query of the URL. Only payload 2.0 contains it. Otherwise it is built
// from the parameters, without the order of keys. API Gateway decodes parameters, and
// load balancers do not.
func (e *event) rawQuery() string {
	if e.kind == httpAPI2 {
		return e.RawQueryString
	}
	parameters := url.Values(e.MultiValueQueryStringParameters)
	if len(parameters) == 0 {
		parameters = make(url.Values, len(e.QueryStringParameters))
		for key, value := range e.QueryStringParameters {
			parameters.Set(key, value)
		}
	}
	if e.kind != alb {
		return parameters.Encode()
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(parameters)) {
		for _, value := range parameters[key] {
			pairs = append(pairs, key+"="+value)
		}
	}
	return strings.Join(pairs, "&")
}
