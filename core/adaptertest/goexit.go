package adaptertest

import (
	"context"
	"net/http"
	"runtime"
	"testing"
)

// endedGoroutines: a function that ends its goroutine (runtime.Goexit, as FailNow of a
// test does) leaves the app without an answer. The caller learns of it by an error or by
// the end of the connection, and the server goes on.
func endedGoroutines(t *testing.T, a Adapter) {
	const ends = "ends its goroutine"
	i := start(t, a, setup{function: func(_ context.Context, in input) (any, error) {
		if in.Event.Data.ID == ends {
			runtime.Goexit()
		}
		return in.Event.Data.ID, nil
	}})
	for range 3 {
		conn := i.dial(t)
		conn.send(t, i.rawCall(payload{ID: ends}))
		got, err := conn.tryAnswer(http.MethodPost)
		switch {
		case err == nil && got.status < http.StatusInternalServerError:
			t.Fatalf("a function has ended its goroutine, and the answer is %s, want an error or none", got)
		case isTimeout(err):
			t.Fatal("a function has ended its goroutine, and the caller waits in vain: answer with an error, or hang up")
		}
		i.call(t, payload{ID: "a"}).returned(t, "a")
	}
}
