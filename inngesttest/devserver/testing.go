package devserver

import "testing"

// New starts the Inngest server for a test and stops it when the test and its
// subtests have ended. It is [Start] with the test's context. If no server can
// be found or built, the test fails. It is never skipped, because a suite that passes
// without running would prove nothing. The test's log names the server and its
// version; if the test fails, the end of the server's log is added.
//
// Each test can have its own server, which starts in a fraction of a second. A server with
// [Config.StateDir] is killed at the end of the test, because v1.12.1 takes 30 s to stop in
// the self-hosted mode.
func New(tb testing.TB, cfg Config) *Server {
	tb.Helper()
	s, err := Start(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("devserver: %s", s.Binary())
	tb.Cleanup(func() {
		if s.ended() && !s.stopping.Load() {
			tb.Errorf("devserver: the Inngest server ended by itself (%s)", s.proc.cmd.ProcessState)
		}
		end := s.Stop
		if s.cfg.StateDir != "" {
			end = s.Kill
		}
		if err := end(); err != nil {
			tb.Error(err)
		}
		if tb.Failed() {
			tb.Logf("the end of the Inngest server's log:\n%s", s.Logs())
		}
	})
	return s
}
