// Package codecs compares JSON encoders and decoders that [inngestkit.Config] takes with
// encoding/json.
package codecs

import (
	"github.com/bytedance/sonic"
	jsonv1 "github.com/go-json-experiment/json/v1"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

var (
	// V1 is go-json-experiment in the mode that is compatible with encoding/json.
	V1 inngestkit.JSON = v1{}
	// Sonic is sonic in the mode that is compatible with encoding/json.
	Sonic inngestkit.JSON = sonic.ConfigStd
)

type v1 struct{}

func (v1) Marshal(value any) ([]byte, error)     { return jsonv1.Marshal(value) }
func (v1) Unmarshal(data []byte, into any) error { return jsonv1.Unmarshal(data, into) }
