package snippets

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
)

var (
	err    error
	health *inngesthealth.Health
	db     *sql.DB
	search interface {
		Ping(ctx context.Context) error
	}
	errorTracker interface{ Report(message string) }

	alert func(ctx context.Context) (string, error)

	r           *gin.Engine
	f           *fiber.App
	server      *http.Server
	shutdownCtx context.Context
)
