package engine

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

func TestDebounce(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, on("f", "x", echo, flow.Debounce(10*time.Second, flow.Key("event.data.n"))))
		s.send("x", data{ID: "a", N: 1})
		s.send("x", data{ID: "b", N: 2})
		s.pass(5 * time.Second)
		s.send("x", data{ID: "c", N: 1})
		s.pass(time.Minute)
		require.Equal(t, []string{`"b"`, `"c"`}, s.outputs("f"))
		require.Equal(t, seconds(11.05, 16.05), s.starts("f"))
		s.says(`event "x" is debounced: test-f of key "1" starts in 11.05s`, "starts no run of test-f: a newer one has taken its place")
		require.Nil(t, s.order[0].limiters.delay)
	})
}

func TestDebounceWithTimeout(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, inngestkit.OnEvent("f", inngestkit.DefineEvent[json.RawMessage]("x"),
		func(_ context.Context, in inngestkit.Input[json.RawMessage]) (any, error) { return in.Event.Data, nil },
		flow.Debounce(10*time.Second, flow.Timeout(15*time.Second))))
	for range 3 {
		s.sendRaw(`{"name":"x","data":{"empty":{},"null":null,"id":"a"}}`)
		s.pass(6 * time.Second)
	}
	s.pass(time.Minute)
	require.Equal(t, []string{`{"empty":[],"id":"a"}`}, s.outputs("f"), s.text())
	require.LessOrEqual(t, s.starts("f")[0], 17*time.Second)
	s.says("the server's debounce with a timeout changes event")
}

func TestBatch(t *testing.T) {
	t.Parallel()
	size := func(_ context.Context, in input) (any, error) {
		ids := []string{}
		for _, ev := range in.Events {
			ids = append(ids, ev.Data.ID)
		}
		return strings.Join(ids, ","), nil
	}
	for name, test := range map[string]struct {
		options        []flow.BatchOption
		events         []data
		newest, oldest []string
		at, oldestAt   []time.Duration
	}{
		"full": {
			nil, []data{{ID: "1"}, {ID: "2"}, {ID: "3"}, {ID: "4"}},
			[]string{`"1,2,3"`, `"4"`}, []string{`"1,2,3"`, `"4"`}, seconds(0, 10.5), seconds(0, 10),
		},
		"key": {
			[]flow.BatchOption{flow.Key("event.data.n")}, []data{{"1", 1}, {"2", 2}, {"3", 1}, {"4", 1}},
			[]string{`"1,3,4"`, `"2"`}, []string{`"1,3,4"`, `"2"`}, seconds(0, 10.5), seconds(0, 10),
		},
		"condition": {
			[]flow.BatchOption{flow.If("event.data.n > 0")}, []data{{"1", 1}, {"2", 0}, {"3", 1}},
			[]string{`"2"`, `"1,3"`}, []string{`"2"`, `"1,3"`}, seconds(0, 10.5), seconds(0, 10),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachVersion(t, func(t *testing.T, v version.Version) {
				s := newSite(t, Config{Version: v}, on("f", "x", size, flow.BatchEvents(3, 10*time.Second, test.options...)))
				for _, d := range test.events {
					s.send("x", d)
				}
				s.pass(time.Minute)
				outputs, at := test.newest, test.at
				if v == version.Oldest {
					outputs, at = test.oldest, test.oldestAt
				}
				require.Equal(t, outputs, s.outputs("f"), s.text())
				require.Equal(t, at, s.starts("f"))
				require.Nil(t, s.order[0].limiters.delay)
			})
		})
	}
}
