package conformance

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// More events than fit into one request, and the largest event: all arrive, each under its
// own ID, in order.
func TestSendSplitsForTheRealServer(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, BaseURL: server.URL()})
	require.NoError(t, err)
	bulk := inngestkit.DefineEvent[user]("user/bulk")
	var events []inngestkit.AnyEvent
	for i := range 5001 {
		events = append(events, bulk.New(user{ID: strconv.Itoa(i)}))
	}
	const frame = `{"name":"user/bulk","data":{"id":""}}`
	events = append(events, bulk.New(user{ID: strings.Repeat("x", 3<<20-len(frame))}))
	ids, err := app.Send(testsite.Within(t), events...)
	require.NoError(t, err)
	require.Len(t, ids, len(events))
	places := map[string]int{}
	for i, id := range ids {
		require.NotContains(t, places, id)
		places[id] = i
	}
	for _, i := range []int{0, 4999, 5000} {
		var event struct {
			Data struct {
				Data user `json:"data"`
			} `json:"data"`
		}
		// The server responds before it has stored the events.
		testsite.Eventually(t, 100*time.Millisecond, func() bool {
			err := server.Do(testsite.Within(t), http.MethodGet, "/v1/events/"+ids[i], nil, &event)
			var missing *devserver.StatusError
			if errors.As(err, &missing) && missing.Status == http.StatusNotFound {
				return false
			}
			require.NoError(t, err)
			return true
		})
		require.Equal(t, strconv.Itoa(i), event.Data.Data.ID)
	}
}

// Events are split and refused by the limits of the server.
func TestLimitsOfTheRealServer(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	many := make([]map[string]string, 5001)
	for i := range many {
		many[i] = map[string]string{"name": "e"}
	}
	for name, body := range map[string]any{
		"events in a request": many,
		"size of an event":    []map[string]any{{"name": "e", "data": map[string]string{"x": strings.Repeat("x", 3<<20)}}},
	} {
		var refusal *devserver.StatusError
		err := server.Do(testsite.Within(t), http.MethodPost, "/e/key", body, nil)
		require.ErrorAs(t, err, &refusal, name)
		require.Equal(t, http.StatusBadRequest, refusal.Status, name)
	}
}
