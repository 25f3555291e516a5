package health

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// The two responses in the README of nestjs-inngest, word for word.
const (
	referenceBasic = `{
  "status": "ok",
  "info": {
    "inngest": {
      "status": "up",
      "functions": 5,
      "lastSync": "2024-01-15T10:30:00Z"
    }
  }
}`
	referenceDetailed = `{
  "status": "ok",
  "info": {
    "inngest": {
      "status": "up",
      "functions": 5,
      "lastSync": "2024-01-15T10:30:00Z"
    }
  },
  "details": {
    "memory": {
      "used": "45 MB",
      "limit": "512 MB",
      "percentage": 8.8
    },
    "functions": [
      {
        "id": "process-order",
        "status": "healthy",
        "lastExecution": "2024-01-15T10:29:45Z"
      }
    ]
  }
}`
)

// limitMemory sets a memory limit for the process until the end of the test, which therefore
// cannot be parallel.
func limitMemory(t *testing.T, bytes int64) {
	t.Helper()
	before := debug.SetMemoryLimit(bytes)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
}

// The responses are those of nestjs-inngest, field by field, in all frameworks.
func TestReferenceResponses(t *testing.T) {
	const limit = 512 << 20
	limitMemory(t, limit) // otherwise there may be no limit
	server := testsite.NewServer(t)
	for _, with := range frameworks {
		t.Run(with.name, func(t *testing.T) {
			s, began := executed(t, server, with)
			last, ok := s.app.LastSync()
			require.True(t, ok)
			for path, want := range map[string]string{report: referenceBasic, detailed: referenceDetailed} {
				got := s.get(t, path)
				var reference, answered map[string]any
				require.NoError(t, json.Unmarshal([]byte(want), &reference))
				require.NoError(t, json.Unmarshal([]byte(got.body), &answered), got.body)
				t.Logf("%s: %s", path, got.body)
				compare(t, "", reference, answered)
				inngest := answered["info"].(map[string]any)["inngest"].(map[string]any)
				require.Equal(t, last.Time.UTC().Truncate(time.Second).Format(time.RFC3339), inngest["lastSync"])
				if path == detailed {
					details := answered["details"].(map[string]any)
					checkMemory(t, details["memory"].(map[string]any))
					checkFunctions(t, details["functions"].([]any), began)
				}
			}
		})
	}
}

// executed serves an app of five functions and has one of them executed, at some time after
// began.
func executed(t *testing.T, server *devserver.Server, with framework) (s *site, began time.Time) {
	t.Helper()
	appID := strings.ReplaceAll(with.name, " ", "-")
	event := inngestkit.DefineEvent[order](appID + "/order.placed")
	s = setup{with: with, config: dev(appID, server), functions: []inngestkit.Function{
		inngestkit.OnEvent("process-order", event, done), idle("ship"), idle("bill"), idle("remind"), idle("thank"),
	}}.serve(t)
	s.sync(t)
	began = time.Now()
	run := testsite.Ended(t, server, testsite.Send(t, s.app, event.New(order{ID: "o1"})), testsite.Timeout)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	return s, began
}

var (
	wholeSeconds = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	megabytes    = regexp.MustCompile(`^\d+ MB$`)
)

// compare compares a value with the reference's: the same keys, with additional ones only
// inside of the details; the same types, and the same formats of text. Lists are compared up
// to the length of the reference's.
func compare(t *testing.T, at string, want, got any) {
	t.Helper()
	require.IsType(t, want, got, at)
	switch want := want.(type) {
	case map[string]any:
		got := got.(map[string]any)
		keys, has := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))
		if strings.HasPrefix(at, "/details") {
			require.Subset(t, has, keys, at)
		} else {
			require.Equal(t, keys, has, at)
		}
		for key, value := range want {
			compare(t, at+"/"+key, value, got[key])
		}
	case []any:
		require.GreaterOrEqual(t, len(got.([]any)), len(want), at)
		for i, value := range want {
			compare(t, fmt.Sprintf("%s/%d", at, i), value, got.([]any)[i])
		}
	case string:
		for _, format := range []*regexp.Regexp{wholeSeconds, megabytes} {
			if format.MatchString(want) {
				require.Regexp(t, format, got, at)
				return
			}
		}
		require.Equal(t, want, got, at)
	case float64:
		if at == "/info/inngest/functions" {
			require.InDelta(t, want, got, 0)
		}
	default:
		require.Fail(t, "the reference has no value of this kind", "%s: %v", at, want)
	}
}

// checkMemory checks that the numbers are consistent. The limit is the test's, unless the
// machine has a lower one.
func checkMemory(t *testing.T, memory map[string]any) {
	t.Helper()
	text := func(key string) string { // rounded to the nearest megabyte
		return strconv.FormatUint((uint64(memory[key].(float64))+1<<19)>>20, 10) + " MB"
	}
	require.Equal(t, text("usedBytes"), memory["used"])
	require.Equal(t, text("limitBytes"), memory["limit"])
	used, limit := memory["usedBytes"].(float64), memory["limitBytes"].(float64)
	require.Greater(t, used, float64(1<<20))
	require.InDelta(t, used/limit*100, memory["percentage"], 0.051, "one decimal place")
	require.Less(t, used, limit)
}

func checkFunctions(t *testing.T, functions []any, began time.Time) {
	t.Helper()
	require.Len(t, functions, 5)
	for i, id := range []string{"process-order", "ship", "bill", "remind", "thank"} {
		f := functions[i].(map[string]any)
		require.Equal(t, id, f["id"])
		require.Equal(t, string(inngesthealth.Healthy), f["status"])
		last, has := f["lastExecution"]
		require.True(t, has)
		if i > 0 {
			require.Nil(t, last, "the function was never executed")
			continue
		}
		at, err := time.Parse(time.RFC3339, last.(string))
		require.NoError(t, err)
		require.WithinRange(t, at, began.Add(-time.Second), time.Now())
	}
}
