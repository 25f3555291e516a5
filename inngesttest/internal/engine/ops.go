package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// The operations of a response (pkg/enums/opcode.go of the server).
const (
	opNone        = "None"
	opStep        = "Step"
	opStepRun     = "StepRun"
	opStepError   = "StepError"
	opStepFailed  = "StepFailed"
	opStepPlanned = "StepPlanned"
	opSleep       = "Sleep"
	opWait        = "WaitForEvent"
	opInvoke      = "InvokeFunction"
	opAIGateway   = "AIGateway"
	opGateway     = "Gateway"
	opSignal      = "WaitForSignal"
	opRunComplete = "RunComplete"
	opDiscovery   = "DiscoveryRequest"
	opSyncDone    = "SyncRunComplete"
	opDeferAdd    = "DeferAdd"
	opDeferAbort  = "DeferAbort"
)

// knownOps are the operations that a server of a version can read.
var (
	newestOps = []string{
		opNone, opStep, opStepRun, opStepError, opStepFailed, opStepPlanned, opSleep, opWait, opInvoke, opAIGateway,
		opGateway, opSignal, opRunComplete, opSyncDone, opDiscovery, opDeferAdd, opDeferAbort,
	}
	oldestOps = []string{
		opNone, opStep, opStepRun, opStepError, opStepFailed, opStepPlanned, opSleep, opWait, opInvoke, opAIGateway,
		opGateway, opSignal, opRunComplete,
	}
)

// maxStep is the size in bytes of the largest input or output of a step (MaxStepInputSize
// and MaxStepOutputSize in pkg/consts of the server).
const maxStep = 4 << 20

// opcode is one operation of a response.
type opcode struct {
	Op          string          `json:"op"`
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	DisplayName *string         `json:"displayName"`
	Opts        json.RawMessage `json:"opts"`
	Data        json.RawMessage `json:"data"`
	Error       *stepError      `json:"error"`
	Userland    userland        `json:"userland"`

	// gateway is the response to the request of a gateway operation.
	gateway *gatewayResult
}

// stepError is the error of a step as the server stores it (UserError in
// pkg/execution/state of the server).
type stepError struct {
	Name    string          `json:"name"`
	Message string          `json:"message"`
	Stack   string          `json:"stack,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
	NoRetry bool            `json:"noRetry,omitempty"`
	Cause   json.RawMessage `json:"cause,omitempty"`
}

type userland struct {
	ID    string `json:"id"`
	Index int    `json:"index"`
}

// name returns the ID that the function gave the step.
func (op *opcode) name() string {
	switch {
	case op.Userland.ID != "":
		return op.Userland.ID
	case op.DisplayName != nil:
		return *op.DisplayName
	case op.Name != "":
		return op.Name
	}
	return op.ID
}

// lazy reports whether the operation only accompanies others.
func (op *opcode) lazy() bool { return op.Op == opDeferAdd || op.Op == opDeferAbort }

// stored returns what the server stores for a step that has run or failed.
func (op *opcode) stored() (json.RawMessage, error) {
	switch op.Op {
	case opStepError, opStepFailed:
		return json.Marshal(map[string]any{fieldError: op.Error})
	case opStepRun:
		data := op.Data
		if len(data) == 0 {
			data = json.RawMessage("null")
		}
		out := make([]byte, 0, len(data)+len(`{"data":}`))
		out = append(append(append(out, `{"data":`...), data...), '}')
		return out, nil
	}
	return op.Data, nil
}

var (
	errInputTooLarge  = errors.New("step input size is greater than the limit")
	errOutputTooLarge = errors.New("step output size is greater than the limit")
)

// check returns an error if the operation is beyond the server's limits.
func (op *opcode) check() error {
	var input json.RawMessage
	switch op.Op {
	case opStepRun, opStep:
		var opts struct {
			Input json.RawMessage `json:"input"`
		}
		if len(op.Opts) > maxStep && json.Unmarshal(op.Opts, &opts) == nil {
			input = opts.Input
		}
	case opAIGateway:
		var opts struct {
			Body json.RawMessage `json:"body"`
		}
		if len(op.Opts) > maxStep && json.Unmarshal(op.Opts, &opts) == nil {
			input = opts.Body
		}
	}
	if len(input) > maxStep {
		return errInputTooLarge
	}
	if output, err := op.stored(); err == nil && storedSize(output) > maxStep {
		return errOutputTooLarge
	}
	return nil
}

// parseOps reads the operations of a response with status 206. Its errors have the server's
// texts, because runs fail with them.
func (e *Engine) parseOps(body []byte, noRetry bool) ([]*opcode, error) {
	body = bytes.TrimSpace(body)
	var ops []*opcode
	var err error
	switch {
	case len(body) == 0:
		return nil, errors.New("no response data")
	case body[0] == '{':
		op := &opcode{}
		err = json.Unmarshal(body, op)
		ops = []*opcode{op}
	case body[0] == '[':
		err = json.Unmarshal(body, &ops)
	default:
		err = errors.New("expected JSON object or array")
	}
	if err != nil {
		return nil, fmt.Errorf("error reading generator opcode response: %w", err)
	}
	if len(ops) == 0 {
		ops = []*opcode{{Op: opNone}}
	}
	known := newestOps
	if e.cfg.Version == version.Oldest {
		known = oldestOps
	}
	for i, op := range ops {
		switch {
		case op == nil:
			return nil, fmt.Errorf("error validating generator opcode %d: opcode cannot be null", i)
		case op.Op == "":
			op.Op = opNone
		case !slices.Contains(known, op.Op):
			return nil, fmt.Errorf("error reading generator opcode response: %s does not belong to Opcode values", op.Op)
		}
		if err := op.check(); err != nil {
			return nil, fmt.Errorf("error validating generator opcode %s: %w", op.ID, err)
		}
		if op.Op == opStepError {
			if op.Error == nil {
				return nil, fmt.Errorf("%s of step %q received without an error", opStepError, op.name())
			}
			op.Error.NoRetry = noRetry
		}
	}
	return ops, nil
}
