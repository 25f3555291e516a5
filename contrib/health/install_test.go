package inngesthealth

import (
	"context"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	fine := func(context.Context) error { return nil }
	for name, tc := range map[string]struct {
		before  func(t *testing.T, app *inngestkit.App)
		options []Option
		message string
	}{
		"path":                {options: []Option{WithPath("health")}, message: `WithPath: "health" is not a valid path`},
		"two slashes":         {options: []Option{WithPath("//")}, message: `WithPath: "//" is not a valid path; use one such as "/health/inngest"`},
		"slashes at the end":  {options: []Option{WithPath("/status//")}, message: `WithPath: "/status//" is not a valid path`},
		"no path":             {options: []Option{WithPath("")}, message: `WithPath: "" is not a valid path`},
		"wildcard":            {options: []Option{WithPath("/{x}")}, message: `WithPath: "/{x}" is not a valid path`},
		"parameter":           {options: []Option{WithPath("/:x")}, message: `WithPath: "/:x" is not a valid path`},
		"dots":                {options: []Option{WithPath("/a/../b")}, message: `WithPath: "/a/../b" is not a valid path`},
		"slashes":             {options: []Option{WithPath("/a//b")}, message: `WithPath: "/a//b" is not a valid path`},
		"probe dots":          {options: []Option{WithProbes("..", "r")}, message: `WithProbes: ".." is not a valid name`},
		"nobody":              {options: []Option{WithAuthorization(nil)}, message: "WithAuthorization: the function is nil"},
		"no password":         {options: []Option{WithBasicAuth("ops", "")}, message: "WithBasicAuth: the name or the password is empty; is a variable not set?"},
		"no user":             {options: []Option{WithBasicAuth("", "geheim")}, message: "WithBasicAuth: the name or the password is empty"},
		"interval of a check": {options: []Option{WithChecks(Check{Name: "a", Run: fine, Interval: -1})}, message: `an interval of -1ns; neither may be negative`},
		"white space":         {options: []Option{WithChecks(Check{Name: " a", Run: fine})}, message: `check 0 has the name " a"`},
		"not UTF-8":           {options: []Option{WithChecks(Check{Name: "a\xff", Run: fine})}, message: `check 0 has the name "a\xff"`},
		"probe name":          {options: []Option{WithProbes("livez", "a/b")}, message: `WithProbes: "a/b" is not a valid name`},
		"no probe":            {options: []Option{WithProbes("", "readyz")}, message: `WithProbes: "" is not a valid name`},
		"same probes":         {options: []Option{WithProbes("z", "z")}, message: `WithProbes("z", "z"): the names must differ`},
		"details":             {options: []Option{WithDetails(7)}, message: "WithDetails(7): the mode must be DetailsOnQuery, DetailsAlways or DetailsNever"},
		"memory":              {options: []Option{WithMemoryThreshold(101)}, message: "WithMemoryThreshold(101): the percentage must be from 0"},
		"no memory":           {options: []Option{WithMemoryThreshold(math.NaN())}, message: "WithMemoryThreshold(NaN)"},
		"rate":                {options: []Option{WithFailureThreshold(50, 1, time.Minute)}, message: "the rate is 50; it must be from 0"},
		"no rate":             {options: []Option{WithFailureThreshold(math.NaN(), 1, time.Minute)}, message: "the rate is NaN"},
		"runs":                {options: []Option{WithFailureThreshold(.5, 0, time.Minute)}, message: "the number of runs is 0; it must be at least 1"},
		"window":              {options: []Option{WithFailureThreshold(.5, 1, time.Microsecond)}, message: "the window is 1µs; it must be at least 10ms"},
		"no name":             {options: []Option{WithChecks(Check{Run: fine})}, message: `check 0 has the name ""`},
		"bad name":            {options: []Option{WithChecks(Check{Name: "a\n", Run: fine})}, message: `check 0 has the name "a\n"`},
		"no function":         {options: []Option{WithChecks(Check{Name: "database"})}, message: `the check "database" has no function Run`},
		"built in":            {options: []Option{WithChecks(Check{Name: "memory", Run: fine})}, message: `the name "memory" is used by another check or a built-in indicator`},
		"the server's":        {options: []Option{WithServerCheck(), WithChecks(Check{Name: ServerIndicator, Run: fine})}, message: `the name "inngest-server" is used by another check`},
		"twice":               {options: []Option{WithChecks(Check{Name: "a", Run: fine}), WithChecks(Check{Name: "a", Run: fine})}, message: `the name "a" is used by another check`},
		"timeout":             {options: []Option{WithChecks(Check{Name: "a", Run: fine, Timeout: -1})}, message: `the check "a" has a timeout of -1ns`},
		"interval":            {options: []Option{WithInterval(0)}, message: "WithInterval(0s): the time between two runs of a check must be positive"},
		"several":             {options: []Option{WithMemoryThreshold(-1), WithDetails(-1)}, message: "WithMemoryThreshold(-1): the percentage must be from 0 (no threshold) to 100\ninngesthealth: WithDetails(-1)"},
		"mounted": {
			before:  func(_ *testing.T, app *inngestkit.App) { app.MountedAt("gin", app.Path()) },
			message: `inngesthealth: install: inngestkit: add routes: the app is mounted already, without "/health/inngest"; add routes before Mount`,
		},
		"the app's path": {options: []Option{WithPath(inngestkit.DefaultPath)}, message: `the path "/api/inngest" is taken by another route of the app`},
		"shut down": {
			before:  func(t *testing.T, app *inngestkit.App) { t.Helper(); require.NoError(t, app.Shutdown(t.Context())) },
			message: "inngesthealth: install: the app is shut down",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, inngestkit.Config{}, succeed)
			if tc.before != nil {
				tc.before(t, app)
			}
			h, err := Install(app, tc.options...)
			require.ErrorContains(t, err, tc.message)
			require.Nil(t, h)
			require.Nil(t, From(app))
			require.Len(t, app.Routes(), 1)
		})
	}
	_, err := Install(nil)
	require.EqualError(t, err, "inngesthealth: install: the app is nil")
}

// After an error, Install can be called again.
func TestInstallAgain(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, succeed)
	_, err := Install(app, WithPath(inngestkit.DefaultPath))
	require.Error(t, err)
	h := install(t, app, nil)
	_, err = Install(app)
	require.EqualError(t, err, "inngesthealth: install: the app already has health checks")
	require.Same(t, h, From(app))
	callOnce(t, app)
	require.Equal(t, uint64(1), h.Functions()[0].Executions, "counted once")
	require.Nil(t, From(newApp(t, inngestkit.Config{}, succeed)))
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]string{
		"/status":      {"/status", "/status/alive", "/status/ready"},
		"/status/":     {"/status", "/status/alive", "/status/ready"},
		"/status/jobs": {"/status/jobs", "/status/jobs/alive", "/status/jobs/ready"},
		"/":            {"/", "/alive", "/ready"},
	} {
		app := newApp(t, inngestkit.Config{}, succeed)
		install(t, app, WithPath(path), WithProbes("alive", "ready"))
		var paths []string
		for _, route := range app.Routes() {
			paths = append(paths, route.Path)
		}
		require.Equal(t, append([]string{inngestkit.DefaultPath}, want...), paths)
	}
}

// WithoutRoutes mounts nothing; everything else works.
func TestWithoutRoutes(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, succeed)
	h := install(t, app, WithoutRoutes())
	require.Len(t, app.Routes(), 1)
	require.NoError(t, h.Ready())
	callOnce(t, app)
	require.Equal(t, uint64(1), h.Functions()[0].Executions)
}

// Checks may request the report as soon as they run, even before Install returns.
func TestChecksThatReadTheReport(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, succeed)
	var checks []Check
	looked := make(chan error, 20)
	for i := range cap(looked) {
		checks = append(checks, Check{Name: string(rune('a' + i)), Run: func(ctx context.Context) error {
			h := From(inngestkit.FromContext(ctx))
			if h == nil || len(h.Report().Error)+len(h.Report().Info) < cap(looked) {
				looked <- errLost
				return nil
			}
			looked <- nil
			return nil
		}})
	}
	install(t, app, WithChecks(checks...))
	for range cap(looked) {
		require.NoError(t, <-looked)
	}
}

// This package does not keep unused apps in memory.
func TestAppIsCollected(t *testing.T) {
	t.Parallel()
	collected := make(chan struct{})
	func() {
		app, err := inngestkit.New(inngestkit.Config{AppID: "dropped", Dev: true})
		require.NoError(t, err)
		install(t, app)
		runtime.AddCleanup(app, func(int) { close(collected) }, 0)
	}()
	for {
		runtime.GC()
		select {
		case <-collected:
			return
		case <-time.After(time.Millisecond):
		}
	}
}
