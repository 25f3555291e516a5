package envelope

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSDKSteps(t *testing.T) {
	t.Parallel()
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"input":[{"n":1}]}`))
	for name, tc := range map[string]struct{ steps, want string }{
		"an error of the server":      {`{"a":{"error":{"name":"E","message":"no"}}}`, `{"a":{"error":{"name":"E","message":"no","data":null}}}`},
		"an error of an app":          {`{"a":{"error":{"message":"no","data":1}}}`, `{"a":{"error":{"message":"no","data":1}}}`},
		"an error that is lost":       {`{"a":{"error":null}}`, `{"a":{"error":` + string(LostError) + `}}`},
		"a result without an error":   {`{"a":{"data":1,"error":null}}`, `{"a":{"data":1}}`},
		"an error of another type":    {`{"a":{"error":"no"}}`, `{"a":{"error":"no"}}`},
		"an input":                    {`{"a":{"input":[1]},"b":{"data":2}}`, `{"b":{"data":2}}`},
		"an input as the API encodes": {`{"a":"` + encoded + `","b":{"data":2}}`, `{"b":{"data":2}}`},
		"an input of null":            {`{"a":{"input":null}}`, `{}`},
		"data and an input":           {`{"a":{"data":1,"input":2}}`, `{"a":{"data":1,"input":2}}`},
		"data with such keys":         {`{"a":{"data":{"error":null,"input":1}}}`, `{"a":{"data":{"error":null,"input":1}}}`},
		"a sleep":                     {`{"a":null,"b":{"error":{}}}`, `{"a":null,"b":{"error":{"data":null}}}`},
		"a list":                      {`["error"]`, `["error"]`},
		"large integers":              {`{"a":{"data":9007199254740993},"b":{"error":{}}}`, `{"a":{"data":9007199254740993},"b":{"error":{"data":null}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := Envelope{Steps: []byte(tc.steps)}
			steps := string(e.SDKSteps())
			require.JSONEq(t, tc.want, steps)
			require.Equal(t, len(tc.want) == len(tc.steps), steps == tc.steps)
		})
	}
	var none Envelope
	require.Nil(t, none.SDKSteps())
}

// Most calls need no repair, and must not pay for it.
func TestSDKStepsLeavesSoundStepsAlone(t *testing.T) { //nolint:paralleltest // AllocsPerRun forbids it
	e := Envelope{Steps: []byte(`{"a":{"data":{"id":1}},"b":null}`)}
	require.Zero(t, testing.AllocsPerRun(10, func() { e.SDKSteps() }))
	require.Equal(t, `{"a":{"data":{"id":1}},"b":null}`, string(e.SDKSteps())) //nolint:testifylint // byte for byte
}

func TestSetStepID(t *testing.T) {
	t.Parallel()
	e, err := Parse([]byte(`{"event":{},"ctx":{"step_id":"step","n":9007199254740993}}`))
	require.NoError(t, err)
	e.SetStepID(`a"b`)
	require.JSONEq(t, `{"step_id":"a\"b","n":9007199254740993}`, string(e.Context))
	require.Contains(t, string(e.Context), "9007199254740993")
}
