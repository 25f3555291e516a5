package devserver

import (
	"net"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChosenTaken(t *testing.T) {
	t.Parallel()
	p := ports{api: 40001, gateway: 40002, gatewayGRPC: 40003, executorGRPC: 40004}
	for log, want := range map[string]bool{
		"": false,
		`{"err":"listen tcp 127.0.0.1:40001: bind: address already in use"}`:                                                             true,
		`{"err":"listen tcp :40003: bind: address already in use"}`:                                                                      true,
		`{"err":"listen tcp :50052: bind: address already in use"}`:                                                                      false,
		`listen tcp 127.0.0.1:40002: bind: Only one usage of each socket address (protocol/network address/port) is normally permitted.`: true,
		`{"msg":"Port conflict, using new port","old":40001,"new":40005}`:                                                                true,
	} {
		require.Equal(t, want, p.chosenTaken(log), log)
	}
	oldest := ports{api: 40001, gateway: 40002}
	require.True(t, oldest.chosenTaken("could not listen for: listen tcp :50052: bind: address already in use"))
	require.False(t, oldest.chosenTaken("it does not feel like it"))
}

// A newer dev server whose port is taken moves to another one and reports that only in its
// log. It is restarted on free ports.
func TestServerThatMovesIsStartedAgain(t *testing.T) {
	t.Parallel()
	binary, err := Build(t.Context(), NewestVersion, os.Stderr)
	require.NoError(t, err)
	about, err := probe(t.Context(), binary.Path)
	require.NoError(t, err)
	// A bare listener, so nothing responds there.
	stranger, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, stranger.Close()) }()
	_, port, err := net.SplitHostPort(stranger.Addr().String())
	require.NoError(t, err)
	taken, err := strconv.Atoi(port)
	require.NoError(t, err)
	chosen, err := choosePorts(t.Context(), 0, about)
	require.NoError(t, err)
	chosen.api = taken
	_, err = startOn(testContext(t), Config{}, binary, chosen)
	require.ErrorIs(t, err, errPortTaken)
	require.ErrorContains(t, err, "Port conflict")
}
