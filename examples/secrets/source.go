package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A Source has secrets, by the names of variables such as INNGEST_SIGNING_KEY. Its method is
// an [inngestkit.Lookup].
type Source interface {
	Lookup(ctx context.Context, variable string) (value string, found bool, err error)
}

// Files is a directory with a file for each secret, as Docker and Kubernetes mount them.
type Files struct{ dir *os.Root }

var _ Source = (*Files)(nil)

// OpenFiles opens a directory, such as /run/secrets.
func OpenFiles(dir string) (*Files, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Files{root}, nil
}

// Lookup implements [Source].
func (f *Files) Lookup(_ context.Context, variable string) (value string, found bool, err error) {
	content, err := f.dir.ReadFile(variable)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return string(content), err == nil, err
}

// Close closes the directory.
func (f *Files) Close() error { return f.dir.Close() }

// lookupIn returns a lookup for what is secret in source and for what is not in the
// environment.
func lookupIn(source Source) inngestkit.Lookup {
	return inngestkit.FirstFound(source.Lookup, inngestkit.LookupEnv)
}
