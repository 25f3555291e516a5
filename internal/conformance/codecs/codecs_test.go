package codecs

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// others are the codecs of docs/configuration.md, and where they differ from encoding/json.
var others = map[string]struct {
	codec    inngestkit.JSON
	encoding []string
	decoding []string
}{
	"go-json-experiment": {
		codec:    V1,
		encoding: []string{"number", "no number", "invalid UTF-8"}, // encodes a json.Number as text
		decoding: []string{"number", "number from other text"},     // decodes none from a number
	},
	"sonic": {
		codec:    Sonic,
		encoding: []string{"bool keys"},
		decoding: []string{"embedded", "nested", "raw, invalid UTF-8", "keys with a zero"}, // at most 4,096 levels
	},
}

// Other codecs treat every shape as encoding/json does, but for those listed.
func TestCodecs(t *testing.T) {
	t.Parallel()
	for name, other := range others {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var encoding, decoding []string
			for shape, value := range values() {
				want, wantErr := json.Marshal(value)
				got, err := other.codec.Marshal(value)
				if (err == nil) != (wantErr == nil) || string(got) != string(want) {
					t.Logf("encoding %s: %s %v, not %s %v", shape, got, err, want, wantErr)
					encoding = append(encoding, shape)
				}
			}
			for shape, document := range documents {
				want, got := document.into(), document.into()
				wantErr := json.Unmarshal([]byte(document.raw), want)
				err := other.codec.Unmarshal([]byte(document.raw), got)
				if (err == nil) != (wantErr == nil) || (err == nil && !reflect.DeepEqual(got, want)) {
					t.Logf("decoding %s: %s %v, not %s %v", shape, short(got), err, short(want), wantErr)
					decoding = append(decoding, shape)
				}
			}
			require.ElementsMatch(t, other.encoding, encoding, "encoding")
			require.ElementsMatch(t, other.decoding, decoding, "decoding")
		})
	}
}

func short(value any) string {
	return fmt.Sprintf("%.100s", fmt.Sprintf("%+v", reflect.ValueOf(value).Elem()))
}
