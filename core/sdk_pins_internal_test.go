package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/inngestapi"

	"github.com/inngestkit/inngestkit/core/adapter"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/connect"
	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/inngest/inngestgo/middleware"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"
)

// These tests fail when a new version of inngestgo changes something that this package
// mirrors: types, what is announced, texts. Others are in internal/sdkconnect and
// internal/call.

// mirrored are the types of the SDK whose fields or methods this module copies, by what
// has to be adapted when they change.
var mirrored = map[string][]reflect.Type{
	"package flow (a new option), the payload of a sync, sdkconnect.Options.Announcement, adoptedExpressions": {
		reflect.TypeFor[inngestgo.FunctionOpts](),
	},
	"sdkconnect.Options.Announcement, the payload of a sync": {reflect.TypeFor[connect.ConnectApp]()},
	"sdkconnect.Options": {reflect.TypeFor[connect.Opts]()},
	"sdkconnect.Conn":    {reflect.TypeFor[connect.WorkerConnection]()},
	"the invoker of internal/sdkconnect, the envelope of a call": {requestType},
	"internal/call.Checkpoints, stepError":                       {operationType},
	"function.functionCall, function.sdkRequest, function.guard": {
		reflect.TypeFor[inngestgo.Input[any]](), reflect.TypeFor[inngestgo.InputCtx](),
	},
	"RawEvent, hidesFields, decodeRawEvent": {reflect.TypeFor[inngestgo.GenericEvent[any]](), reflect.TypeFor[inngestgo.Event]()},
	"FromClient: configFromClient; App.sdkOptions": {
		reflect.TypeFor[inngestgo.ClientOpts](), reflect.TypeFor[inngestgo.ServeOpts](),
	},
	"FromClient: checkAdopted, adoptedExpressions": {reflect.TypeFor[inngestgo.Trigger]()},
	"FromClient: adopted":                          {reflect.TypeFor[inngestgo.ServableFunction]()},
	"SDKMiddleware, seesPanics, withLogger": {
		reflect.TypeFor[middleware.Middleware](), reflect.TypeFor[middleware.CallContext](),
		reflect.TypeFor[middleware.TransformableInput](), reflect.TypeFor[middleware.TransformableOutput](),
	},
	"package internal/call: withData": {reflect.TypeFor[sdkerrors.StepError]()},
}

// The types of a request and of an operation have no name outside the SDK.
var (
	invokeMethod  = reflect.TypeOf(connect.FunctionInvoker.InvokeFunction)
	requestType   = invokeMethod.In(invokeMethod.NumIn() - 1)
	operationType = invokeMethod.Out(1).Elem()
)

const pinnedTypes = "testdata/inngestgo.txt"

func TestSDKTypes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(pinnedTypes)
	require.NoError(t, err)
	pinned := map[string]string{}
	for section := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n"), "\n\n") {
		name, _, _ := strings.Cut(section, "\n")
		pinned[name] = section
	}
	for adapt, types := range mirrored {
		for _, typ := range types {
			t.Run(typ.String(), func(t *testing.T) {
				t.Parallel()
				got := typ.String() + describe(typ, "\t")
				require.Equal(t, pinned[typ.String()], got,
					"inngestgo has changed this type.\nCheck and adapt: %s.\nThen put this into %s:\n\n%s", adapt, pinnedTypes, got)
			})
		}
	}
}

// describe lists the fields of a type, and of the SDK's types in them, or its methods.
func describe(typ reflect.Type, indent string, outer ...reflect.Type) string {
	var b strings.Builder
	switch typ.Kind() { //nolint:exhaustive // the others have neither
	case reflect.Interface:
		for method := range typ.Methods() {
			b.WriteString("\n" + indent + method.Name + strings.TrimPrefix(method.Type.String(), "func"))
		}
	case reflect.Struct:
		for field := range typ.Fields() {
			fmt.Fprintf(&b, "\n%s%s %v", indent, field.Name, field.Type)
			if field.Tag != "" {
				fmt.Fprintf(&b, " `%s`", field.Tag)
			}
			if inner := element(field.Type); inner.Kind() == reflect.Struct &&
				strings.HasPrefix(inner.PkgPath(), "github.com/inngest/") && !slices.Contains(outer, inner) && !isMirrored(inner) {
				b.WriteString(describe(inner, indent+"\t", append(outer, inner)...))
			}
		}
	}
	return b.String()
}

// isMirrored reports whether a type has a section of its own.
func isMirrored(typ reflect.Type) bool {
	for _, types := range mirrored {
		if slices.Contains(types, typ) {
			return true
		}
	}
	return false
}

// element returns the type in pointers, slices and maps.
func element(typ reflect.Type) reflect.Type {
	for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Map}, typ.Kind()) {
		typ = typ.Elem()
	}
	return typ
}

// Every option of a function is announced over HTTP and over a connection, as the SDK
// announces it.
func TestSDKAnnouncesTheSameOptions(t *testing.T) {
	t.Parallel()
	var options inngestgo.FunctionOpts
	n := 0
	fill(t, reflect.ValueOf(&options).Elem(), &n)
	options.ID = "fn"
	synced := make(chan []byte, 1)
	// It responds without a body, which the SDK would not close.
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, inngestapi.AnnouncePath) {
			body, _ := io.ReadAll(r.Body)
			synced <- body
		}
	}))
	t.Cleanup(server.Close)
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{
		AppID: "app", Dev: new(true), APIBaseURL: &server.URL, Logger: slog.New(slog.DiscardHandler), HTTPClient: server.Client(),
	})
	require.NoError(t, err)
	_, err = inngestgo.CreateFunction(client, options, inngestgo.EventTrigger("e", new("true")),
		func(context.Context, inngestgo.Input[any]) (any, error) { return nil, nil })
	require.NoError(t, err)
	app, err := FromClient(client)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, app.Shutdown(context.WithoutCancel(t.Context())))
		http.DefaultTransport.(*http.Transport).CloseIdleConnections() // the SDK's requests go through it
	})

	client.Serve().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/api/inngest", http.NoBody))
	sdk := onlyFunction(t, <-synced)
	app.Do(t.Context(), &adapter.Request{Method: http.MethodPut, Host: "shop.test", Path: "/api/inngest", Header: http.Header{}})
	requireKeys(t, "function", sdk, onlyFunction(t, <-synced))

	announcement, err := json.Marshal(map[string]any{"functions": newConnector(app).options().Announcement().Functions})
	require.NoError(t, err)
	connected := onlyFunction(t, announcement)
	for _, f := range []map[string]any{sdk, connected} {
		delete(f["steps"].(map[string]any)["step"].(map[string]any), "runtime") // the URL
	}
	require.Equal(t, sdk, connected, "inngestgo announces a function differently: adapt sdkconnect.Options.Announcement")
}

// onlyFunction returns the function in an announcement.
func onlyFunction(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var got struct {
		Functions []map[string]any `json:"functions"`
	}
	require.NoError(t, json.Unmarshal(raw, &got), "%s", raw)
	require.Len(t, got.Functions, 1, "%s", raw)
	return got.Functions[0]
}

// requireKeys requires that our object has each key of the SDK's. The server does not
// distinguish upper and lower case.
func requireKeys(t *testing.T, path string, sdk, ours any) {
	t.Helper()
	if list, ok := sdk.([]any); ok {
		require.Len(t, ours, len(list), path)
		for i := range list {
			requireKeys(t, path+"[]", list[i], ours.([]any)[i])
		}
	}
	object, ok := sdk.(map[string]any)
	if !ok {
		return
	}
	lower := map[string]any{}
	for key, value := range ours.(map[string]any) {
		lower[strings.ToLower(key)] = value
	}
	for key, value := range object {
		require.Contains(t, lower, strings.ToLower(key),
			"inngestgo announces %s.%s, and the payload of our sync does not have it: adapt it", path, key)
		requireKeys(t, path+"."+key, value, lower[strings.ToLower(key)])
	}
}

// fill sets every field to a value that is not zero, and texts to different ones.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), n)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field, n)
		}
	case reflect.String:
		v.SetString("text" + strconv.Itoa(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(int64(*n) * int64(time.Second))
	case reflect.Int:
		v.SetInt(1)
	case reflect.Uint:
		v.SetUint(1)
	default:
		require.Fail(t, "fill does not know this kind", "%v", v.Type())
	}
}

// bareResponse returns the message with which the bare SDK responds to a call.
func bareResponse(t *testing.T, logger *slog.Logger, handler func(context.Context, inngestgo.Input[any]) (any, error)) string {
	t.Helper()
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "app", Dev: new(true), Logger: logger})
	require.NoError(t, err)
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "fn"}, inngestgo.EventTrigger("e", nil), handler)
	require.NoError(t, err)
	failed := fmt.Sprintf(`{%q:{"error":{"name":"E","message":"no","data":null}}}`, stepHash("one"))
	w := httptest.NewRecorder()
	client.Serve().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/?fnId=app-fn&stepId=step",
		strings.NewReader(connectCall{Steps: failed}.body())))
	return errorMessage(w.Body.Bytes(), w.Code)
}

// The texts that the SDK puts around the message of an error are recognized.
func TestSDKMessages(t *testing.T) {
	t.Parallel()
	message := bareResponse(t, slog.New(slog.DiscardHandler), func(ctx context.Context, _ inngestgo.Input[any]) (any, error) {
		return sdkstep.Run(ctx, "one", func(context.Context) (any, error) { return nil, errors.New("no") })
	})
	require.Equal(t, unhandledStep+"no", message, "inngestgo words the error of a step differently: adapt unhandledStep")

	message = bareResponse(t, slog.New(slog.DiscardHandler), func(context.Context, inngestgo.Input[any]) (any, error) { panic("boom") })
	require.Contains(t, message, "goroutine ", "inngestgo no longer puts the stack into the message: panicMessage may not be needed")
	require.Equal(t, "boom", panicMessage(message), "inngestgo words a panic differently: adapt panicMessage")
}

// attrRecorder records the attributes of the loggers that are derived from it.
type attrRecorder struct {
	slog.Handler

	derived [][]slog.Attr
}

func (r *attrRecorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	r.derived = append(r.derived, attrs)
	return slog.DiscardHandler
}

// The SDK's own logger is recognized by its attribute.
func TestSDKLoggerAttribute(t *testing.T) {
	t.Parallel()
	r := &attrRecorder{Handler: slog.DiscardHandler}
	_ = bareResponse(t, slog.New(r), func(context.Context, inngestgo.Input[any]) (any, error) { return nil, errors.New("no") })
	require.NotEmpty(t, r.derived, "inngestgo no longer derives a logger for itself: adapt sdkLogHandler")
	for _, attrs := range r.derived {
		require.Equal(t, slog.DiscardHandler, sdkLogHandler{slog.NewTextHandler(new(strings.Builder), nil)}.WithAttrs(attrs),
			"inngestgo gives its logger the attributes %v: adapt sdkLogHandler", attrs)
	}
}
