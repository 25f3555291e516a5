package inngestkit

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// outputError says why the function has failed though it returned no error: its output
// cannot be encoded. Another try would return the same.
func (f *function) outputError(c *call.Call, rec *recorder) error {
	fc, ok := c.Function.(*FunctionCall)
	failed := !ok || fc.err != nil
	if rec.status < http.StatusBadRequest || !c.Returned() || failed {
		return nil
	}
	return f.encodingError(c)
}

// encodingError says why the output cannot be encoded, nil if it can.
func (f *function) encodingError(c *call.Call) error {
	_, err := jsontype.Marshal(c.Output())
	if err != nil {
		err = fmt.Errorf("the output of function %q, of Go type %T, is not JSON: %w", f.source.id, c.Output(), err)
	}
	return err
}

// asText returns an output so that the server leaves it alone. It takes text for an
// object that was encoded twice, and decodes it, if the text begins and ends with a brace
// and is JSON (ParseResponse in its pkg/execution/driver/httpdriver). It looks for the
// first brace as it is; written as an escape it is the same text.
func asText(output []byte) []byte {
	rest, found := bytes.CutPrefix(output, []byte(`"{`))
	if !found {
		return output
	}
	return append([]byte(`"\u007b`), rest...)
}
