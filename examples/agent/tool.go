package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"
)

// A Tool is a Go function that the model may ask for.
type Tool struct {
	Name        string
	Description string
	// NeedsApproval makes a human decide about each call.
	NeedsApproval bool

	parameters json.RawMessage // the JSON Schema of the arguments
	bind       func(arguments string) (boundTool, error)
}

// A boundTool is a tool with its arguments. The key is the same in each attempt and differs
// between calls: pass it on as an idempotency key.
type boundTool func(ctx context.Context, key string) (json.RawMessage, error)

// NewTool makes a tool of fn. The model sees the fields of Args with the descriptions in
// their jsonschema tags. fn is called only with arguments that fit. NewTool
// panics if Args has no JSON Schema.
func NewTool[Args, Result any](
	name, description string, fn func(ctx context.Context, key string, args Args) (Result, error),
) Tool {
	schema, err := jsonschema.For[Args](nil)
	if err != nil {
		panic(fmt.Sprintf("tool %s: %v", name, err))
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		panic(fmt.Sprintf("tool %s: %v", name, err))
	}
	parameters, err := json.Marshal(schema)
	if err != nil {
		panic(fmt.Sprintf("tool %s: %v", name, err))
	}
	bind := func(arguments string) (boundTool, error) {
		args, err := decode[Args](resolved, arguments)
		if err != nil {
			return nil, fmt.Errorf("arguments of %s: %w", name, err)
		}
		return func(ctx context.Context, key string) (json.RawMessage, error) {
			result, err := fn(ctx, key, args)
			if err != nil {
				return nil, err
			}
			return json.Marshal(result)
		}, nil
	}
	return Tool{Name: name, Description: description, parameters: parameters, bind: bind}
}

// decode decodes arguments that fit the schema.
func decode[Args any](schema *jsonschema.Resolved, arguments string) (args Args, err error) {
	var value any
	if err := json.Unmarshal([]byte(arguments), &value); err != nil {
		return args, err
	}
	if err := schema.Validate(value); err != nil {
		return args, err
	}
	return args, json.Unmarshal([]byte(arguments), &args)
}
