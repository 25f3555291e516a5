package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// server records what checkpoints send to it, such as "a b" for two results at a time.
type server struct {
	mu   sync.Mutex
	sent []string
	err  error
}

func (s *server) send(results []json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, namesOf(results))
	return s.err
}

func (s *server) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.sent...)
}

func namesOf(results []json.RawMessage) string {
	names := make([]string, len(results))
	for i, result := range results {
		var op struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(result, &op); err != nil {
			panic(err)
		}
		names[i] = op.Name
	}
	return strings.Join(names, " ")
}

// serveWith runs a function of the steps a, b and c in a call with checkpoints, and returns
// the steps that have run.
func serveWith(t *testing.T, checkpoints *call.Checkpoints, attempt int) (ended, []string) {
	t.Helper()
	var ran []string
	end := serve(t, given{Checkpoints: checkpoints, Attempt: attempt}, func(ctx context.Context) (any, error) {
		return "done", of(&ran, "a", "b", "c")(ctx)
	})
	return end, ran
}

func TestCheckpointsAreSentInBatches(t *testing.T) {
	t.Parallel()
	for batch, want := range map[int][]string{
		0: {"a", "b", "c"},
		1: {"a", "b", "c"},
		2: {"a b"},
		3: {"a b c"},
		4: nil,
	} {
		t.Run(strconv.Itoa(batch), func(t *testing.T) {
			t.Parallel()
			var s server
			c := &call.Checkpoints{Send: s.send, Batch: batch}
			end, ran := serveWith(t, c, 0)
			require.Equal(t, []string{"a", "b", "c"}, ran)
			require.Equal(t, want, s.got())
			require.True(t, end.Returned())
			require.Equal(t, len(want) == 0 || batch == 2, end.HasUnsentResults())
			require.Empty(t, c.End(nil, 0), "all are sent at the end")
			require.False(t, end.HasUnsentResults())
			require.Equal(t, "a b c", strings.Join(s.got(), " "))
		})
	}
}

// The form is that of docs/SDK_SPEC.md, 5.3.1.
func TestTheFormOfACheckpoint(t *testing.T) {
	t.Parallel()
	var sent []json.RawMessage
	send := func(results []json.RawMessage) error { sent = append(sent, results...); return nil }
	serve(t, given{Checkpoints: &call.Checkpoints{Send: send}}, func(ctx context.Context) (any, error) {
		return nil, of(new([]string), "poll", "poll")(ctx)
	})
	require.Len(t, sent, 2)
	for index, raw := range sent {
		var result map[string]any
		require.NoError(t, json.Unmarshal(raw, &result))
		require.Contains(t, result, "timing")
		delete(result, "timing")
		userland := map[string]any{"id": "poll"}
		if index > 0 {
			userland["index"] = float64(index)
		}
		require.Equal(t, map[string]any{
			"op": "StepRun", "id": call.ID{Name: "poll", Index: index}.Key(), "name": "poll", "data": "poll", "userland": userland,
		}, result)
	}
}

func TestALargeResultIsSentAtOnce(t *testing.T) {
	t.Parallel()
	var s server
	serve(t, given{Checkpoints: &call.Checkpoints{Send: s.send, Batch: 10}}, func(ctx context.Context) (any, error) {
		_, err := run(ctx, new([]string), "small")
		require.NoError(t, err)
		require.Empty(t, s.got())
		_, err = call.Run(ctx, "large", func(context.Context) (string, error) { return strings.Repeat("x", 3<<20), nil })
		require.NoError(t, err)
		require.Equal(t, []string{"small large"}, s.got())
		_, err = run(ctx, new([]string), "next")
		return nil, err
	})
	require.Equal(t, []string{"small large"}, s.got(), "what was sent does not count")
}

// The interval of a result that was sent in a batch does not cut that of the next one short.
func TestABatchStopsTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s server
		c := &call.Checkpoints{Send: s.send, Batch: 2, Interval: 10 * time.Second}
		serve(t, given{Checkpoints: c}, func(ctx context.Context) (any, error) {
			require.NoError(t, of(new([]string), "a")(ctx))
			time.Sleep(5 * time.Second)
			require.NoError(t, of(new([]string), "b", "c")(ctx))
			time.Sleep(9 * time.Second)
			require.Equal(t, []string{"a b"}, s.got())
			time.Sleep(2 * time.Second)
			require.Equal(t, []string{"a b", "c"}, s.got())
			return nil, nil
		})
	})
}

func TestCheckpointsWaitForTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s server
		c := &call.Checkpoints{Send: s.send, Batch: 10, Interval: time.Second}
		serve(t, given{Checkpoints: c}, func(ctx context.Context) (any, error) {
			ran := new([]string)
			require.NoError(t, of(ran, "a")(ctx))
			time.Sleep(time.Second - 1)
			require.NoError(t, of(ran, "b")(ctx))
			synctest.Wait()
			require.Empty(t, s.got())
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			require.Equal(t, []string{"a b"}, s.got())
			return nil, of(ran, "c")(ctx)
		})
		c.Close()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"a b"}, s.got(), "nothing is sent after Close")
	})
}

// When the server takes no results, they go into the response before there are more.
func TestCheckpointsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		off      bool
		attempt  int
		err      error
		wantSent []string
		wantLeft string
	}{
		"off":               {true, 0, nil, nil, "a"},
		"failed":            {false, 0, errors.New("no"), []string{"a"}, "a"},
		"not first attempt": {false, 1, nil, nil, ""}, // the SDK has the result, for the response,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{err: tc.err}
			c := &call.Checkpoints{Send: s.send, Off: tc.off}
			end, ran := serveWith(t, c, tc.attempt)
			require.Equal(t, []string{"a"}, ran)
			require.True(t, end.Yielded())
			require.False(t, end.Returned())
			require.Equal(t, tc.wantLeft, namesOf(c.End(nil, 0)))
			require.Equal(t, tc.wantSent, s.got())
		})
	}
}

func TestCheckpointsEnd(t *testing.T) {
	t.Parallel()
	more := []json.RawMessage{json.RawMessage(`{"name":"x"}`), json.RawMessage(`{"name":"y"}`)}
	for keep, want := range []struct{ sent, left string }{{"a b c x y", ""}, {"a b c x", "y"}} {
		var s server
		c := &call.Checkpoints{Send: s.send, Batch: 10}
		serveWith(t, c, 0)
		require.Equal(t, want.left, namesOf(c.End(more, keep)))
		require.Equal(t, []string{want.sent}, s.got())
		c.Flush()
		require.Len(t, s.got(), 1, "nothing is sent after End")
	}
}

func TestCheckpointsKnowTheirResults(t *testing.T) {
	t.Parallel()
	c := &call.Checkpoints{Send: new(server).send}
	serveWith(t, c, 0)
	require.True(t, c.Knows(call.ID{Name: "a"}.Key()))
	require.False(t, c.Knows(call.ID{Name: "other"}.Key()))
}

// How a step ends depends on whether the results before it are sent, so they are sent first.
func TestAFailedStepFlushesCheckpoints(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"sent": nil, "not sent": errors.New("no")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{err: err}
			end := serve(t, given{Checkpoints: &call.Checkpoints{Send: s.send, Batch: 10}}, func(ctx context.Context) (any, error) {
				require.NoError(t, of(new([]string), "a")(ctx))
				return call.Run(ctx, "b", func(context.Context) (string, error) { return "", errors.New("no luck") })
			})
			require.Equal(t, []string{"a"}, s.got())
			require.Equal(t, err != nil, end.HasUnsentResults())
			require.Equal(t, "b", end.Deferred().Step.Name)
		})
	}
}
