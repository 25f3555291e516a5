package safe_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// matryoshka panics with itself when printed.
type matryoshka struct{}

func (m matryoshka) String() string { panic(m) }

func TestSprint(t *testing.T) {
	t.Parallel()
	require.Equal(t, "oh no", safe.Sprint("oh no"))
	require.Equal(t, "<nil>", safe.Sprint((*coded)(nil)))
	require.Equal(t, "a value of type safe_test.matryoshka that cannot be printed", safe.Sprint(matryoshka{}))
}

// coded is an error whose method dereferences its receiver.
type coded struct{ code string }

func (c *coded) Error() string { return c.code }

// opaque is an error whose Unwrap panics.
type opaque struct{}

func (opaque) Error() string { return "opaque" }
func (opaque) Unwrap() error { panic("no") }

// choosy is an error whose Is panics.
type choosy struct{}

func (choosy) Error() string   { return "choosy" }
func (choosy) Is(error) bool   { panic("no") }
func (choosy) Unwrap() []error { return nil }

// closed is an error whose As panics.
type closed struct{}

func (closed) Error() string { return "closed" }
func (closed) As(any) bool   { panic("no") }

func TestSound(t *testing.T) {
	t.Parallel()
	const isNil = "fn returned a nil *safe_test.coded as its error, which is not nil to Go: return nil itself"
	var none *coded
	later := time.Now().Add(time.Hour)
	for name, tc := range map[string]struct {
		err     error
		want    string // "" for err itself
		noRetry bool
		retryAt *time.Time
	}{
		"an error":                         {err: fmt.Errorf("wrapped: %w", &coded{"c1"})},
		"a nil pointer without need of it": {err: (*silent)(nil)},
		"a nil pointer":                    {err: none, want: isNil, noRetry: true},
		"a nil pointer, joined":            {err: errors.Join(errors.New("a"), none), want: isNil, noRetry: true},
		"a nil pointer, no retry":          {err: sdkerrors.NoRetryError(none), want: isNil, noRetry: true},
		"a nil pointer, retried later":     {err: sdkerrors.RetryAtError(none, later), want: isNil, retryAt: &later},
		"Unwrap panics":                    {err: opaque{}, want: "fn returned an error of type safe_test.opaque, whose methods panic: no"},
		"Is panics":                        {err: choosy{}, want: "fn returned an error of type safe_test.choosy, whose methods panic: no"},
		"As panics, no retry": {
			err:     sdkerrors.NoRetryError(closed{}),
			want:    "fn returned an error of type safe_test.closed, whose methods panic: no",
			noRetry: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := safe.Sound("fn", tc.err)
			if tc.want == "" {
				require.Equal(t, tc.err, got)
				return
			}
			require.EqualError(t, got, tc.want)
			require.Equal(t, tc.noRetry, sdkerrors.IsNoRetryError(got))
			if tc.retryAt == nil {
				require.Nil(t, sdkerrors.GetRetryAtTime(got))
			} else {
				require.Equal(t, *tc.retryAt, *sdkerrors.GetRetryAtTime(got))
			}
		})
	}
	require.NoError(t, safe.Sound("fn", nil))
}

// silent is an error whose method does not dereference its receiver.
type silent struct{}

func (*silent) Error() string { return "silent" }

// unwritten cannot be encoded.
type unwritten struct{ how any }

func (u unwritten) MarshalJSON() ([]byte, error) {
	if err, ok := u.how.(error); ok {
		return nil, err
	}
	panic(u.how)
}

// badKey cannot be the key of an object.
type badKey struct{ _ int }

func (badKey) MarshalText() ([]byte, error) { panic("no key") }

func TestMarshal(t *testing.T) {
	t.Parallel()
	raw, err := safe.Marshal(map[string]int{"a": 1}, json.Marshal)
	require.NoError(t, err)
	require.JSONEq(t, `{"a":1}`, string(raw))
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"a panic":       {[]unwritten{{"oh no"}}, "encoding []safe_test.unwritten panicked: oh no"},
		"a panic twice": {unwritten{matryoshka{}}, "encoding safe_test.unwritten panicked: a value of type safe_test.matryoshka that cannot be printed"},
		"a key":         {map[badKey]int{{}: 1}, "encoding map[safe_test.badKey]int panicked: no key"},
		"a nil pointer as error": {
			unwritten{(*coded)(nil)},
			"encoding safe_test.unwritten returned a nil *safe_test.coded as its error, which is not nil to Go: return nil itself",
		},
		"an error": {unwritten{errors.New("no")}, "json: error calling MarshalJSON for type safe_test.unwritten: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := safe.Marshal(tc.value, json.Marshal)
			require.EqualError(t, err, tc.want)
			require.Equal(t, strings.Contains(tc.want, "panicked"), strings.Contains(safe.Stack(err), "safe_test.go"))
		})
	}
	_, err = safe.Marshal(func() {}, json.Marshal)
	var unsupported *json.UnsupportedTypeError
	require.ErrorAs(t, err, &unsupported)
}
