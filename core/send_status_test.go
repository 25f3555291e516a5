package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

func TestSendStatus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want int
	}{
		{&inngestkit.SendError{Status: 429}, http.StatusServiceUnavailable},
		{&inngestkit.SendError{Status: 503}, http.StatusServiceUnavailable},
		{&inngestkit.SendError{Status: 500}, http.StatusBadGateway},
		{&inngestkit.SendError{Status: 200, Message: "the response did not come from an Inngest server"}, http.StatusBadGateway},
		{&inngestkit.SendError{Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, http.StatusBadGateway},
		{&inngestkit.SendError{Err: context.DeadlineExceeded}, http.StatusGatewayTimeout},
		{&inngestkit.SendError{Err: context.Canceled}, http.StatusServiceUnavailable},
		{&inngestkit.SendError{Status: 401}, http.StatusInternalServerError},
		{&inngestkit.SendError{Status: 413}, http.StatusInternalServerError},
		{fmt.Errorf("order: %w", &inngestkit.SendError{Status: 429}), http.StatusServiceUnavailable},
		{errors.New("inngestkit: send: event 0: it cannot be encoded"), http.StatusInternalServerError},
	} {
		require.Equal(t, tc.want, inngestkit.SendStatus(tc.err), "%v", tc.err)
	}
}

func TestSendFromAContext(t *testing.T) {
	t.Parallel()
	_, err := inngestkit.Send(t.Context(), signedUp.New(user{}))
	require.ErrorContains(t, err, "install the Middleware of the adapter")
	require.Equal(t, http.StatusInternalServerError, inngestkit.SendStatus(err))

	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w, "e1") })
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	ids, err := inngestkit.Send(inngestkit.NewContext(t.Context(), app), signedUp.New(user{}))
	require.NoError(t, err)
	require.Equal(t, []string{"e1"}, ids)
	_, bodies := server.seen()
	require.Contains(t, bodies[0], "user/signed-up")
	require.NoError(t, app.Shutdown(t.Context()))
}
