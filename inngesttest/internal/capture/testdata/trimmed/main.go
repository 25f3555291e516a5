// Trimmed checks a function of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/inngestkit/inngestkit/core/step"

	"github.com/inngestkit/inngestkit/inngesttest/internal/capture"
)

func handle(ctx context.Context, _ any) (int, error) {
	total := 0
	_, err := step.Run(ctx, "charge", func(context.Context) (any, error) {
		total = 5
		return "", nil
	})
	return total, err
}

func main() {
	findings, _, err := capture.Check(reflect.ValueOf(handle).Pointer())
	if errors.Is(err, capture.ErrNoSource) {
		fmt.Println("no source:", err)
		return
	}
	fmt.Println(len(findings), "finding", err)
}
