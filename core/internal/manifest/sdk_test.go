package manifest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/manifest"
)

// aDuration is "1d12h" in the syntax of the SDK and "36h0m0s" in that of Go.
const aDuration = 36 * time.Hour

// fill sets everything in value that can be set.
func fill(t *testing.T, value reflect.Value) {
	t.Helper()
	switch value.Kind() {
	case reflect.String:
		value.SetString("text")
	case reflect.Int64:
		require.Equal(t, reflect.TypeFor[time.Duration](), value.Type(), "what is this?")
		value.SetInt(int64(aDuration))
	case reflect.Int, reflect.Uint:
		value.Set(reflect.ValueOf(2).Convert(value.Type()))
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		fill(t, value.Elem())
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		fill(t, value.Index(0))
	case reflect.Struct:
		for i := range value.NumField() {
			if value.Type().Field(i).IsExported() {
				fill(t, value.Field(i))
			}
		}
	case reflect.Bool:
		value.SetBool(true)
	default:
		require.Fail(t, "an option of a new kind", value.Type().String())
	}
}

// allOptions returns options of the SDK with everything set.
func allOptions(t *testing.T) inngestgo.FunctionOpts {
	t.Helper()
	var options inngestgo.FunctionOpts
	fill(t, reflect.ValueOf(&options).Elem())
	return options
}

// An option that a new version of the SDK adds must not be lost.
func TestEveryOptionIsAnnounced(t *testing.T) {
	t.Parallel()
	none := asJSON(t, app(t, manifest.Function{ID: "app-fn"}).Payload())
	for field := range reflect.TypeFor[inngestgo.FunctionOpts]().Fields() {
		if field.Name == "ID" || field.Name == "Name" {
			continue // they are in manifest.Function
		}
		var options inngestgo.FunctionOpts
		fill(t, reflect.ValueOf(&options).Elem().FieldByName(field.Name))
		one := asJSON(t, app(t, manifest.Function{ID: "app-fn", Options: options}).Payload())
		require.NotEqual(t, none, one, "FunctionOpts.%s is not announced", field.Name)
	}
}

// The payload must say what the SDK's says for every option, except for what options.go
// documents.
func TestFunctionsAreAnnouncedAsTheSDKDoes(t *testing.T) {
	t.Parallel()
	options := allOptions(t)
	options.ID, options.Name = "fn", "Name"
	trigger := inngestgo.MultipleTriggers{
		inngestgo.EventTrigger("user/signed-up", new("event.data.id == 1")), inngestgo.CronTrigger("0 9 * * *"),
	}
	sdk := announcedBySDK(t, options, trigger)
	ours := asJSON(t, app(t, manifest.Function{
		ID: "app-fn", Name: "Name", Options: options, Triggers: trigger.Triggers(),
	}).Payload())["functions"].([]any)[0].(map[string]any)

	concurrency := ours["concurrency"].(map[string]any)
	require.Len(t, sdk["concurrency"], 2, "another kind of limit: see concurrencyOf")
	require.Equal(t, sdk["concurrency"].(map[string]any)["fn"], concurrency["fn"])
	require.Equal(t, sdk["concurrency"].(map[string]any)["step"], concurrency["step"])
	for key, value := range concurrency["step"].([]any)[0].(map[string]any) {
		require.Equal(t, value, concurrency[key], "the first limit on steps, for older servers")
	}
	require.Equal(t, "1d12h", sdk["batchEvents"].(map[string]any)["timeout"])
	require.Equal(t, "36h0m0s", ours["batchEvents"].(map[string]any)["timeout"])
	sdk["batchEvents"].(map[string]any)["timeout"] = "36h0m0s"
	require.Equal(t, map[string]any{"batch_steps": 2.0, "batch_interval": "36h0m0s", "max_runtime": "36h0m0s"}, ours["checkpoint"])
	require.Len(t, sdk["checkpoint"], 3)
	for _, different := range []string{"concurrency", "checkpoint"} {
		delete(sdk, different)
		delete(ours, different)
	}
	sdk["singleton"] = sdk["Singleton"] // the server does not distinguish the two
	delete(sdk, "Singleton")
	require.Equal(t, "http", runtime(ours)["type"])
	delete(runtime(ours), "type")
	delete(runtime(sdk), "type")
	require.Equal(t, sdk, ours)
}

// Limits on steps alone are a list, which all servers read; limits on runs alone are not,
// because only servers that know them read them.
func TestConcurrencyForms(t *testing.T) {
	t.Parallel()
	step := []inngestgo.ConfigStepConcurrency{{Limit: 3}}
	all := allOptions(t).Concurrency
	for name, tc := range map[string]struct {
		concurrency *inngestgo.ConfigConcurrency
		want        string
	}{
		"steps": {&inngestgo.ConfigConcurrency{Step: step}, "[]interface {}"},
		"runs":  {&inngestgo.ConfigConcurrency{Fn: all.Fn}, "map[string]interface {}"},
		"none":  {nil, "<nil>"},
	} {
		got := asJSON(t, app(t, manifest.Function{Options: inngestgo.FunctionOpts{Concurrency: tc.concurrency}}).Payload())
		concurrency := got["functions"].([]any)[0].(map[string]any)["concurrency"]
		if tc.want == "<nil>" {
			require.Nil(t, concurrency, name)
			continue
		}
		require.Equal(t, tc.want, reflect.TypeOf(concurrency).String(), name)
	}
}

func runtime(function map[string]any) map[string]any {
	return function["steps"].(map[string]any)["step"].(map[string]any)["runtime"].(map[string]any)
}

// announcedBySDK returns what the SDK announces of a function.
func announcedBySDK(t *testing.T, options inngestgo.FunctionOpts, trigger inngestgo.MultipleTriggers) map[string]any {
	t.Helper()
	const key, body = "signkey-test-12345678", `{"url":"https://shop.test/api/inngest?token=secret"}`
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "app", Dev: new(true), SigningKey: new(key)})
	require.NoError(t, err)
	_, err = inngestgo.CreateFunction(client, options, trigger,
		func(context.Context, inngestgo.Input[map[string]any]) (any, error) { return nil, nil })
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/api/inngest", nil)
	r.Body = io.NopCloser(strings.NewReader(body))
	signature, err := inngestgo.Sign(t.Context(), time.Now(), []byte(key), []byte(body))
	require.NoError(t, err)
	r.Header.Set("X-Inngest-Signature", signature)
	w := httptest.NewRecorder()
	client.Serve().ServeHTTP(w, r)
	var got struct {
		Functions []map[string]any `json:"functions"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got), w.Body.String())
	require.Len(t, got.Functions, 1, w.Body.String())
	return got.Functions[0]
}
