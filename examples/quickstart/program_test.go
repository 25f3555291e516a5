package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/quickstart/internal/demo"
)

// programEnv makes the test binary run the program, for tests that need it in a separate
// process.
const programEnv = "QUICKSTART_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// run runs the demonstration and returns its exit status and output.
func run(ctx context.Context, app demo.App, args ...string) (int, string) {
	var out bytes.Buffer
	status := demo.Run(ctx, args, &out, app)
	return status, out.String()
}

func TestProgram(t *testing.T) {
	t.Parallel()
	status, out := run(t.Context(), serve)
	t.Log(out)
	require.Zero(t, status)
	// The lines appear in this order.
	rest := out
	for _, line := range []string{
		`you +POST /users {"email":"ada@example.com"}`,
		`app +sends the server an event, and responds with 202 {"eventId":"\w+","userId":"user-\w{4}"}`,
		`server +welcome-new-user +starts a run for the event user.created: call 1`,
		`app +welcome-new-user +runs draw-voucher: "\w{6}"`,
		`server +welcome-new-user +has stored the result: call 2, with 1 result`,
		`app +welcome-new-user +skips 1 step, runs send-welcome-mail: fails, the mail server is busy`,
		`server +welcome-new-user +retries: call 3, with 1 result`,
		`app +welcome-new-user +skips 1 step, runs send-welcome-mail: "mail-1"`,
		`app +welcome-new-user +skips 2 steps, reaches let-mail-arrive: call me in 2s`,
		`server +welcome-new-user +has waited 2s: call 5, with 3 results`,
		`app +welcome-new-user +skips 3 steps, reaches wait-for-verification: call me when user.email-verified arrives`,
		`you +POST /users/user-\w{4}/verify`,
		`server +welcome-new-user +has received the event user.email-verified: call 6, with 4 results`,
		`app +welcome-new-user +skips 4 steps, runs announce-activation: \["\w+"\]`,
	} {
		at := regexp.MustCompile(line + "\n").FindStringIndex(rest)
		require.NotNil(t, at, "%s\nin\n%s", line, rest)
		rest = rest[at[1]:]
	}
	// The end of the first run and the second run are at the same time.
	for _, line := range []string{
		`app +welcome-new-user +skips 5 steps, returns {"userId":"user-\w{4}","voucher":"\w{6}","mailId":"mail-1","verified":true}`,
		`server +start-trial +starts a run for the event user.activated: call 1`,
		`app +start-trial +skips 1 step, returns {"userId":"user-\w{4}","plan":"pro","days":14}`,
		`checked with the server's API: both runs are Completed`,
		`draw-voucher +ran once`,
		`send-welcome-mail +ran twice`,
		`The server called welcome-new-user 7 times`,
	} {
		require.Regexp(t, line, rest)
	}
	require.NotContains(t, out, "\x1b", "no colours outside a terminal")
	require.NotContains(t, out, "GIN")
}

// With a mailer that never fails, the run differs from the expected one, and the check
// must notice.
func TestCheckFindsDifferences(t *testing.T) {
	t.Parallel()
	status, out := run(t.Context(), func(ctx context.Context, env demo.Env) error {
		app, err := inngestkit.New(inngestkit.Config{
			AppID: "quickstart", Dev: true, BaseURL: env.ServerURL, ServeHost: env.Listener.Addr().String(), Logger: env.Logger,
		})
		if err != nil {
			return err
		}
		users := &Users{mail: &busyMailer{refused: map[string]bool{"ada@example.com": true}}}
		if err := app.Register(users.Functions()...); err != nil {
			return err
		}
		return listen(ctx, app, env)
	})
	require.Equal(t, 1, status)
	require.Contains(t, out, "failed: checking welcome-new-user: waited for 5s: expected the server to have the steps")
	require.Contains(t, out, "the end of the server's log:")
	require.Contains(t, out, "the end of the app's log:")
	require.NotContains(t, out, "checked with")
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		app  demo.App
		want string
	}{
		"error": {
			func(context.Context, demo.Env) error { return errors.New("out of order") },
			"failed: the app ended by itself: out of order",
		},
		"panic": {
			func(context.Context, demo.Env) error { panic("out of order") },
			"failed: the app ended by itself: panic: out of order",
		},
		"early end": {
			func(context.Context, demo.Env) error { return nil },
			"failed: the app ended by itself: it gave no reason",
		},
		"cannot stop": {
			func(ctx context.Context, env demo.Env) error {
				return errors.Join(serve(ctx, env), errors.New("stuck"))
			},
			"failed: stopping the app: stuck",
		},
		"refused request": {
			func(ctx context.Context, env demo.Env) error {
				watch := env.Watch
				env.Watch = func(next http.Handler) http.Handler {
					return watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/users" {
							http.Error(w, "no", http.StatusTeapot)
							return
						}
						next.ServeHTTP(w, r)
					}))
				}
				return serve(ctx, env)
			},
			"failed: POST /users: the app responded with 418",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out := run(t.Context(), test.app)
			require.Equal(t, 1, status, out)
			require.Contains(t, out, test.want)
		})
	}
}

func TestNoServer(t *testing.T) {
	t.Setenv("INNGEST_CLI_PATH", "nowhere")
	status, out := run(t.Context(), serve)
	require.Equal(t, 1, status)
	require.Contains(t, out, "failed: ")
	require.Contains(t, out, "INNGEST_CLI_PATH")
}

func TestArguments(t *testing.T) {
	t.Parallel()
	status, out := run(t.Context(), serve, "-h")
	require.Zero(t, status)
	require.Contains(t, out, "-keep")
	require.Contains(t, out, "Ctrl-C")
	require.LessOrEqual(t, strings.Count(out, "\n"), 15)

	status, out = run(t.Context(), serve, "-nonsense")
	require.Equal(t, 2, status)
	require.Contains(t, out, "-nonsense")

	status, out = run(t.Context(), serve, "nonsense")
	require.Equal(t, 2, status)
	require.Contains(t, out, `"nonsense"`)
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	status, out := run(ctx, serve)
	require.Equal(t, 130, status)
	require.Contains(t, out, "interrupted")
}
