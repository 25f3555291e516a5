package engine

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

func TestParseFunction(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config string
		check  func(t *testing.T, newest, oldest *Function)
	}{
		"default retries": {`{}`, func(t *testing.T, fn, _ *Function) { require.Equal(t, 5, fn.MaxAttempts) }},
		"no retries": {`{"steps":{"step":{"retries":{"attempts":0}}}}`, func(t *testing.T, fn, _ *Function) {
			require.Equal(t, 1, fn.MaxAttempts)
		}},
		"too many retries": {`{"retries":30,"steps":{"step":{}}}`, func(t *testing.T, fn, _ *Function) {
			require.Equal(t, 21, fn.MaxAttempts)
		}},
		"durations": {`{"timeouts":{"start":"1d2h","finish":"90s"},"debounce":{"period":"1w"}}`, func(t *testing.T, fn, _ *Function) {
			require.Equal(t, 26*time.Hour, fn.options.startWithin)
			require.Equal(t, 90*time.Second, fn.options.endWithin)
			require.Equal(t, duration(7*24*time.Hour), fn.options.debounce.Period)
		}},
		"a batch of one is none": {`{"batchEvents":{"maxSize":1,"timeout":"1s"}}`, func(t *testing.T, fn, _ *Function) {
			require.Nil(t, fn.options.batch)
		}},
		"list of limits": {`{"concurrency":[{"limit":2},{"limit":0}]}`, func(t *testing.T, fn, oldest *Function) {
			require.Equal(t, []concurrencyOption{{Limit: 2}}, fn.options.concurrency)
			require.Equal(t, fn.options.concurrency, oldest.options.concurrency)
		}},
		"one limit": {`{"concurrency":{"limit":2,"key":"a","scope":"env"}}`, func(t *testing.T, fn, oldest *Function) {
			require.Equal(t, []concurrencyOption{{2, "a", "env"}}, fn.options.concurrency)
			require.Equal(t, fn.options.concurrency, oldest.options.concurrency)
		}},
		"limits on runs": {`{"concurrency":{"fn":[{"limit":3}]}}`, func(t *testing.T, fn, oldest *Function) {
			require.Equal(t, 3, fn.options.runs.Limit)
			require.Empty(t, fn.options.concurrency)
			require.Nil(t, oldest.options.runs)
			require.Empty(t, oldest.options.concurrency)
		}},
		"limits on runs and calls": {`{"concurrency":{"fn":[{"limit":3}],"step":[{"limit":1},{"limit":2}],"limit":1}}`,
			func(t *testing.T, fn, oldest *Function) {
				require.Equal(t, 3, fn.options.runs.Limit)
				require.Len(t, fn.options.concurrency, 2)
				require.Equal(t, []concurrencyOption{{Limit: 1}}, oldest.options.concurrency)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newest, err := parseFunction(json.RawMessage(test.config), version.Newest)
			require.NoError(t, err)
			oldest, err := parseFunction(json.RawMessage(test.config), version.Oldest)
			require.NoError(t, err)
			test.check(t, newest, oldest)
		})
	}
	_, err := parseFunction(json.RawMessage(`{"id":"f","triggers":[{"cron":"@hourly"}]}`), version.Newest)
	require.ErrorContains(t, err, `function "f"`)
	_, err = parseFunction(json.RawMessage(`{"timeouts":{"start":"soon"}}`), version.Newest)
	require.ErrorContains(t, err, `duration "soon"`)
}
