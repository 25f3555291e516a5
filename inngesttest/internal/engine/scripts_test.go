package engine

import (
	"fmt"
	"maps"
	"strings"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// scriptsOf are the functions that a version can run: in v1.12.1, one crashes the
// server and two never end; v1.43.0 has a text of its own for responses that are not an
// SDK's.
func scriptsOf(v version.Version) map[string]func(r *received) *adapter.Response {
	all := maps.Clone(scripts)
	if v == version.Oldest {
		delete(all, "retry-200")
		delete(all, "too-long") // it sleeps
		delete(all, "206-text") // it is as if there was no operation
	} else {
		delete(all, "proxy-502")
	}
	return all
}

// scripts are the functions, by ID.
var scripts = map[string]func(r *received) *adapter.Response{
	"object":         always(200, `{"b":1.0,"a":"<"}`),
	"array":          always(200, `[1, 2]`),
	"nothing":        always(200, ``),
	"text":           always(200, `hello`),
	"object-text":    always(200, `"{\"a\": 1}"`),
	"array-text":     always(200, `"[1]"`),
	"equal-keys":     always(200, `{"a":1,"a":2}`),
	"null":           always(200, `null`),
	"no-retry-200":   always(200, `{"message":"m"}`, noRetry, "true"),
	"retry-200":      always(200, `{"message":"m"}`, retryAfter, "1"),
	"500":            always(500, `{"name":"N","message":"m","stack":"s"}`),
	"500-text":       always(500, `oops`),
	"500-nothing":    always(500, ``),
	"500-string":     always(500, `"oops"`),
	"500-cause":      always(500, `{"name":"N","message":"m","cause":{"name":"C","message":"c"}}`),
	"400":            always(400, `{"message":"m"}`),
	"400-no-retry":   always(400, `{"message":"m"}`, noRetry, "true"),
	"nested":         always(500, `{"error":{"name":"N","message":"m"}}`, noRetry, "true"),
	"nested-text":    always(500, `{"error":"{\"name\":\"N\",\"message\":\"m\"}"}`, noRetry, "true"),
	"body":           always(500, `{"body":{"name":"N","message":"m"}}`, noRetry, "true"),
	"proxy-200":      always(200, `"hi"`, sdk, ""),
	"proxy-206":      always(206, `[]`, sdk, ""),
	"proxy-502":      always(502, `bad`, sdk, ""),
	"206-broken":     always(206, `{`),
	"206-text":       always(206, `"x"`),
	"206-unknown":    always(206, `[{"op":"Dance","id":"a"}]`),
	"206-empty":      always(206, ``),
	"step":           first(`[{"op":"StepRun","id":"a","data":{"n":1.0,"m":616581622363398142}}]`),
	"step-null":      first(`[{"op":"StepRun","id":"a"}]`),
	"step-old":       first(`[{"op":"Step","id":"a","data":{"data":7}}]`),
	"step-single":    first(`{"op":"StepRun","id":"a","data":1}`),
	"step-html":      first(`[{"op":"StepRun","id":"a","data":"<&>é\u2028"}]`),
	"step-failed":    first(`[{"op":"StepFailed","id":"a","error":{"name":"N","message":"m","extra":1,"cause":{"name":"c"}}}]`),
	"step-no-retry":  first(`[{"op":"StepError","id":"a","error":{"name":"N","message":"m"}}]`, noRetry, "true"),
	"step-error":     first(`[{"op":"StepError","id":"a","error":{"name":"N","message":"m","stack":"s","data":{"b":1,"a":2}}}]`),
	"sleep":          first(`[{"op":"Sleep","id":"a","opts":{"duration":"1s"}}]`),
	"sleep-zero":     first(`[{"op":"Sleep","id":"a","opts":{"duration":"0s"}}]`),
	"sleep-past":     first(`[{"op":"Sleep","id":"a","opts":{"duration":"2020-03-02T09:00:00Z"}}]`),
	"planned":        first(`[{"op":"StepPlanned","id":"a"}]`),
	"two-planned":    first(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`),
	"plan-and-sleep": first(`[{"op":"StepPlanned","id":"a"},{"op":"Sleep","id":"z","opts":{"duration":"6s"}}]`),
	"three-sleeps": func(r *received) *adapter.Response {
		var left []string
		for i, id := range []string{"a", "b", "c"} {
			if _, ok := r.Steps[id]; !ok {
				left = append(left, fmt.Sprintf(`{"op":"Sleep","id":%q,"opts":{"duration":"%ds"}}`, id, i+1))
			}
		}
		if len(left) == 0 {
			return response(200, `1`)
		}
		return ops("[" + strings.Join(left, ",") + "]")
	},
	"planned-500": func(r *received) *adapter.Response {
		if r.target == "a" {
			return response(500, `{"message":"m"}`)
		}
		return ops(`[{"op":"StepPlanned","id":"a"}]`)
	},
	"fails-after-step": func(r *received) *adapter.Response {
		if len(s0(r)) == 0 {
			return ops(`[{"op":"StepRun","id":"a"}]`)
		}
		return response(500, `{"message":"m"}`)
	},
	"after-parallel": func(r *received) *adapter.Response {
		switch done := s0(r); {
		case r.target != anyStep:
			return stepOf(r)
		case len(done) == 0:
			return ops(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`)
		case len(done) == 2 && r.Context.Plan:
			return ops(`[{"op":"StepPlanned","id":"c"}]`)
		case len(done) == 2:
			return ops(`[{"op":"StepRun","id":"c","data":"c"}]`)
		}
		return response(200, `1`)
	},
	"parallel-failures": func(r *received) *adapter.Response {
		switch {
		case r.target == "a":
			return ops(`[{"op":"StepError","id":"a","error":{"name":"N","message":"m"}}]`)
		case r.target == "b":
			return ops(`[{"op":"StepFailed","id":"b","error":{"name":"N","message":"m"}}]`)
		case len(s0(r)) == 0:
			return ops(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`)
		}
		return response(200, `1`)
	},
	"wait":           first(`[{"op":"WaitForEvent","id":"a","opts":{"event":"twin/never","timeout":"1s"}}]`),
	"wait-broken":    first(`[{"op":"WaitForEvent","id":"a","opts":{"event":"twin/never","timeout":"1s","if":"event.data. =="}}]`),
	"signal":         first(`[{"op":"WaitForSignal","id":"a","opts":{"signal":"never","timeout":"1s"}}]`),
	"invoke":         first(`[{"op":"InvokeFunction","id":"a","opts":{"function_id":"twin-target","payload":{"data":{"x":1}},"timeout":"1h"}}]`),
	"invoke-failing": first(`[{"op":"InvokeFunction","id":"a","opts":{"function_id":"twin-target-failing","payload":{},"timeout":"1h"}}]`),
	"invoke-slow":    first(`[{"op":"InvokeFunction","id":"a","opts":{"function_id":"twin-target-slow","payload":{"data":{}},"timeout":"1s"}}]`),
	"invoke-nobody":  first(`[{"op":"InvokeFunction","id":"a","opts":{"function_id":"twin-nobody","payload":{"data":{}},"timeout":"1h"}}]`),
	// Others invoke these, at any time.
	"target":         always(200, `{"a":1}`),
	"target-failing": always(400, `{"message":"m"}`, noRetry, "true"),
	"target-slow":    first(`[{"op":"Sleep","id":"a","opts":{"duration":"5s"}}]`),
	"three-waits": func(r *received) *adapter.Response {
		if len(s0(r)) == 3 {
			return response(200, `1`)
		}
		return ops(`[{"op":"WaitForEvent","id":"a","opts":{"event":"twin/never","timeout":"1s"}},` +
			`{"op":"WaitForEvent","id":"b","opts":{"event":"twin/never","timeout":"3s"}},{"op":"WaitForSignal","id":"c","opts":{"signal":"neither","timeout":"2s"}}]`)
	},
	"wait-and-plan": first(`[{"op":"WaitForEvent","id":"w","opts":{"event":"twin/never","timeout":"6s"}},{"op":"StepPlanned","id":"a"}]`),
	"sleep-after-parallel": func(r *received) *adapter.Response {
		switch done := s0(r); {
		case r.target != anyStep:
			return stepOf(r)
		case len(done) == 0:
			return ops(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`)
		case len(done) == 2:
			return ops(`[{"op":"Sleep","id":"z","opts":{"duration":"1s"}}]`)
		case len(done) == 3:
			return ops(`[{"op":"StepPlanned","id":"d"},{"op":"Sleep","id":"y","opts":{"duration":"6s"}}]`)
		}
		return response(200, `1`)
	},
	"too-long": first(`[{"op":"Sleep","id":"a","opts":{"duration":"8785h"}}]`),
}

// always responds to every call alike.
func always(status int, body string, header ...string) func(*received) *adapter.Response {
	return func(*received) *adapter.Response { return response(status, body, header...) }
}

// first responds with operations until a step has a result. Calls for a step run it.
func first(body string, header ...string) func(*received) *adapter.Response {
	return func(r *received) *adapter.Response {
		switch {
		case r.target != anyStep:
			return stepOf(r)
		case len(s0(r)) == 0:
			return ops(body, header...)
		}
		return response(200, `{"done":true}`)
	}
}
