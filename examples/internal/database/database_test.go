package database_test

import (
	"strings"
	"testing"

	"github.com/inngestkit/inngestkit/examples/internal/database"
)

// The URL of another database is not the name of a file. Its password is not in the error.
func TestOtherDatabase(t *testing.T) {
	t.Parallel()
	_, err := database.Open(t.Context(), "mysql://user:password@localhost/shop", "")
	if err == nil || !strings.Contains(err.Error(), "DATABASE_URL must begin with postgres://") {
		t.Error(err)
	}
	if err != nil && strings.Contains(err.Error(), "password") {
		t.Error("the error shows the password")
	}
}
