package lambdatest

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// defaultStage is the stage of an HTTP API that is not part of its paths, and the key of
// the route for all paths.
const defaultStage = "$default"

const (
	// maxRequestPayload is the size in bytes of the largest event that Lambda accepts.
	maxRequestPayload = 6_291_456
	// maxAPIBody and maxALBBody are the sizes in bytes of the largest bodies that API
	// Gateway and load balancers accept.
	maxAPIBody = 10_485_760
	maxALBBody = 1 << 20
)

// maxBody returns the size in bytes of the largest body that the service accepts.
func (k Kind) maxBody() int64 {
	switch {
	case k.isALB():
		return maxALBBody
	case k == FunctionURL:
		return maxRequestPayload
	default:
		return maxAPIBody
	}
}

// event returns the event for a request.
func (g *Gateway) event(r *http.Request, body []byte) any {
	header := forwarded(r)
	encoded, isBase64 := encodeBody(header, body)
	switch g.Kind {
	case HTTPAPI, FunctionURL:
		return g.payload2(r, header, encoded, isBase64)
	case ALB, ALBSingleValue:
		return g.targetGroup(r, header, encoded, isBase64)
	default:
		return g.payload1(r, header, encoded, isBase64)
	}
}

// payload2 returns an event in payload format 2.0. That of a function URL has the same
// fields, also the stage and the route $default.
func (g *Gateway) payload2(r *http.Request, header http.Header, body string, isBase64 bool) events.APIGatewayV2HTTPRequest {
	path := r.URL.Path
	stage := g.Stage
	if g.BasePath != "" { // clients call the base path, the event has the stage
		path = strings.TrimPrefix(path, g.prefix())
		if stage != "" {
			path = "/" + stage + path
		}
	}
	if stage == "" {
		stage = defaultStage
	}
	cookies := make([]string, 0, len(header["Cookie"]))
	for _, line := range header["Cookie"] {
		cookies = append(cookies, strings.Split(line, "; ")...)
	}
	header = header.Clone()
	header.Del("Cookie")
	account := "123456789012"
	if g.Kind == FunctionURL {
		account = "anonymous"
	}
	domain, prefix := domain(r)
	return events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: defaultStage, RawPath: path, RawQueryString: r.URL.RawQuery, Cookies: cookies,
		Headers: joined(lowerCase(header)), QueryStringParameters: joined(r.URL.Query()), Body: body, IsBase64Encoded: isBase64,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: defaultStage, AccountID: account, Stage: stage, RequestID: "id", APIID: "api-id",
			DomainName: domain, DomainPrefix: prefix, TimeEpoch: time.Now().UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: clientIP(r), UserAgent: r.UserAgent(),
			},
		},
	}
}

// payload1 returns an event in payload format 1.0, that of REST APIs, or for an HTTP API,
// which adds the version.
func (g *Gateway) payload1(r *http.Request, header http.Header, body string, isBase64 bool) any {
	within := strings.TrimPrefix(r.URL.Path, g.prefix())
	path := r.URL.Path
	if g.Kind == RESTAPI && g.BasePath == "" {
		path = within // without the stage
	}
	if g.Kind == HTTPAPIv1 {
		header = lowerCase(header)
	}
	domain, prefix := domain(r)
	query := r.URL.Query()
	event := events.APIGatewayProxyRequest{
		Resource: "/{proxy+}", Path: path, HTTPMethod: r.Method, Headers: last(header), MultiValueHeaders: header,
		QueryStringParameters: last(query), MultiValueQueryStringParameters: query,
		PathParameters: map[string]string{"proxy": strings.Trim(within, "/")}, Body: body, IsBase64Encoded: isBase64,
		RequestContext: events.APIGatewayProxyRequestContext{
			AccountID: "123456789012", Stage: g.Stage, DomainName: domain, DomainPrefix: prefix, RequestID: "id",
			Protocol: r.Proto, ResourcePath: "/{proxy+}", Path: r.URL.Path, HTTPMethod: r.Method, APIID: "api-id",
			RequestTimeEpoch: time.Now().UnixMilli(),
			Identity:         events.APIGatewayRequestIdentity{SourceIP: clientIP(r), UserAgent: r.UserAgent()},
		},
	}
	if within == "/" {
		event.Resource, event.RequestContext.ResourcePath, event.PathParameters = "/", "/", nil
	}
	if g.Kind == RESTAPI {
		return event
	}
	return struct {
		events.APIGatewayProxyRequest

		Version string `json:"version"`
	}{event, "1.0"}
}

// targetGroup returns the event of a load balancer, which does not decode the query.
func (g *Gateway) targetGroup(r *http.Request, header http.Header, body string, isBase64 bool) events.ALBTargetGroupRequest {
	query := map[string][]string{}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if key, value, _ := strings.Cut(pair, "="); pair != "" {
			query[key] = append(query[key], value)
		}
	}
	event := events.ALBTargetGroupRequest{
		HTTPMethod: r.Method, Path: r.URL.EscapedPath(), Body: body, IsBase64Encoded: isBase64,
		RequestContext: events.ALBTargetGroupRequestContext{ELB: events.ELBContext{
			TargetGroupArn: "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/local/6d0ecf831eec9f09",
		}},
	}
	if g.Kind == ALB {
		event.MultiValueHeaders, event.MultiValueQueryStringParameters = lowerCase(header), query
	} else {
		event.Headers, event.QueryStringParameters = last(lowerCase(header)), last(query)
	}
	return event
}

// forwarded returns the headers of a request with those that the services set: Host and
// X-Forwarded-*. They replace the scheme and port that clients send.
func forwarded(r *http.Request) http.Header {
	header := r.Header.Clone()
	header.Set("Host", r.Host)
	scheme, port := "http", "80"
	if r.TLS != nil {
		scheme, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil {
		port = p
	}
	header.Set("X-Forwarded-Proto", scheme)
	header.Set("X-Forwarded-Port", port)
	header.Set("X-Forwarded-For", strings.TrimPrefix(header.Get("X-Forwarded-For")+", "+clientIP(r), ", "))
	return header
}

func clientIP(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// domain returns the domain of an API, and its first label as the prefix.
func domain(r *http.Request) (name, prefix string) {
	prefix, _, _ = strings.Cut(r.Host, ".")
	return r.Host, prefix
}

// textTypes lists the media types, besides text/*, whose bodies the services do not encode.
var textTypes = map[string]bool{"application/json": true, "application/javascript": true, "application/xml": true}

// encodeBody returns the body as an event contains it: unchanged if it is text according to
// the headers, and as base64 otherwise.
func encodeBody(header http.Header, body []byte) (encoded string, isBase64 bool) {
	mediaType, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	isText := textTypes[mediaType] || strings.HasPrefix(mediaType, "text/")
	if len(body) == 0 || isText && header.Get("Content-Encoding") == "" {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

// lowerCase returns headers with names in lower case, as in HTTP/2.
func lowerCase(header http.Header) map[string][]string {
	lower := make(map[string][]string, len(header))
	for name, values := range header {
		lower[strings.ToLower(name)] = values
	}
	return lower
}

// joined returns the values under each name joined with commas.
func joined(all map[string][]string) map[string]string {
	single := make(map[string]string, len(all))
	for name, values := range all {
		single[name] = strings.Join(values, ",")
	}
	return single
}

// last returns the last value under each name.
func last(all map[string][]string) map[string]string {
	single := make(map[string]string, len(all))
	for name, values := range all {
		single[name] = values[len(values)-1]
	}
	return single
}
